"""A Redis Cluster of three primaries for the tests: real servers, each with a third of the slots."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, ClassVar, Self

import redis

from deploy.embedded.ports import HOST, free_port, wait_until
from deploy.embedded.redis_server import EmbeddedRedis
from stream.redis_client import close, connect

__all__ = ["ClusterServer", "RedisCluster", "connected"]

BUS_OFFSET = 10_000
"""A node talks to the others on the port this far above its own."""

SLOTS = 16_384
JOIN_SECONDS = 30.0


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """A client as the processes have it, closed with the block."""
    client = connect(url)
    try:
        yield client
    finally:
        close(client)


class ClusterServer(EmbeddedRedis):
    """One server in cluster mode; with others it becomes a cluster."""

    name: ClassVar[str] = "redis-node"

    def _configuration(self) -> str:
        lines = ("cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-node-timeout 2000")
        return super()._configuration() + "\n".join(lines) + "\n"

    def client(self) -> Any:
        """A client of this server alone."""
        return redis.Redis.from_url(self.url)

    def _choose_port(self) -> int:
        return free_port(neighbours=1, step=BUS_OFFSET)


class RedisCluster:
    """Three servers with one password, for as long as a ``with`` block lasts.

    Args:
        appendonly: Whether they keep their data on disk, every write before it is answered.

    Attributes:
        servers: The three, in the order of their slots.
    """

    def __init__(self, *, appendonly: bool = False) -> None:
        self._password = secrets.token_urlsafe(18)
        self.servers = [ClusterServer(appendonly=appendonly, password=self._password) for _ in range(3)]
        self._cleanup = ExitStack()

    @property
    def url(self) -> str:
        """The URL of one server: whoever knows one finds the others."""
        return self.servers[0].url

    def owner_of(self, key: str) -> ClusterServer:
        """The server that holds a key."""
        with self.servers[0].client() as client:
            slot: int = client.execute_command("CLUSTER KEYSLOT", key)
        return self.servers[slot * len(self.servers) // SLOTS]

    def move(self, key: str, target: ClusterServer) -> None:
        """Give the slot of a key, with all keys in it, to another server, as resharding does."""
        source = self.owner_of(key)
        with source.client() as old, target.client() as new:
            slot = old.execute_command("CLUSTER KEYSLOT", key)
            old_id, new_id = (client.execute_command("CLUSTER MYID").decode() for client in (old, new))
            new.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", old_id)
            old.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", new_id)
            keys = old.execute_command("CLUSTER GETKEYSINSLOT", slot, 1000)
            old.migrate(HOST, target.port, keys, 0, 5000, auth=self._password)
            for client in (new, old):
                client.execute_command("CLUSTER SETSLOT", slot, "NODE", new_id)

    def await_whole(self) -> None:
        """Wait until the servers have found each other and serve all slots."""
        if not wait_until(lambda: all(_is_whole(server) for server in self.servers), JOIN_SECONDS):
            raise TimeoutError(f"the three servers are no cluster after {JOIN_SECONDS:.0f} s")

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            for server in self.servers:
                cleanup.callback(server.stop)
                server.start()
            self._join()
            self.await_whole()
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def _join(self) -> None:
        for number, server in enumerate(self.servers):
            with server.client() as client:
                client.execute_command("CLUSTER ADDSLOTS", *_slots(number))
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
                for other in self.servers[:number]:
                    client.execute_command("CLUSTER MEET", HOST, other.port)


def _slots(number: int) -> range:
    """The slots of a server: those that :meth:`RedisCluster.owner_of` looks for there."""
    return range(-(-SLOTS * number // 3), -(-SLOTS * (number + 1) // 3))


def _is_whole(server: ClusterServer) -> bool:
    """Whether this server says that all slots are served, by three."""
    with server.client() as client:
        info = client.execute_command("CLUSTER INFO")
    return bool(info["cluster_state"] == "ok" and info["cluster_size"] == "3")
