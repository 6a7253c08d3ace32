"""The scripts in Redis agree with the pure window logic, whatever the history and the batching."""

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from model.errors import StateError
from stream.windowing.batches import batch_of
from stream.windowing.ready import ReadyWindow
from stream.windowing.ready_streams import ReadyStreams
from stream.windowing.store import Applied, PartitionId, PartitionStore, Refusal
from stream.windowing.windows import Event, PartitionWindows, Window, WindowRule

pytestmark = pytest.mark.stack

LOGS_3 = PartitionId("logs", 3)
RULE = WindowRule(size=4, hop=2, session_gap_ms=50)
OWNER = "owner-a"

_numbers = count()


@st.composite
def histories(draw) -> list[Event]:
    """Up to sixty events of four keys with ties, late ones and silences; two lines a record now and then."""
    steps = draw(st.lists(st.tuples(st.sampled_from(b"abcd"), st.integers(-30, 80), st.booleans()), max_size=60))
    time_ms, place, history = 100, 0, []
    for number, (key, step, same_record) in enumerate(steps):
        time_ms = max(0, time_ms + step)
        place = place + 1 if same_record and number else ((place >> 16) + 1) << 16
        history.append(Event(bytes([key]), time_ms, number.to_bytes(8, "big"), place))
    return history


@pytest.fixture
def redis_client(any_redis: Redis) -> Redis:
    """Every test runs on one Redis and on a Redis Cluster."""
    return any_redis


@pytest.fixture
def store(redis_client: Redis, namespace: str) -> PartitionStore:
    """A fresh partition's state, taken, at offset 0."""
    return fresh(redis_client, namespace)


def fresh(redis_client: Redis, namespace: str) -> PartitionStore:
    """State of its own for each example."""
    store = PartitionStore(redis_client, f"{namespace}-{next(_numbers)}", LOGS_3)
    store.take(OWNER, "topic-id", start=0)
    return store


def split(history: list[Event], sizes: list[int]) -> Iterator[list[Event]]:
    """Cut a history into batches that never split a record."""
    sizes = sizes or [len(history)]
    batch: list[Event] = []
    wanted = iter(sizes * (len(history) + 1))
    size = next(wanted)
    for event in history:
        if len(batch) >= size and event.place >> 16 != batch[-1].place >> 16:
            yield batch
            batch, size = [], next(wanted)
        batch.append(event)
    if batch:
        yield batch


def apply(store: PartitionStore, events: list[Event], start: int, owner: str = OWNER) -> Applied:
    """Apply the events as one batch that begins at offset ``start``."""
    stop = (events[-1].place >> 16) + 1 if events else start
    return store.apply(owner, batch_of(events, start, stop), RULE, max_novel=10)


def ready(redis_client: Redis, store: PartitionStore) -> list[ReadyWindow]:
    """All windows of the ready stream, oldest first."""
    return ReadyStreams(redis_client, {store.partition: store.ready}).all()


def as_window(window: ReadyWindow) -> Window:
    """What the pure logic would call it."""
    return Window(window.key, window.events(), window.session_events, window.final)


def by_key(windows: list[Window]) -> dict[bytes, list[Window]]:
    """The windows of each key in the order they were cut."""
    return {key: [w for w in windows if w.key == key] for key in sorted({w.key for w in windows})}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=histories(), sizes=st.lists(st.integers(1, 20), max_size=5))
def test_the_script_cuts_the_windows_of_the_pure_logic(redis_client, namespace, history, sizes):
    """Same windows, stream time and late count, however the log is batched."""
    store, pure = fresh(redis_client, namespace), PartitionWindows(RULE)
    expected = pure.apply(history) + pure.flush()

    start = late = 0
    for events in split(history, sizes):
        applied = apply(store, events, start)
        late += applied.late
        start = applied.position
    store.flush(start, RULE.size)

    assert by_key(expected) == by_key([as_window(w) for w in ready(redis_client, store)])
    position = store.position()
    assert position is not None
    assert (pure.stream_time_ms, pure.late) == (position.stream_time_ms, late)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=histories(), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5), data=st.data())
def test_replays_and_overlaps_change_nothing(redis_client, namespace, history, sizes, data):
    """A call that is repeated, or that begins at an offset applied before, applies only what is new."""
    store, pure = fresh(redis_client, namespace), PartitionWindows(RULE)
    expected = pure.apply(history) + pure.flush()

    position = 0
    for events in split(history, sizes):
        stop = (events[-1].place >> 16) + 1
        back = data.draw(st.integers(0, position))
        replayed = [e for e in history if back <= e.place >> 16 < stop]
        position = apply(store, replayed, back).position
        assert position == stop
        if data.draw(st.booleans()):
            assert apply(store, replayed, back).skipped == len(replayed)
    store.flush(0, RULE.size)

    assert by_key(expected) == by_key([as_window(w) for w in ready(redis_client, store)])


