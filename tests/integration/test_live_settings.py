"""Live settings in a real Redis: versions, who and why, undo, and processes that follow."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from redis import Redis

from model.errors import ConfigurationError, StateError, TransientError
from stream.live_settings import LiveSettingsFollower, LiveSettingsStore
from stream.live_values import LiveSettings

pytestmark = pytest.mark.stack

DEFAULTS = LiveSettings(window_size=64, window_hop=8, session_gap_ms=1_800_000, threshold=7.5)


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.seconds


@pytest.fixture
def redis_client(any_redis: Redis) -> Redis:
    """Every test runs on one Redis and on a Redis Cluster."""
    return any_redis


@pytest.fixture
def store(redis_client: Redis, namespace: str) -> LiveSettingsStore:
    """The live settings of a namespace that has none yet."""
    return LiveSettingsStore(redis_client, namespace)


@pytest.fixture
def seeded(store: LiveSettingsStore) -> LiveSettingsStore:
    """The live settings of a namespace, at version 1."""
    store.seed(DEFAULTS)
    return store


def test_there_are_none_before_the_first_start(store):
    """Nothing is made up, and a change says what to do first."""
    assert store.get() is None
    assert store.history() == []
    with pytest.raises(ConfigurationError, match="no live settings yet"):
        store.set({"threshold": 1}, "eve")


def test_the_first_start_stores_the_defaults(store):
    """They become version 1, with where they came from."""
    seeded = store.seed(DEFAULTS)

    assert (seeded.version, seeded.values()) == (1, DEFAULTS.values())
    [change] = store.history()
    assert (change.who, change.why) == ("logscry", "first start: the values of the model")
    assert change.changes["threshold"] == (None, 7.5)


def test_a_later_start_keeps_what_operators_set(seeded):
    """Seeding again changes nothing."""
    seeded.set({"threshold": 9}, "eve", "too many alerts")

    assert seeded.seed(DEFAULTS).threshold == 9
    assert len(seeded.history()) == 2


def test_a_change_is_a_new_version_with_who_when_and_why(seeded, redis_client):
    """The history tells the whole story, newest first, by Redis's clock."""
    seconds_before, _ = redis_client.time()
    changed = seeded.set({"threshold": "9.25", "window_hop": 4}, "eve", "too many alerts")

    assert (changed.version, changed.threshold, changed.window_hop, changed.window_size) == (2, 9.25, 4, 64)
    newest, first = seeded.history()
    assert (newest.version, newest.who, newest.why) == (2, "eve", "too many alerts")
    assert newest.changes == {"threshold": (7.5, 9.25), "window_hop": (8, 4)}
    assert seconds_before * 1000 <= newest.time_ms < (seconds_before + 600) * 1000
    assert first.version == 1


def test_a_wrong_value_changes_nothing(seeded):
    """One wrong value refuses the whole change."""
    with pytest.raises(ConfigurationError, match="allowed are 1 to 512"):
        seeded.set({"threshold": 1, "window_size": 1000}, "eve")

    assert seeded.get() == seeded.seed(DEFAULTS)
    assert seeded.get().version == 1


def test_setting_the_same_value_is_no_change(seeded):
    """A repeated command makes no version."""
    assert seeded.set({"threshold": 7.5}, "eve").version == 1


def test_a_change_needs_a_name(seeded):
    """Nobody changes settings unnamed."""
    with pytest.raises(ConfigurationError, match="who makes it"):
        seeded.set({"threshold": 1}, " ")


def test_hostile_names_and_reasons_are_stored_safely(seeded):
    """What is printed later holds no terminal commands and has a limit."""
    seeded.set({"threshold": 1}, "eve\x1b[2J", "x" * 10_000)

    newest = seeded.history(1)[0]
    assert newest.who == "eve\\x1b[2J"
    assert len(newest.why) == 200


def test_a_change_can_be_undone(seeded):
    """Undo brings the old values back as a new version, and leaves other settings alone."""
    seeded.set({"threshold": 9}, "eve")
    seeded.set({"window_hop": 4}, "adam")

    undone = seeded.undo(2, "adam", "missed an outage")

    assert (undone.version, undone.threshold, undone.window_hop) == (4, 7.5, 4)


def test_an_undo_can_be_undone(seeded):
    """It is a change like any other."""
    seeded.set({"threshold": 9}, "eve")
    seeded.undo(2, "eve")

    assert seeded.undo(3, "eve").threshold == 9


