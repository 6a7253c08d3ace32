"""Connecting to Redis: what is refused, and in which words."""

import pytest
from redis import Redis

from deploy.embedded.redis_server import EmbeddedRedis
from model.errors import ConfigurationError, TransientError
from stream.redis_client import connect

pytestmark = pytest.mark.stack


def test_a_redis_that_throws_state_away_is_refused():
    """Eviction would lose windows without a word; without a memory limit the policy does not matter."""
    with EmbeddedRedis() as server, Redis.from_url(server.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        connect(server.url).close()
        client.config_set("maxmemory", "100mb")

        with pytest.raises(ConfigurationError, match="noeviction"):
            connect(server.url)


def test_a_wrong_password_is_named_and_not_shown(redis_url: str):
    """The error names the setting."""
    wrong = redis_url.replace("redis://:", "redis://:wrong-")

    with pytest.raises(ConfigurationError, match=r"redis\.url") as refused:
        connect(wrong)
    assert "wrong-" not in str(refused.value)


def test_a_server_that_is_not_there_is_worth_another_try():
    """Whoever starts everything at once need not mind the order."""
    with pytest.raises(TransientError):
        connect("redis://127.0.0.1:1/0")
