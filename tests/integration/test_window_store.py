"""The scripts in Redis agree with the pure window logic, whatever the history and the batching."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from model.errors import StateError
from stream.windowing.batches import batch_of
from stream.windowing.calls import Applied, Cutting, Ending, Work
from stream.windowing.partition_state import PartitionState, Refusal
from stream.windowing.ready import ReadyWindow
from stream.windowing.ready_streams import ReadyStreams
from stream.windowing.store import PartitionId, PartitionStore
from stream.windowing.windows import NO_TIME, Event, PartitionWindows, StateLimits, Window, WindowRule

pytestmark = pytest.mark.stack

LOGS_3 = PartitionId("logs", 3)
CUTTING = Cutting(WindowRule(size=4, hop=2, session_gap_ms=50), novel_events=10)
OWNER = "owner-a"

_numbers = count()


@st.composite
def histories(draw) -> list[Event]:
    """Up to sixty events of four keys with ties, late ones, silences and lines without a time; some share a record."""
    steps = draw(st.lists(st.tuples(st.sampled_from(b"abcd"), st.integers(-30, 80), st.integers(0, 9)), max_size=60))
    time_ms, place, history = 100, 0, []
    for number, (key, step, kind) in enumerate(steps):
        time_ms = max(1, time_ms + step)
        place = place + 1 if kind < 3 and number else ((place >> 16) + 1) << 16
        history.append(Event(bytes([key]), NO_TIME if kind == 9 else time_ms, number.to_bytes(8, "big"), place))
    return history


FEW = st.integers(1, 3)
GRACES = st.sampled_from([0, 0, 10, 30, 100])


@st.composite
def cuttings(draw) -> Cutting:
    """Rules and limits that are reached."""
    size = draw(st.integers(1, 5))
    rule = WindowRule(size, draw(st.integers(1, size)), draw(st.integers(1, 120)), draw(GRACES))
    limits = StateLimits(draw(st.integers(1, 5)), draw(st.integers(1, 8)))
    return Cutting(rule, limits, novel_events=10)


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


def apply(
    store: PartitionStore, events: list[Event], start: int, owner: str = OWNER, cutting: Cutting = CUTTING
) -> Applied:
    """Apply the events as one batch that begins at offset ``start``."""
    stop = (events[-1].place >> 16) + 1 if events else start
    return store.apply(owner, batch_of(events, start, stop), cutting)


def ready(redis_client: Redis, store: PartitionStore) -> list[ReadyWindow]:
    """All windows of the ready stream, oldest first."""
    return ReadyStreams(redis_client, {store.partition: store.ready}).all()


def as_window(window: ReadyWindow) -> Window:
    """What the pure logic would call it."""
    return Window(window.key, window.events(), window.session_events, window.final)


def by_key(windows: list[Window]) -> dict[bytes, list[Window]]:
    """The windows of each key in the order they were cut."""
    return {key: [w for w in windows if w.key == key] for key in sorted({w.key for w in windows})}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=histories(), cutting=cuttings(), sizes=st.lists(st.integers(1, 20), max_size=5))
def test_the_script_cuts_the_windows_of_the_pure_logic(redis_client, namespace, history, cutting, sizes):
    """Same windows in the same order for each key, same times and counts, however the log is batched."""
    store, pure = fresh(redis_client, namespace), PartitionWindows(cutting.rule, cutting.limits)
    expected = pure.apply(history)
    counts = (pure.late, pure.hurried, pure.crowded_out, pure.open_sessions, pure.waiting)
    expected += pure.flush()

    position, done = 0, [apply(store, [], 0, cutting=cutting)]
    for events in split(history, sizes):
        done.append(apply(store, events, position, cutting=cutting))
        position = done[-1].position
    late, hurried, crowded_out = (sum(getattr(each, n) for each in done) for n in ("late", "hurried", "crowded_out"))
    flushed = store.flush(position, cutting)

    assert by_key(expected) == by_key([as_window(w) for w in ready(redis_client, store)])
    assert counts == (late, hurried, crowded_out, done[-1].open_sessions, done[-1].waiting_events)
    assert (flushed.open_sessions, flushed.waiting_events) == (0, 0)
    state = redis_client.hmget(store.state, "stream_time", "watermark")
    assert state == [str(pure.stream_time_ms).encode(), str(pure.watermark_ms).encode()]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    history=histories(),
    cutting=st.builds(
        lambda cutting, *work: replace(cutting, work=Work(*work)), cuttings(), FEW, FEW, st.integers(1, 400)
    ),
    calls=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 3)), min_size=1, max_size=5),
)
def test_what_a_call_leaves_for_the_next_changes_no_window(redis_client, namespace, history, cutting, calls):
    """However little a call may do, and however often its owner goes on with what is left before the next batch."""
    store, pure = fresh(redis_client, namespace), PartitionWindows(cutting.rule, cutting.limits)
    expected = pure.apply(history)
    position, done = 0, []
    for number, events in enumerate(split(history, [size for size, _ in calls])):
        done.append(apply(store, events, position, cutting=cutting))
        position = done[-1].position
        _, ticks = calls[number % len(calls)]
        done += [store.advance(OWNER, position, cutting, Ending.DUE) for _ in range(ticks)]
    done += drained(store, position, cutting)

    assert by_key(expected) == by_key([as_window(w) for w in ready(redis_client, store)])
    late, hurried, crowded_out = (sum(getattr(each, n) for each in done) for n in ("late", "hurried", "crowded_out"))
    assert (late, hurried, crowded_out) == (pure.late, pure.hurried, pure.crowded_out)
    assert (done[-1].waiting_events, done[-1].open_sessions) == (pure.waiting, pure.open_sessions)


def drained(store: PartitionStore, position: int, cutting: Cutting) -> list[Applied]:
    """Let the owner go on until nothing is due; a bound on the calls, since each does something."""
    done = [store.advance(OWNER, position, cutting, Ending.DUE)]
    while done[-1].more_due:
        assert len(done) < 300
        done.append(store.advance(OWNER, position, cutting, Ending.DUE))
    return done


@pytest.mark.parametrize("ending", [Ending.SESSIONS, Ending.WAITS])
def test_an_ending_goes_on_over_several_calls(redis_client: Redis, store: PartitionStore, ending: Ending):
    """Ten sessions, each of whose lines still waits; three may join or end at once."""
    cutting = Cutting(WindowRule(4, 2, 50, grace_ms=1000), work=Work(ends=3, joins=3))
    apply(store, [Event(b"%d" % n, 5, b"a" * 8, n << 16) for n in range(10)], 0, cutting=cutting)

    done = [store.advance(OWNER, 10, cutting, ending) for _ in range(8)]

    assert [each.waiting_events for each in done[:4]] == [7, 4, 1, 0]
    assert [each.more_due for each in done[:4]] == [1, 1, 1, 0]
    ended = [0, 0, 0, 3, 6, 9, 10, 10] if ending is Ending.SESSIONS else [0] * 8
    assert [10 - each.open_sessions for each in done[3:]] == ended[3:]
    assert len(ready(redis_client, store)) == ended[-1]


@pytest.mark.parametrize(
    ("work", "most"),
    [(Work(joins=10), 11), (Work(bytes=30_000), 1_000)],  # one more for the line of the call; bytes every 1,000 joins
)
def test_a_call_cuts_a_bounded_number_of_windows(store: PartitionStore, work: Work, most: int):
    """Lines that waited, all due at once, with large windows cut at every line; then the sessions that are over."""
    rule = WindowRule(64, 1, 50, grace_ms=1000)
    cutting = Cutting(rule, work=work)
    apply(store, [Event(b"k", 5, b"a" * 8, n << 16) for n in range(2000)], 0, cutting=cutting)
    windows = [apply(store, [Event(b"k", 5_000, b"b" * 8, 2000 << 16)], 2000, cutting=cutting).windows]
    while (done := store.advance(OWNER, 2001, cutting, Ending.DUE)).more_due:
        windows.append(done.windows)

    assert max(windows) <= most
    assert sum(windows) + done.windows == 2001  # and the final one


def test_lines_of_the_largest_offsets_are_skipped_one_by_one(store: PartitionStore):
    """Lua's numbers hold 53 bits, a place has 64: the last lines of a record must not pass for the next record's."""
    offset = 2**45 + 1
    store.apply(OWNER, batch_of([], 0, offset), CUTTING)
    events = [Event(b"k", 5, b"a" * 8, offset << 16 | line) for line in range(65_530, 65_536)]
    apply(store, events, offset)

    again = apply(store, [*events, Event(b"k", 5, b"b" * 8, (offset + 1) << 16)], offset)

    assert (again.skipped, again.position) == (6, offset + 2)


@pytest.mark.parametrize("name", ["waiting", "sessions", "deadlines", "ready", "novel", "novel_counts"])
def test_a_call_that_cannot_read_the_state_changes_nothing(redis_client: Redis, store: PartitionStore, name: str):
    """The position moves only once all is read: else the lines would be lost."""
    redis_client.delete(getattr(store, name))
    redis_client.set(getattr(store, name), "of another type")

    with pytest.raises(StateError):
        apply(store, [Event(b"k", 5, b"a" * 8, 0)], 0)
    assert store.position() == (0, 0)


def test_the_memory_of_ready_windows_is_known_also_where_the_first_ones_are_small(
    redis_client: Redis, store: PartitionStore
):
    """Redis's own figure goes by the oldest few; it is told to look at all of them here."""
    cutting = Cutting(WindowRule(64, 1, 10**9))
    events = [Event(b"short-%d" % n, 5, b"a" * 8, n << 16) for n in range(50)]
    events += [Event(b"a long one", 5, b"a" * 8, n << 16) for n in range(50, 1000)]
    applied = apply(store, events, 0, cutting=cutting)
    truth = int(redis_client.memory_usage(store.ready, samples=0) or 0)

    assert applied.ready_bytes == store.ready_bytes() == pytest.approx(truth, rel=0.25)
    stream = ReadyStreams(redis_client, {store.partition: store.ready})
    while windows := stream.read("worker", 300):
        before = store.ready_bytes()
        stream.acknowledge(windows)
        assert store.ready_bytes() < before
    assert store.ready_bytes() == 0