def test_undo_refuses_what_a_later_change_touched(seeded):
    """It never overwrites a newer decision."""
    seeded.set({"threshold": 9}, "eve")
    seeded.set({"threshold": 10}, "adam")

    with pytest.raises(ConfigurationError, match=r"version 2 made threshold 9\.0, but it is 10\.0 now"):
        seeded.undo(2, "eve")
    assert seeded.get().version == 3


def test_undo_refuses_what_later_changes_brought_back(seeded):
    """The same value again is a newer decision, too."""
    for threshold in (9, 10, 9):
        seeded.set({"threshold": threshold}, "eve")

    with pytest.raises(ConfigurationError, match="a later change touched it, version 3"):
        seeded.undo(2, "adam")
    assert seeded.get().threshold == 9


@pytest.mark.parametrize(("version", "sentence"), [(1, "set the first values"), (7, "holds no version 7")])
def test_undo_refuses_what_has_no_before(seeded, version, sentence):
    """The first version and unknown ones cannot be undone."""
    with pytest.raises(ConfigurationError, match=sentence):
        seeded.undo(version, "eve")


def test_changes_made_at_the_same_time_are_all_kept(seeded):
    """Five operators at once: no change is lost, each is checked against what it found."""

    def change(name: str, value: int) -> None:
        seeded.set({name: value}, name)

    wanted = {"threshold": 3, "window_hop": 2, "window_size": 32, "session_gap_ms": 5, "grace_ms": 7}
    threads = [threading.Thread(target=change, args=item) for item in wanted.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seeded.get().values() == wanted
    assert [each.version for each in seeded.history()] == [6, 5, 4, 3, 2, 1]


def test_a_change_made_for_an_older_version_is_not_written(seeded):
    """The script refuses when the settings have moved on since they were read."""
    old = seeded.get()
    seeded.set({"threshold": 9}, "eve")

    assert not seeded._write(old, old.with_changes({"threshold": 1}), "adam", "")
    assert seeded.get().threshold == 9


@pytest.mark.usefixtures("seeded")
def test_namespaces_do_not_see_each_other(redis_client, namespace):
    """Two services share a Redis."""
    assert LiveSettingsStore(redis_client, f"{namespace}-2").get() is None


@pytest.mark.usefixtures("seeded")
def test_all_keys_of_the_operation_share_a_hash_tag(redis_client, namespace):
    """So a Redis Cluster keeps them in one slot."""
    keys = set(redis_client.scan_iter(f"{namespace}:*"))

    assert keys == {f"{namespace}:{{settings}}:{name}".encode() for name in ("current", "history")}


def test_the_history_goes_on_counting_when_the_values_are_deleted(seeded, redis_client, namespace):
    """A version number is never used twice."""
    redis_client.delete(f"{namespace}:{{settings}}:current")

    assert seeded.seed(DEFAULTS).version == 2


def test_settings_written_by_another_program_stop_the_service(seeded, redis_client, namespace):
    """Damaged values are never guessed."""
    redis_client.hset(f"{namespace}:{{settings}}:current", "window_size", "many")

    with pytest.raises(StateError, match="cannot be read"):
        seeded.get()


def test_a_follower_sees_a_change_after_half_a_second(seeded):
    """Until then it asks Redis nothing."""
    clock = HandClock()
    follower = LiveSettingsFollower(seeded, DEFAULTS, clock)
    assert follower.current().threshold == 7.5
    seeded.set({"threshold": 9}, "eve")

    clock.seconds += 0.49
    assert follower.current().threshold == 7.5
    clock.seconds += 0.01
    assert follower.current().threshold == 9


def test_the_first_follower_stores_the_defaults(store):
    """Whoever starts first seeds the settings; the next one takes what is there."""
    first = LiveSettingsFollower(store, DEFAULTS)
    second = LiveSettingsFollower(store, DEFAULTS.with_changes({"threshold": 1}))

    assert first.current() == second.current() == store.get()
    assert store.get().threshold == 7.5


def test_a_follower_stores_again_what_redis_lost(seeded, redis_client, namespace):
    """An operator's change outlives a Redis that comes back empty."""
    clock = HandClock()
    follower = LiveSettingsFollower(seeded, DEFAULTS, clock)
    seeded.set({"threshold": 9}, "eve")
    follower.current()
    redis_client.delete(*redis_client.scan_iter(f"{namespace}:*"))

    clock.seconds += 1

    assert follower.current().threshold == 9
    assert seeded.history(1)[0].why == "Redis had forgotten them: as last seen"


@dataclass
class Member:
    """A running process, as far as it follows the live settings."""

    clock: HandClock
    follower: LiveSettingsFollower

    def asks(self) -> LiveSettings:
        """Half a second later."""
        self.clock.seconds += 1
        return self.follower.current()


@pytest.fixture
def member(store: LiveSettingsStore) -> Callable[..., Member]:
    """Starts a process, whose model has the defaults or others."""

    def start(defaults: LiveSettings = DEFAULTS) -> Member:
        clock = HandClock()
        started = Member(clock, LiveSettingsFollower(store, defaults, clock))
        started.follower.current()
        return started

    return start


@pytest.fixture
def forget(redis_client: Redis, namespace: str) -> Callable[[], object]:
    """Makes Redis come back empty."""
    return lambda: redis_client.delete(*redis_client.scan_iter(f"{namespace}:*"))


def test_a_process_that_starts_while_redis_is_empty_reverts_nobody(store, member, forget):
    """It stores its model's values; the running ones put back what the operator chose, and all agree."""
    running = [member(), member()]
    store.set({"threshold": 9, "window_hop": 4}, "eve")
    chosen = [each.asks().values() for each in running]
    forget()
    fresh = member()

    assert store.get().values() == DEFAULTS.values()
    assert [each.asks().values() for each in running] == chosen
    assert {each.asks() for each in [fresh, *running]} == {store.get()}
    assert store.get().values() == chosen[0]
    newest, first = store.history()
    assert (newest.who, newest.why) == ("logscry", "Redis had forgotten them: as last seen")
    assert newest.changes == {"threshold": (7.5, 9.0), "window_hop": (8, 4)}
    assert first.why == "first start: the values of the model"


def test_of_what_processes_saw_the_newest_prevails(store, member, forget):
    """One that had not seen the last change puts back what it knows; it is overruled, and not the other way about."""
    ahead, behind = member(), member()
    store.set({"threshold": 9}, "eve")
    behind.asks()
    store.set({"threshold": 10}, "eve")
    ahead.asks()
    forget()

    assert behind.asks().threshold == 9
    assert ahead.asks().threshold == 10
    assert behind.asks() == ahead.asks() == store.get()
    assert store.get().threshold == 10
    assert len(store.history()) == 2


def test_what_an_operator_changes_after_a_loss_is_left_alone(store, member, forget):
    """Also by a process that slept meanwhile and has seen higher version numbers."""
    sleeper = member()
    for threshold in (8, 9, 10):
        store.set({"threshold": threshold}, "eve")
    assert sleeper.asks().version == 4
    forget()
    member()
    changed = store.set({"window_hop": 2}, "adam", "all anew")

    assert changed.version == 2
    assert sleeper.asks() == store.get() == changed


def test_values_of_two_models_do_not_take_turns(store, member, forget):
    """Where nobody chose, a loss leaves what was known before, not what a newer model would begin with."""
    running = member()
    forget()
    fresh = member(DEFAULTS.with_changes({"threshold": 1}))

    assert [each.asks().threshold for each in (fresh, running, fresh, running)] == [1, 7.5, 7.5, 7.5]
    assert store.get().version == 2


def test_a_redis_that_went_back_gets_the_last_change_again(store, member, redis_client, namespace):
    """As after a restart that lost the newest second."""
    running = member()
    keys = list(redis_client.scan_iter(f"{namespace}:*"))
    older = {key: redis_client.dump(key) for key in keys}
    store.set({"threshold": 9}, "eve")
    running.asks()
    for key, value in older.items():
        redis_client.restore(key, 0, value, replace=True)

    assert running.asks().threshold == store.get().threshold == 9
    assert store.get().version == 3


def test_what_another_process_saw_is_put_back_by_one_that_knew_nothing(store, member, forget):
    """Such as a consumer that finds it beside the committed offset."""
    store.seed(DEFAULTS)
    chosen = store.set({"threshold": 9}, "eve")
    forget()
    fresh = member()
    fresh.follower.learn(chosen)

    assert fresh.follower.current().values() == store.get().values() == chosen.values()


def test_older_knowledge_changes_nothing(store, member):
    """A partition's last commit may have been long ago."""
    running = member()
    old = running.follower.last_seen
    changed = store.set({"threshold": 9}, "eve")
    running.follower.learn(old)

    assert running.follower.current() == store.get() == changed


def test_a_redis_that_is_away_is_a_transient_error(namespace):
    """The library's error does not leak; the caller may try again."""
    with Redis.from_url("redis://127.0.0.1:1/0") as client, pytest.raises(TransientError, match="does not answer"):
        LiveSettingsFollower(LiveSettingsStore(client, namespace), DEFAULTS).current()
