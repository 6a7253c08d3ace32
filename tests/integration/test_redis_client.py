"""Connecting to Redis: what is refused, and in which words."""

import socket
import traceback
from urllib.parse import urlsplit

import pytest
from redis import Redis

from deploy.embedded.ports import HOST
from deploy.embedded.redis_server import EmbeddedRedis
from model.errors import ConfigurationError, TransientError
from stream.redis_client import close, connect, translated
from tests.redis_cluster import RedisCluster, connected

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


def test_any_server_of_a_cluster_leads_to_all(redis_cluster: RedisCluster, namespace: str):
    """What is written through one of its addresses is read through each of the others, as bytes."""
    for server in redis_cluster.servers:
        with connected(server.url) as client:
            client.set(f"{namespace}:{server.port}", "here")
    for server in redis_cluster.servers:
        with connected(server.url) as client:
            assert [client.get(f"{namespace}:{other.port}") for other in redis_cluster.servers] == [b"here"] * 3


def test_a_cluster_one_server_of_which_throws_state_away_is_refused():
    """Also where that is not the server of the address."""
    with RedisCluster() as cluster, Redis.from_url(cluster.servers[2].url) as client:
        close(connect(cluster.url))
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", "100mb")

        with pytest.raises(ConfigurationError, match="noeviction"):
            connect(cluster.url)


def test_a_cluster_whose_servers_are_all_gone_is_worth_another_try():
    """The same client finds it again when it is back."""
    with RedisCluster() as cluster, connected(cluster.url) as client:
        for server in cluster.servers:
            server.kill()
        with pytest.raises(TransientError), translated():
            client.get("a key")

        for server in cluster.servers:
            server.restart()
        cluster.await_whole()
        assert client.get("a key") is None


def test_a_wrong_password_of_another_server_is_a_wrong_setting():
    """All servers of a cluster take the user of the address; the error does not show its password."""
    with RedisCluster() as cluster, Redis.from_url(cluster.servers[1].url) as client:
        client.config_set("requirepass", "another")

        with pytest.raises(ConfigurationError, match=r"redis\.url") as refused:
            connect(cluster.url)
        assert str(urlsplit(cluster.url).password) not in "".join(traceback.format_exception(refused.value))


def test_a_cluster_has_one_database(redis_cluster: RedisCluster):
    """The error says which."""
    with pytest.raises(ConfigurationError, match="a Redis Cluster has 0 alone"):
        connect(redis_cluster.url.replace("/0", "/1"))


def test_a_server_that_hangs_is_asked_once():
    """It is the caller who tries again, after a look at its stop signal."""
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        silent.listen()

        with pytest.raises(TransientError):
            connect(f"redis://{HOST}:{silent.getsockname()[1]}/0")

        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


@pytest.mark.parametrize("ending", ["?foo=bar", "?retry=1", "?socket_timeout=soon", "?max_connections=-1"])
def test_options_that_cannot_be_are_refused_without_the_password(redis_url: str, ending: str):
    """redis-py looks at them only when it connects, and raises errors of many kinds."""
    with pytest.raises(ConfigurationError, match=r"redis\.url \(LOGSCRY_REDIS__URL\)") as refused:
        connect(redis_url + ending)

    assert str(urlsplit(redis_url).password) not in "".join(traceback.format_exception(refused.value))


def test_a_part_of_a_password_is_not_shown():
    """A '/' in a password makes the part before it look like a port."""
    with pytest.raises(ConfigurationError, match="%2F") as refused:
        connect("redis://:hush/hush@127.0.0.1:1/0")

    assert "hush" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_host_that_no_name_can_be_is_refused():
    """A label of a name has at most 63 letters."""
    with pytest.raises(ConfigurationError, match=r"redis\.url"):
        connect(f"redis://{'h' * 70}:6379/0")


@pytest.mark.parametrize("database", ["999", "-1", "99999999999999999999"])
def test_a_database_that_there_is_not_names_the_setting(redis_url: str, database: str):
    """The server's answer names none."""
    with pytest.raises(ConfigurationError, match=r"redis\.url .*a database that the server does not have.*0 to 15"):
        connect(f"{redis_url.rpartition('/')[0]}/{database}")


def test_a_server_that_is_not_there_is_worth_another_try():
    """Whoever starts everything at once need not mind the order."""
    with pytest.raises(TransientError):
        connect("redis://127.0.0.1:1/0")
