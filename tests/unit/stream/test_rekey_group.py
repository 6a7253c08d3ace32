"""The consumer group of the rekey stage."""

import pytest

from model.errors import ConfigurationError
from stream.consumers.rekey import rekey_group
from stream.settings import load_settings


@pytest.mark.parametrize("namespace", ["logscry", "a-rekey", "x" * 50])
def test_no_namespace_s_consumers_share_the_group_of_another_s_rekey_stage(namespace: str):
    """Consumers have the group of their namespace's name: a reset of one would read the raw topic of another again."""
    with pytest.raises(ConfigurationError, match="namespace"):
        load_settings(None, {"namespace": rekey_group(namespace)})
