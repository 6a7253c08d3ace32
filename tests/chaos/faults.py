"""What is done to a running service, one function each; all else goes on meanwhile."""

import signal
import time
from collections.abc import Callable

from deploy.embedded.broker import ApacheKafka
from deploy.embedded.children import Child
from stream.windowing.store import GROUP, PartitionId, PartitionStore
from tests.chaos.haunting import haunt
from tests.chaos.scene import Scene, events_of
from tests.service import wait

__all__ = ["Fault", "faults_of"]

Fault = Callable[[Scene], None]

NEWEST_SECONDS = 1.0
"""What a Redis may lose that writes to its disk once a second (appendfsync everysec)."""

CALLS = 4
"""How many answers or requests are interfered with at once."""


def kill_consumer(scene: Scene) -> None:
    """SIGKILL, and start another."""
    scene.kill(scene.chance.choice(scene.running("consume")))
    scene.service.children.start("consume")


def kill_worker(scene: Scene) -> None:
    """SIGKILL with windows in hand, and start another."""
    workers = {_name_of(child, "worker"): child for child in scene.running("detect")}
    busy: list[Child] = []

    def one_has_windows() -> bool:
        busy[:] = [workers[name] for name in _workers_with_windows(scene) if name in workers]
        return bool(busy)

    wait(one_has_windows, scene.service.children.check)
    scene.kill(busy[0])
    scene.service.children.start("detect")


def kill_broker(scene: Scene) -> None:
    """SIGKILL, and start it again on what it has on disk."""
    broker = scene.servers.broker
    if isinstance(broker, ApacheKafka):  # one that somebody else runs is left alone
        broker.kill()
        broker.restart()
        scene.counts["broker_kills"] += 1


def rewind_redis(scene: Scene) -> None:
    """Kill Redis, cut its file at a random byte of its newest second, and start it again."""
    _replace_redis(scene, unseen=False, change=_cut_newest_second(scene))


def rewind_redis_unseen(scene: Scene) -> None:
    """Likewise behind a proxy that holds the connections, so that nobody is told by an error."""
    _replace_redis(scene, unseen=True, change=_cut_newest_second(scene))


def empty_redis(scene: Scene) -> None:
    """Kill Redis and start it with nothing."""
    unseen = scene.chance.random() < 0.5
    _replace_redis(scene, unseen=unseen, change=scene.servers.redis.forget)


def stop_consumer(scene: Scene) -> None:
    """SIGSTOP a consumer until others have its partitions, then wake it in the middle of whatever it was doing."""
    owners = {_name_of(child, "owner"): child for child in scene.running("consume")}
    held: list[str] = []

    def one_owns() -> bool:
        held[:] = [owner for owner in map(scene.owner_of, scene.service.stores()) if owner in owners]
        return bool(held)

    wait(one_owns, scene.service.children.check)
    owner = scene.chance.choice(held)
    process = owners[owner].process
    process.send_signal(signal.SIGSTOP)
    try:
        wait(lambda: all(scene.owner_of(store) != owner for store in scene.service.stores()))
    finally:
        process.send_signal(signal.SIGCONT)


def lose_answers(scene: Scene) -> None:
    """Some batches are applied, and their consumers never hear of it."""
    scene.servers.proxy.lose_answers(CALLS)


def delay_requests(scene: Scene) -> None:
    """Some batches arrive when their consumers have given them up and read the same offsets again."""
    scene.servers.proxy.delay_requests(CALLS)


def cut_connections(scene: Scene) -> None:
    """Every connection to Redis ends at once."""
    scene.servers.proxy.cut_all()


def send_zombie(scene: Scene) -> None:
    """A former owner applies offsets with its own event IDs."""
    partition = PartitionId(scene.service.logs_topic, scene.chance.choice(scene.busy_partitions))
    store = PartitionStore(scene.service.redis, scene.service.namespace, partition)
    wait(store.position, scene.service.children.check)
    answer = haunt(scene.servers.redis.url, scene.service.namespace, partition, scene.rule, scene.environment)
    scene.counts["owner_refusals" if answer == "owner" else "zombies_let_in"] += 1


def faults_of(scene: Scene) -> list[Fault]:
    """The faults of a run: all in a random order, and then some once more in a fixed one.

    What a mutant lets pass is undone by each Redis that goes back later. So the last that does goes back unseen, which
    tries the check for gaps, and behind it comes what tries the other checks.
    """
    passing: list[Fault] = [lose_answers, delay_requests, cut_connections, send_zombie]
    faults: list[Fault] = [
        *(kill_consumer, kill_worker, kill_broker, stop_consumer),
        *(rewind_redis, rewind_redis_unseen, empty_redis),
        *passing,
    ]
    scene.chance.shuffle(faults)
    return [*faults, rewind_redis_unseen, *passing]


def _cut_newest_second(scene: Scene) -> Callable[[], None]:
    redis = scene.servers.redis
    before = redis.newest_file(), redis.newest_file().stat().st_size
    time.sleep(NEWEST_SECONDS)

    def cut() -> None:
        path = redis.newest_file()
        size = path.stat().st_size
        oldest = before[1] if path == before[0] else 0
        scene.counts["bytes_cut"] += size - (keep := scene.chance.randint(oldest, size))
        with path.open("r+b") as file:
            file.truncate(keep)

    return cut


def _replace_redis(scene: Scene, change: Callable[[], None], *, unseen: bool) -> None:
    """Kill Redis, change what it has on disk, and start it again."""
    redis, proxy = scene.servers.redis, scene.servers.proxy
    proxy.hold() if unseen else None
    redis.kill()
    proxy.hold() if not unseen else None
    change()
    redis.restart()
    redis.write_anew()  # as operators are told to: else the next start would mix in what the cut has left half
    proxy.release()


def _workers_with_windows(scene: Scene) -> list[str]:
    waiting: list[str] = []
    for store in scene.service.stores():
        if scene.service.redis.exists(store.ready) and scene.service.redis.xinfo_groups(store.ready):
            summary = scene.service.redis.xpending(store.ready, GROUP)
            waiting += [each["name"].decode() for each in summary["consumers"]]
    return waiting


def _name_of(child: Child, field: str) -> str:
    """What a process calls itself: the field of the first event that has it."""
    return next((str(event[field]) for event in events_of(child.log) if field in event), "")
