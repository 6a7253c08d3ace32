"""redis-py's errors in our words."""

import pytest
from redis import exceptions

from model.errors import ConfigurationError, LogscryError, StateError, TransientError
from stream.redis_client import translated


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (exceptions.ConnectionError("refused"), TransientError),
        (exceptions.TimeoutError("no answer"), TransientError),
        (exceptions.BusyLoadingError("loading"), TransientError),
        (exceptions.ReadOnlyError("a replica"), TransientError),
        (exceptions.OutOfMemoryError("full"), TransientError),
        (exceptions.ResponseError("Error running script (call to f_1): @user_script:28: -OOM command"), TransientError),
        (exceptions.ResponseError("BUSY Redis is busy running a script"), TransientError),
        (exceptions.ResponseError("MISCONF cannot write to disk"), TransientError),
        (exceptions.AuthenticationError("wrong password"), ConfigurationError),
        (exceptions.ResponseError("WRONGTYPE another type"), StateError),
    ],
)
def test_what_passes_is_tried_again_and_what_does_not_stops(error: Exception, expected: type[LogscryError]):
    """The cause is kept."""
    with pytest.raises(expected) as raised, translated():
        raise error
    assert raised.value.__cause__ is error