def test_a_state_that_was_begun_without_a_topic_id_learns_it(redis_client: Redis, namespace: str):
    """The first broker told none; from then on a topic made anew is refused."""
    store = PartitionStore(redis_client, namespace, LOGS_3)
    store.take(OWNER, "", start=0)
    store.take(OWNER, "topic-id", start=0)

    with pytest.raises(StateError, match="logscry reset"):
        store.take(OWNER, "another-topic-id", start=0)


CALLS = st.tuples(
    st.sampled_from(["apply", "apply", "apply", "take", "rollback", "waits", "sessions", "change"]),
    st.sampled_from(["a", "b"]),
    st.integers(-3, 3),
    st.integers(1, 12),
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=histories(), rules=st.tuples(cuttings(), cuttings()), calls=st.lists(CALLS, max_size=25))
def test_the_scripts_answer_every_history_of_calls_as_the_pure_state_does(
    redis_client, namespace, history, rules, calls
):
    """Two consumers take, apply with gaps and overlaps and end sessions; the state is rolled back; rules change."""
    store = PartitionStore(redis_client, f"{namespace}-{next(_numbers)}", LOGS_3)
    cutting = rules[0]
    pure = PartitionState(PartitionWindows(cutting.rule, cutting.limits))
    saved = (copy.deepcopy(pure), dumped(redis_client, store))
    for kind, owner, shift, length in calls:
        at = max(0, pure.position + shift)
        if kind == "take":
            assert store.take(owner, "topic-id", start=0).offset == pure.take(owner)
        elif kind == "change":
            cutting = rules[length % 2]
            pure.windows.rule, pure.windows.limits = cutting.rule, cutting.limits
        elif kind == "rollback" and length % 3:
            saved = (copy.deepcopy(pure), dumped(redis_client, store))
        elif kind == "rollback":
            pure = copy.deepcopy(saved[0])
            pure.windows.rule, pure.windows.limits = cutting.rule, cutting.limits  # they come with each call
            restore(redis_client, saved[1])
        else:
            expected, found = called(pure, store, cutting, history, (kind, owner, at, length))
            assert found.refusal == (expected if isinstance(expected, Refusal) else None)
            if isinstance(expected, list):
                new = ready(redis_client, store)[-len(expected) :] if expected else []
                assert found.windows == len(expected)
                assert by_key([as_window(w) for w in new]) == by_key(expected)
                assert (found.position, found.open_sessions) == (pure.position, pure.windows.open_sessions)
                assert found.waiting_events == pure.windows.waiting