def test_a_batch_beyond_the_position_is_refused_with_the_position(store: PartitionStore):
    """Offsets that the state has not seen are never jumped over."""
    history = [Event(b"k", 5, b"a" * 8, n << 16) for n in range(4)]

    assert apply(store, history[:2], 0).position == 2
    refused = apply(store, history[3:], 3)
    assert (refused.refusal, refused.position) == (Refusal.GAP, 2)


def test_a_former_owner_is_refused(store: PartitionStore):
    """The last taker wins; the other one's batch leaves no trace."""
    store.take("owner-b", "topic-id", start=0)

    refused = apply(store, [Event(b"k", 5, b"a" * 8, 0)], 0)
    assert refused.refusal is Refusal.OWNER
    assert apply(store, [Event(b"k", 5, b"a" * 8, 0)], 0, owner="owner-b").open_sessions == 1


def test_offsets_without_an_event_move_the_position(store: PartitionStore):
    """Dead letters and transaction markers are covered by the range."""
    assert store.apply(OWNER, batch_of([], 0, 7), RULE, max_novel=10).position == 7


def test_a_topic_made_anew_is_refused(store: PartitionStore):
    """Offsets of another topic mean other records; the sentence names the way out."""
    with pytest.raises(StateError, match="logscry reset"):
        store.take("owner-b", "another-topic-id", start=0)


def test_the_first_taker_sets_where_to_begin(redis_client: Redis, namespace: str):
    """A start offset counts only while there is no state."""
    store = PartitionStore(redis_client, namespace, LOGS_3)

    assert store.position() is None
    assert store.take(OWNER, "topic-id", start=42).offset == 42
    assert store.take("owner-b", "topic-id", start=7).offset == 42


def test_flush_waits_for_the_position(store: PartitionStore):
    """Below the bound no session is ended."""
    apply(store, [Event(b"k", 5, b"a" * 8, 0)], 0)

    assert store.flush(2, RULE.size) == (1, 0, 1)
    assert store.flush(1, RULE.size) == (1, 1, 0)


def test_a_window_is_acknowledged_only_if_it_is_the_one_that_was_scored(redis_client: Redis, store: PartitionStore):
    """A stream id that was given a second time, to another window, stays."""
    apply(store, [Event(b"k", 5, b"a" * 8, 0), Event(b"k", 5, b"b" * 8, 1)], 0)
    stream = ReadyStreams(redis_client, {store.partition: store.ready})
    [window] = stream.read("worker-1", count=10)
    redis_client.delete(store.ready)
    redis_client.xadd(store.ready, {"k": "other", "h": window.header, "e": window.entries}, id=window.stream_id)

    assert stream.acknowledge([window]) == 0
    assert redis_client.xlen(store.ready) == 1


def test_keeping_a_window_is_no_delivery(redis_client: Redis, store: PartitionStore):
    """A worker that waits for Kafka does not bring its windows nearer to being given up."""
    apply(store, [Event(b"k", 5, b"a" * 8, 0), Event(b"k", 5, b"b" * 8, 1 << 16)], 0)
    stream = ReadyStreams(redis_client, {store.partition: store.ready})
    held = stream.read("worker-1", count=10)
    for _ in range(3):
        stream.keep("worker-1", held)

    assert not stream.claim("worker-2", count=10, min_idle_ms=60_000)
    [claimed] = stream.claim("worker-2", count=10, min_idle_ms=0)
    assert claimed.deliveries == 1


def test_short_sessions_end_as_fast_as_they_open(store: PartitionStore):
    """A thousand one-line sessions a call: those that time has left behind do not pile up."""
    opened = []
    for call in range(6):
        events = [Event(b"%d-%d" % (call, n), 1000 * call, b"a" * 8, (1000 * call + n) << 16) for n in range(1000)]
        opened.append(apply(store, events, 1000 * call).open_sessions)

    assert opened == [1000] * 6


def test_windows_that_more_than_one_worker_died_with_are_claimed_one_by_one(redis_client: Redis, store: PartitionStore):
    """A window that ends its workers is soon alone with one: no other is given up with it."""
    apply(store, [Event(b"k", 5, b"a" * 8, n << 16) for n in range(8)], 0)
    stream = ReadyStreams(redis_client, {store.partition: store.ready})
    first = stream.read("dead-1", count=10)

    assert [w.deliveries for w in stream.claim("dead-2", count=10, min_idle_ms=0)] == [1] * len(first)
    assert [w.deliveries for w in stream.claim("dead-3", count=10, min_idle_ms=0)] == [2]
