"""A Redis Cluster of three primaries for the tests: real servers, each with a third of the slots."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, ClassVar, Self

import redis
from redis.crc import key_slot

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
        lines = (
            "cluster-enabled yes",
            "cluster-config-file nodes.conf",
            "cluster-node-timeout 2000",
            f"masterauth {self._password}",
        )
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
        self._appendonly = appendonly
        self._password = secrets.token_urlsafe(18)
        self.servers = [self._new_server() for _ in range(3)]
        self._cleanup = ExitStack()

    @property
    def url(self) -> str:
        """The URL of one server: whoever knows one finds the others."""
        return self.servers[0].url

    def owner_of(self, key: str) -> ClusterServer:
        """The server that holds a key."""
        return self.servers[key_slot(key.encode()) * len(self.servers) // SLOTS]

    def move(self, key: str, target: ClusterServer) -> None:
        """Give the slot of a key, with all keys in it, to another server, as resharding does."""
        slot = key_slot(key.encode())
        with self.owner_of(key).client() as old, target.client() as new:
            old_id, new_id = (client.execute_command("CLUSTER MYID").decode() for client in (old, new))
            new.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", old_id)
            old.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", new_id)
            keys = old.execute_command("CLUSTER GETKEYSINSLOT", slot, 1000)
            old.migrate(HOST, target.port, keys, 0, 5000, auth=self._password)
            for client in (new, old):
                client.execute_command("CLUSTER SETSLOT", slot, "NODE", new_id)

    def add_replica(self, primary: ClusterServer) -> ClusterServer:
        """Start a fourth server that has what one of the three has, and takes its place when it dies."""
        replica = self._new_server()
        self._cleanup.callback(replica.stop)
        replica.start()
        with primary.client() as known, replica.client() as new:
            primary_id = known.execute_command("CLUSTER MYID").decode()
            known.execute_command("CLUSTER MEET", HOST, replica.port)
            _await(lambda: _knows(new, primary_id), "has met no other")
            new.execute_command("CLUSTER REPLICATE", primary_id)
            _await(lambda: new.info("replication").get("master_link_status") == "up", "does not follow its primary")
        _await(lambda: all(_knows_replica(server, primary_id) for server in self.servers), "is not known to all")
        return replica

    def await_whole(self) -> None:
        """Wait until the servers have found each other and serve all slots."""
        ports = {server.port for server in self.servers}
        _await(lambda: all(_sees(server, ports) for server in self.servers), "finds no whole cluster")

    def _new_server(self) -> ClusterServer:
        return ClusterServer(appendonly=self._appendonly, password=self._password)

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


def _await(condition: Callable[[], Any], otherwise: str) -> None:
    if not wait_until(lambda: bool(condition()), JOIN_SECONDS):
        raise TimeoutError(f"a server {otherwise} after {JOIN_SECONDS:.0f} s")


def _knows(client: Any, node_id: str) -> bool:
    nodes = client.execute_command("CLUSTER NODES").values()
    return any(node["node_id"] == node_id for node in nodes)


def _knows_replica(server: ClusterServer, primary_id: str) -> bool:
    with server.client() as client:
        return bool(client.execute_command("CLUSTER REPLICAS", primary_id))


def _sees(server: ClusterServer, ports: set[int]) -> bool:
    """Whether this server says that all slots are served, and by these."""
    with server.client() as client:
        slots = client.execute_command("CLUSTER SLOTS")
        whole = client.execute_command("CLUSTER INFO")["cluster_state"] == "ok"
    return bool(whole and {primary[1] for _, _, primary, *_ in slots} == ports)
