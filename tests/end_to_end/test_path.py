"""A log line goes in at Kafka, an explained alert comes out: the real processes on real servers."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from stream.windowing.ready import ReadyWindow
from tests.service import Line, Place, Service, produce, running_service, wait
from tests.toy_model import STEPS, toy_lines

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[2]
PARTITIONS = 4
SESSIONS = 120
FAULTY = (b"bad1", b"bad2", b"bad3", b"bad4")


def line(key: bytes, step: str, second: int) -> Line:
    """A toy line of a key, ``second`` seconds after the last normal one."""
    text = STEPS.get(step, step).format(key=key.decode(), number=5)
    return Line(key, f"2026-03-01T00:{2 + second // 60:02}:{second % 60:02}.000Z INFO {text}".encode())


def normal_lines() -> list[Line]:
    """Sessions such as the model was trained on."""
    texts = [text.encode() for text in toy_lines(SESSIONS, seed=7)]
    return [Line(text.partition(b"request=")[2].split()[0], text) for text in texts]


def faulty_lines() -> list[Line]:
    """A step never seen, a session that ends early, steps out of order, a step that is missing."""
    sessions = {
        b"bad1": ["open", "check", "fire in the projection room of request={key}", "film", "end", "leave"],
        b"bad2": ["open", "check", "seat"],
        b"bad3": ["leave", "end", "film", "seat", "check", "open"],
        b"bad4": ["open", "check", "seat", "film", "leave"],
    }
    return [line(key, step, 10 + n) for key, steps in sessions.items() for n, step in enumerate(steps)]


def as_facts(windows: Iterable[ReadyWindow]) -> set[tuple[object, ...]]:
    """What makes a window: everything but its id in the stream."""
    return {(w.partition.partition, w.key, w.header, w.entries) for w in windows}


def alert_ids(service: Service) -> set[str]:
    """The ids on the alerts topic."""
    return {alert.id for alert, _ in service.alerts()}


@pytest.fixture
def logs(topic: Callable[..., str]) -> str:
    """A logs topic."""
    return topic("logs", partitions=PARTITIONS)


def test_faults_give_explained_alerts_and_normal_sessions_none(place: Place, namespace: str, logs: str):
    """Each faulty session is alerted, no normal one; alerts are valid, with their lines and CloudEvents headers."""
    with running_service(place, namespace, logs) as service:
        service.start("consume")
        service.start("detect")
        produce(place.kafka, logs, [*normal_lines(), *faulty_lines()])
        service.flush()
        service.await_scored()
        alerts = service.alerts()

    schema = json.loads((ROOT / "docs" / "alert.schema.json").read_text(encoding="utf-8"))
    for alert, record in alerts:
        Draft202012Validator(schema).validate(json.loads(record.value))
        assert record.key == alert.key.encode()
        assert dict(record.headers)["ce_id"] == alert.id.encode()
        assert alert.score > alert.threshold
        assert alert.lines
        assert all(f"request={alert.key}" in each.text for each in alert.lines)  # of whichever step it speaks
    assert {alert.key.encode() for alert, _ in alerts} == set(FAULTY)
    assert len({alert.id for alert, _ in alerts}) == len(alerts)
    [novel] = [alert for alert, _ in alerts if alert.kind == "novel-event" and alert.window.final]
    assert novel.key == "bad1"
    assert "fire in the projection room" in novel.summary


def test_one_consumer_and_two_with_a_late_joiner_give_the_same_windows_and_alerts(
    place: Place, namespace: str, logs: str
):
    """The second consumer joins when half of the lines are applied, and takes partitions over."""
    lines = [*normal_lines(), *faulty_lines()]
    half = len(lines) // 2

    with running_service(place, f"{namespace}-two", logs) as two:
        two.start("consume")
        produce(place.kafka, logs, lines[:half])
        wait(lambda: two.applied() == half, two.children.check)
        [second] = two.start("consume")
        wait(lambda: b"partition_taken" in second.log.read_bytes(), two.children.check)
        produce(place.kafka, logs, lines[half:])
        two.flush()
        windows_of_two = two.ready_windows()
        assert second.metric("logscry_consumer_records_total") > 0
        two.start("detect")
        two.await_scored()
        ids_of_two = alert_ids(two)

    with running_service(place, f"{namespace}-one", logs) as one:
        one.start("consume")
        one.flush()
        windows_of_one = one.ready_windows()
        one.start("detect")
        one.await_scored()
        ids_of_one = alert_ids(one)

    assert len(windows_of_one) == len(windows_of_two)
    assert as_facts(windows_of_one) == as_facts(windows_of_two)
    assert len(ids_of_one) >= len(FAULTY)
    assert ids_of_one == ids_of_two


def test_an_unkeyed_topic_gives_the_same_sessions_through_rekey(
    place: Place, namespace: str, topic: Callable[..., str]
):
    """Lines written without keys, keyed by an expression, fall into the sessions that keyed lines give."""
    lines = [*normal_lines(), *faulty_lines()]
    raw, keyed, direct = topic("raw"), topic("keyed", partitions=PARTITIONS), topic("direct", partitions=PARTITIONS)
    produce(place.kafka, raw, [Line(None, each.value) for each in lines] + [Line(None, b"a line of no request")])
    produce(place.kafka, direct, lines)

    with running_service(place, f"{namespace}-r", keyed, {"LOGSCRY_KAFKA__RAW_TOPIC": raw}) as service:
        [stage] = service.start("rekey", "--key-pattern", r"request=(\w+)")
        wait(lambda: stage.metric("logscry_rekey_records_total") == len(lines) + 1, service.children.check)
        service.start("consume")
        service.flush()
        through_rekey = sessions(service.ready_windows())
        [letter] = [json.loads(record.value) for record in service.dead_letters()]
    with running_service(place, f"{namespace}-d", direct) as service:
        service.start("consume")
        service.flush()
        without = sessions(service.ready_windows())

    assert through_rekey == without
    assert len(without) == SESSIONS + len(FAULTY)
    assert (letter["reason"], letter["topic"], letter["offset"]) == ("no-key", raw, len(lines))


def sessions(windows: Iterable[ReadyWindow]) -> dict[bytes, list[tuple[bytes, bool]]]:
    """For each key the event IDs of its windows, in order, and whether each is final."""
    found: defaultdict[bytes, list[tuple[bytes, bool]]] = defaultdict(list)
    for window in windows:
        found[window.key].append((window.event_ids, window.final))
    return dict(found)


def test_bad_records_become_dead_letters_and_never_stop_the_rest(place: Place, namespace: str, logs: str):
    """Each kind has its reason and its offset; lines before and after it are applied."""
    bad = {
        "no-key": Line(None, b"2026-03-01T00:00:00.000Z INFO whose line"),
        "key-too-long": Line(b"k" * 64_000, b"2026-03-01T00:00:00.000Z INFO long key"),
        "empty": Line(b"k", None),
        "not-utf8": Line(b"k", b"2026-03-01T00:00:00.000Z INFO \xff\xfe"),
    }
    with running_service(place, namespace, logs) as service:
        service.start("consume")
        for each in bad.values():
            produce(place.kafka, logs, [line(b"good", "open", 1), each, line(b"good", "check", 2)], partition=2)
        service.flush()
        windows = service.ready_windows()
        letters = [json.loads(record.value) for record in service.dead_letters()]

    assert [(each["reason"], each["partition"], each["offset"]) for each in letters] == [
        (reason, 2, 3 * n + 1) for n, reason in enumerate(bad)
    ]
    assert [(w.key, w.size) for w in windows if w.final] == [(b"good", 2 * len(bad))]


def test_a_running_service_follows_the_threshold(place: Place, namespace: str, logs: str):
    """Above every score nothing is alerted; lowered while it runs, the same fault is."""
    with running_service(place, namespace, logs) as service:
        service.start("consume")
        [worker] = service.start("detect")
        service.children.run("settings", "set", "threshold=1000", "--who", "test", "--why", "quiet")
        time.sleep(1)  # what is promised: within a second
        produce(place.kafka, logs, faulty_lines())
        service.flush()
        service.await_scored()
        assert worker.metric("logscry_worker_windows_scored_total") > 0
        assert not service.alerts()

        service.children.run("settings", "set", "threshold=0.5", "--who", "test", "--why", "loud")
        time.sleep(1)
        produce(place.kafka, logs, [line(b"again", step, 30 + n) for n, step in enumerate(["leave", "end", "open"])])
        service.flush()
        service.await_scored()
        assert {alert.key for alert, _ in service.alerts()} == {"again"}


@pytest.mark.one_broker
def test_a_killed_worker_s_windows_are_scored_by_another(place: Place, namespace: str, logs: str):
    """Killed with windows in hand, and a consumer killed too: every alert of an undisturbed run is there."""
    lines = [*normal_lines(), *faulty_lines()]
    produce(place.kafka, logs, lines)
    # One window a batch: the killed worker leaves most of them.
    settings = {"LOGSCRY_WORKER__CLAIM_IDLE_MS": "500", "LOGSCRY_WORKER__BATCH_WINDOWS": "1"}
    with running_service(place, f"{namespace}-calm", logs) as calm:
        calm.start("consume")
        calm.start("detect")
        calm.flush()
        calm.await_scored()
        expected = alert_ids(calm)

    with running_service(place, f"{namespace}-killed", logs, settings) as service:
        [consumer] = service.start("consume")
        wait(lambda: service.applied() > 0, service.children.check)
        service.kill(consumer)
        service.start("consume")
        service.flush()
        [worker] = service.start("detect")
        wait(lambda: worker.metric("logscry_worker_windows_scored_total") > 0, service.children.check)
        service.kill(worker)
        held = service.ready_streams().read("died-with-these", count=12)
        assert held
        [survivor] = service.start("detect")
        service.await_scored()
        assert survivor.metric("logscry_worker_claimed_total") >= len(held)
        assert alert_ids(service) == expected


def test_a_window_that_no_worker_finishes_becomes_a_dead_letter(place: Place, namespace: str, logs: str):
    """Given to too many workers that died with it, it is not given to another."""
    settings = {"LOGSCRY_WORKER__CLAIM_IDLE_MS": "100", "LOGSCRY_WORKER__MAX_DELIVERIES": "2"}
    with running_service(place, namespace, logs, settings) as service:
        service.start("consume")
        produce(place.kafka, logs, faulty_lines())
        service.flush()
        windows = service.ready_windows()
        streams = service.ready_streams()
        streams.read("dead-1", count=100)
        assert all(window.deliveries == 1 for window in streams.claim("dead-2", count=100, min_idle_ms=0))
        service.start("detect")
        service.await_scored()
        letters = [json.loads(record.value) for record in service.dead_letters()]
        assert not service.alerts()

    assert [letter["reason"] for letter in letters] == ["not-scored"] * len(windows)