def called(
    pure: PartitionState,
    store: PartitionStore,
    cutting: Cutting,
    history: list[Event],
    call: tuple[str, str, int, int],
) -> tuple[list[Window] | Refusal, Applied]:
    """One call on both."""
    kind, owner, at, length = call
    if kind == "waits":
        return pure.end_waiting(owner, at), store.advance(owner, at, cutting, Ending.WAITS)
    if kind == "sessions":
        return pure.end_sessions(owner, at), store.advance(owner, at, cutting, Ending.SESSIONS)
    events = [event for event in history if at <= event.place >> 16 < at + length]
    return pure.apply(owner, at, at + length, events), store.apply(owner, batch_of(events, at, at + length), cutting)


def dumped(redis_client: Redis, store: PartitionStore) -> dict[str, bytes | None]:
    """A partition's whole state."""
    return {key: redis_client.dump(key) for key in store.keys}


def restore(redis_client: Redis, older: dict[str, bytes | None]) -> None:
    """Put an older state back."""
    for key, value in older.items():
        redis_client.delete(key)
        if value is not None:
            redis_client.restore(key, 0, value)


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
    assert store.apply(OWNER, batch_of([], 0, 7), CUTTING).position == 7


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

    refused, done = store.flush(2, CUTTING), store.flush(1, CUTTING)
    assert (refused.refusal, refused.position) == (Refusal.GAP, 1)
    assert (done.position, done.sessions_ended, done.open_sessions) == (1, 1, 0)


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
