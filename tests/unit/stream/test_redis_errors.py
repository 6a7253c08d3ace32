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
        (exceptions.NoPermissionError("this user has no permissions to run the 'xadd' command"), ConfigurationError),
        (exceptions.ResponseError("WRONGTYPE another type"), StateError),
        # Of a cluster; redis-py takes the first word off.
        (exceptions.ClusterDownError("The cluster is down"), RedisAwayError),
        (exceptions.MasterDownError("Link with MASTER is down"), RedisAwayError),
        (exceptions.TryAgainError("Multiple keys request during rehashing of slot"), RedisAwayError),
        (exceptions.MovedError("3999 127.0.0.1:6381"), RedisAwayError),
        (exceptions.AskError("3999 127.0.0.1:6381"), RedisAwayError),
        (exceptions.ClusterError("TTL exhausted."), RedisAwayError),
        (exceptions.SlotNotCoveredError('Slot "7" is not covered'), RedisAwayError),
        (exceptions.MaxConnectionsError("Too many connections"), RedisAwayError),
        (exceptions.RedisClusterException("Redis Cluster cannot be connected."), RedisAwayError),
        (exceptions.RedisClusterException("All slots are not covered after query all startup_nodes."), RedisAwayError),
        (exceptions.RedisClusterException("UNLINK - all keys must map to the same key slot"), StateError),
        (exceptions.ClusterCrossSlotError("Keys in request don't hash to the same slot"), StateError),
    ],
)
def test_what_passes_is_tried_again_and_what_does_not_stops(error: Exception, expected: type[LogscryError]):
    """The cause is kept."""
    with pytest.raises(expected) as raised, translated():
        raise error
    assert raised.value.__cause__ is error


def test_a_cluster_that_refuses_the_password_is_set_up_wrongly():
    """redis-py wraps what it met at each server in an error about all of them."""
    error = exceptions.RedisClusterException("Redis Cluster cannot be connected.")
    error.__cause__ = exceptions.AuthenticationError("invalid username-password pair")

    with pytest.raises(ConfigurationError), translated():
        raise error
