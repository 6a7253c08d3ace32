"""redis-py's errors in our words."""

import pytest
from redis import exceptions

from model.errors import ConfigurationError, LogscryError, RedisAwayError, RedisFullError, StateError
from stream.redis_client import translated


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (exceptions.ConnectionError("refused"), RedisAwayError),
        (exceptions.TimeoutError("no answer"), RedisAwayError),
        (exceptions.BusyLoadingError("loading"), RedisAwayError),
        (exceptions.ReadOnlyError("a replica"), RedisAwayError),
        (exceptions.OutOfMemoryError("full"), RedisFullError),
        (exceptions.ResponseError("Error running script (call to f_1): @user_script:28: -OOM command"), RedisFullError),
        (exceptions.ResponseError("BUSY Redis is busy running a script"), RedisAwayError),
        (exceptions.ResponseError("MISCONF cannot write to disk"), RedisAwayError),
        (exceptions.AuthenticationError("wrong password"), ConfigurationError),
        (exceptions.ResponseError("WRONGTYPE another type"), StateError),
    ],
)
def test_what_passes_is_tried_again_and_what_does_not_stops(error: Exception, expected: type[LogscryError]):
    """The cause is kept."""
    with pytest.raises(expected) as raised, translated():
        raise error
    assert raised.value.__cause__ is error
