"""Alerts: ids, bounds, the schema, and the CloudEvents headers."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from model.errors import RecordError
from model.explanation import Expected, Explanation, SurprisingEvent
from stream import alerts
from stream.alert_making import Judgement, RawLine, alert_of
from stream.alerts import AlertSource, alert_id, cloud_event_headers, decode_alert, encode_alert, fingerprint_of
from stream.schemas import schema_files, write_schemas
from stream.windowing.ready import ReadyWindow
from stream.windowing.store import PartitionId

DOCS = Path(__file__).parents[3] / "docs"
SOURCE = AlertSource("logs", 3, b"blk_1", 5 << 16, 9 << 16 | 2, 12, final=False)
JUDGEMENT = Judgement(score=9.5, percentile=99.98, threshold=7.5, model_version="4f1c9a0e")


def _surprising(text: str, *expected: Expected) -> SurprisingEvent:
    return SurprisingEvent(index=1, event_id=b"\x01" * 8, text=text, surprisal=9.5, rank=40, expected=expected)


EVENT = _surprising("Exception in <*>", Expected(b"\x02" * 8, "Received <*>", 0.9))
END = SurprisingEvent(index=2, event_id=None, text="(the session ends)", surprisal=8.0, rank=3, expected=())
EXPLANATION = Explanation("ended-early", "The session ends before its block is stored.", (EVENT, END), familiar=False)


def _window(key: bytes = b"blk_1", *, last_ms: int = 1_700_000_000_123) -> ReadyWindow:
    entries = [(b"\x00" * 8, 1_700_000_000_000, 5 << 16), (b"\x01" * 8, last_ms, 9 << 16 | 2)]
    packed = b"".join(
        event + time_ms.to_bytes(8, "big") + place.to_bytes(8, "big") for event, time_ms, place in entries
    )
    return ReadyWindow(PartitionId("logs", 3), b"1-0", key, (2).to_bytes(4, "big") + b"\x01", packed)


def _valid(value: bytes) -> None:
    schema = json.loads((DOCS / "alert.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(json.loads(value))


def test_the_published_schemas_are_up_to_date():
    """After a change of the types: python -m stream.schemas docs."""
    for name, text in schema_files().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text
        Draft202012Validator.check_schema(json.loads(text))


def test_the_schema_command_writes_what_it_says(tmp_path):
    """Each file, and nothing else."""
    paths = write_schemas(tmp_path)

    assert {path.name: path.read_text(encoding="utf-8") for path in paths} == schema_files()


def test_an_alert_says_where_what_and_why():
    """Every field of the window and of the reasons arrives in the JSON."""
    lines = [RawLine(5 << 16, b"081109 Receiving block", 0), RawLine(9 << 16 | 2, b"081109 Exception\x1b[2J \xff", 0)]

    value = encode_alert(alert_of(_window(), JUDGEMENT, EXPLANATION, lines))
    alert = json.loads(value)

    _valid(value)
    assert alert["schema"] == "logscry.alert/1"
    assert (alert["kind"], alert["key"], alert["model_version"]) == ("ended-early", "blk_1", "4f1c9a0e")
    assert alert["window"] == {
        "topic": "logs",
        "partition": 3,
        "first": {"offset": 5, "line": 0},
        "last": {"offset": 9, "line": 2},
        "size": 2,
        "session_events": 2,
        "starts_session": True,
        "final": True,
        "fingerprint": "ae87c623afb0c186",
        "start_time": "2023-11-14T22:13:20.000Z",
        "end_time": "2023-11-14T22:13:20.123Z",
    }
    surprising, end = alert["events"]
    assert (surprising["place"], surprising["event_id"]) == ({"offset": 9, "line": 2}, "01" * 8)
    assert surprising["expected"] == [{"text": "Received <*>", "probability": 0.9}]
    assert (end["index"], end["place"], end["event_id"]) == (2, None, None)
    assert alert["lines"][1] == {"offset": 9, "line": 2, "text": "081109 Exception\\x1b[2J \\xff"}


def test_lines_may_be_left_out():
    """Then they are null, and the alert is valid still."""
    value = encode_alert(alert_of(_window(), JUDGEMENT, EXPLANATION))

    _valid(value)
    assert json.loads(value)["lines"] is None


def test_decoding_gives_the_alert_back():
    """Encode, then decode, is the identity."""
    alert = alert_of(_window(), JUDGEMENT, EXPLANATION, [RawLine(5 << 16, b"x", 0)])

    assert decode_alert(encode_alert(alert)) == alert


def test_fields_that_are_added_later_are_no_error():
    """A reader of /1 passes over what it does not know."""
    alert = alert_of(_window(), JUDGEMENT, EXPLANATION)
    value = json.loads(encode_alert(alert)) | {"added_later": 1}

    assert decode_alert(json.dumps(value).encode()) == alert


@pytest.mark.parametrize("value", [b"", b"{", b"\xff", b"{}", b'{"schema": "logscry.alert/2"}'])
def test_what_is_no_alert_is_refused(value):
    """With our own error and a reason."""
    with pytest.raises(RecordError, match="no-alert"):
        decode_alert(value)


@given(key=st.binary(max_size=3000), text=st.text(max_size=3000), line=st.binary(max_size=3000))
def test_hostile_text_never_breaks_an_alert(key, text, line):
    """Whatever logs hold: the alert is valid, printable and decodes to itself."""
    event = _surprising(text, Expected(None, text, 0.5))
    explanation = Explanation("sequence", text, (event,), familiar=False)

    alert = alert_of(_window(key), JUDGEMENT, explanation, [RawLine(0, line, 0)])
    value = encode_alert(alert)

    _valid(value)
    assert value.decode().isprintable()
    assert decode_alert(value) == alert
    assert dict(cloud_event_headers(alert))["ce_id"] == alert.id.encode()


def test_the_largest_alert_fits_into_a_kafka_record():
    """Every text as long as it may be, in four-byte characters: still under 1 MiB with room for the headers."""
    long = "\U0001f600" * 5000
    event = _surprising(long, *[Expected(None, long, 0.1)] * 5)
    explanation = Explanation("sequence", long, (event,) * 50, familiar=False)

    alert = alert_of(_window(long.encode()), JUDGEMENT, explanation, [RawLine(0, long.encode(), 0)] * 500)

    assert (len(alert.events), len(alert.lines or ())) == (alerts.MAX_EVENTS, alerts.MAX_LINES)
    assert len(encode_alert(alert)) < 1_000_000


def test_a_long_window_keeps_its_last_lines():
    """The lines nearest to the alert are the ones to read."""
    alert = alert_of(_window(), JUDGEMENT, EXPLANATION, [RawLine(n << 16, b"x", 0) for n in range(150)])

    assert alert.lines is not None
    assert [line.offset for line in alert.lines] == list(range(50, 150))


def test_a_clock_that_is_far_off_breaks_nothing():
    """A time beyond the calendar is its last second."""
    alert = alert_of(_window(last_ms=1 << 62), JUDGEMENT, EXPLANATION)

    assert json.loads(encode_alert(alert))["window"]["end_time"] == "9999-12-31T23:59:59.000Z"


def test_the_id_is_fixed():
    """Consumers keep ids over versions of logscry: this one must never change."""
    assert alert_id(SOURCE) == "653cfb6aa9ec28753757eb094c8594c4"


@pytest.mark.parametrize(
    "other",
    [
        SOURCE._replace(topic="logs2"),
        SOURCE._replace(partition=4),
        SOURCE._replace(key=b"blk_2"),
        SOURCE._replace(first=SOURCE.first + 1),
        SOURCE._replace(last=SOURCE.last + 1),
        SOURCE._replace(session_events=13),
        SOURCE._replace(final=True),
        SOURCE._replace(topic="log", key=b"sblk_1"),
    ],
)
def test_the_id_depends_on_every_part_of_the_source(other):
    """Topic, partition, key, places, event count, final: a change of any is another alert."""
    assert alert_id(other) != alert_id(SOURCE)


def test_the_id_does_not_depend_on_the_judgement():
    """Whoever scores the window again, with whatever threshold or model, gives the same id."""
    other = Judgement(score=8.0, percentile=99.0, threshold=1.0, model_version="other")

    assert alert_of(_window(), JUDGEMENT, EXPLANATION).id == alert_of(_window(), other, EXPLANATION).id


def test_the_fingerprint_depends_on_the_content_alone():
    """Wherever and whenever the window was: the same events and marks have the same fingerprint."""
    other = replace(_window(b"blk_2", last_ms=5), partition=PartitionId("other", 1), stream_id=b"9-9")

    assert fingerprint(other) == fingerprint(_window())


@pytest.mark.parametrize(
    "other",
    [
        fingerprint_of(b"12345678abcdefgh", starts_session=False, final=False),
        fingerprint_of(b"abcdefgh", starts_session=False, final=False),
        fingerprint_of(b"abcdefgh12345678", starts_session=True, final=False),
        fingerprint_of(b"abcdefgh12345678", starts_session=False, final=True),
        fingerprint_of(b"abcdefgh12345678", starts_session=True, final=True),
    ],
)
def test_the_fingerprint_depends_on_events_order_and_marks(other):
    """A change of any is another pattern."""
    assert other != fingerprint_of(b"abcdefgh12345678", starts_session=False, final=False)


def fingerprint(window: ReadyWindow) -> str:
    """That of the window's alert."""
    return alert_of(window, JUDGEMENT, EXPLANATION).window.fingerprint


def test_headers_make_it_a_cloud_event():
    """Any CloudEvents library reads the record; key and time are known without opening it."""
    alert = alert_of(_window(), JUDGEMENT, EXPLANATION)
    headers = dict(cloud_event_headers(alert))

    event = from_binary(KafkaMessage(headers, b"blk_1", encode_alert(alert)), JSONFormat())
    assert (event.get_id(), event.get_subject()) == (alert.id, "blk_1")
    assert (event.get_type(), event.get_source()) == ("logscry.alert.v1", "/logscry/logs/3")
    assert event.get_time() == alert.window.end_time
    data = event.get_data()
    assert isinstance(data, dict)
    assert data["id"] == alert.id
