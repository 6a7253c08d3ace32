"""A short form of ``make fuzz``: whatever a decoder is given, it gives lines or an error."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.decoders import DECODERS


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_decoder_gives_lines_or_an_error(name, data):
    """Never another exception; the same again, the same alone as in a batch, and never much more than it was given."""
    DECODERS[name].check(data.draw(DECODERS[name].cases))
