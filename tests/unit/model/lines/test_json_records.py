"""JSON as the usual libraries and shippers write it: message, time and level are found without being named."""

import json
from datetime import UTC, datetime

import pytest

from model.events.identity import event_id
from model.events.templates import Templates
from model.lines.detection import Detection, detect, detect_format
from model.lines.formats import LineFormat
from model.lines.parser import LineParser

MOMENT = "2024-05-06T07:08:09.123Z"
MOMENT_MS = round(datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC).timestamp() * 1000)
SECOND_MS = MOMENT_MS - 123
NANOSECONDS = str(MOMENT_MS) + "456789"

# Each: the record, the fields of message, time and level, the event's text, its time.
SHIPPERS = {
    "fluent-bit": (
        {"@timestamp": 1714979289.123, "log": "cart saved", "kubernetes": {"pod_name": "shop-1"}},
        ("log", "@timestamp", None),
        "cart saved",
        MOMENT_MS,
    ),
    "vector": (
        {"host": "web", "message": "cart saved", "source_type": "file", "timestamp": "2024-05-06T07:08:09.123456789Z"},
        ("message", "timestamp", None),
        "cart saved",
        MOMENT_MS,
    ),
    "filebeat": (
        {
            "@timestamp": MOMENT,
            "@metadata": {"beat": "filebeat", "type": "_doc"},
            "message": "cart saved",
            "log": {"offset": 7, "file": {"path": "/var/log/shop.log"}, "level": "info"},
            "event": {"dataset": "shop"},
        },
        ("message", "@timestamp", "log.level"),
        "cart saved",
        MOMENT_MS,
    ),
    "ecs": (
        {"@timestamp": MOMENT, "log.level": "INFO", "message": "cart saved", "ecs.version": "1.2.0"},
        ("message", "@timestamp", "log.level"),
        "cart saved",
        MOMENT_MS,
    ),
    "docker": (
        {"log": "cart saved\n", "stream": "stdout", "time": "2024-05-06T07:08:09.123456789Z"},
        ("log", "time", None),
        "cart saved",
        MOMENT_MS,
    ),
    "structlog": (
        {"event": "cart saved", "level": "info", "timestamp": "2024-05-06T07:08:09.123456Z", "cart": "c7"},
        ("event", "timestamp", "level"),
        "cart saved",
        MOMENT_MS,
    ),
    "python-json-logger": (
        {"asctime": "2024-05-06 07:08:09,123", "levelname": "INFO", "name": "shop", "message": "cart saved"},
        ("message", "asctime", "levelname"),
        "cart saved",
        MOMENT_MS,
    ),
    "zap": (
        {"level": "info", "ts": 1714979289.123, "caller": "cart.go:7", "msg": "cart saved"},
        ("msg", "ts", "level"),
        "cart saved",
        MOMENT_MS,
    ),
    "pino": (
        {"level": 30, "time": MOMENT_MS, "pid": 7, "hostname": "web", "msg": "cart saved"},
        ("msg", "time", "level"),
        "cart saved",
        MOMENT_MS,
    ),
    "journald": (
        {"MESSAGE": "cart saved", "PRIORITY": "6", "__REALTIME_TIMESTAMP": str(MOMENT_MS) + "456"},
        ("MESSAGE", "__REALTIME_TIMESTAMP", "PRIORITY"),
        "cart saved",
        MOMENT_MS,
    ),
    "log4j": (
        {"instant": {"epochSecond": SECOND_MS // 1000, "nanoOfSecond": 1}, "level": "INFO", "message": "cart saved"},
        ("message", "/instant/epochSecond", "level"),
        "cart saved",
        SECOND_MS,
    ),
    "mongodb": (
        {"t": {"$date": "2024-05-06T07:08:09.123+00:00"}, "s": "I", "c": "NETWORK", "msg": "cart saved", "attr": {}},
        ("msg", "/t/$date", "s"),
        "cart saved",
        MOMENT_MS,
    ),
    "serilog": (
        {"@t": MOMENT, "@m": "cart saved", "@l": "Warning"},
        ("@m", "@t", "@l"),
        "cart saved",
        MOMENT_MS,
    ),
    "gelf": (
        {"version": "1.1", "host": "web", "short_message": "cart saved", "timestamp": 1714979289.123, "level": 6},
        ("short_message", "timestamp", "level"),
        "cart saved",
        MOMENT_MS,
    ),
    "google-cloud": (
        {"jsonPayload": {"message": "cart saved"}, "severity": "INFO", "timestamp": MOMENT},
        ("/jsonPayload/message", "timestamp", "severity"),
        "cart saved",
        MOMENT_MS,
    ),
}


@pytest.mark.parametrize(("record", "fields", "text", "time_ms"), SHIPPERS.values(), ids=SHIPPERS)
def test_what_shippers_write_is_found_by_itself(record, fields, text, time_ms):
    """Detection names the fields; reading with them, or with none named, gives the same."""
    value = json.dumps(record).encode()
    found = detect_format([value] * 3)

    assert found == LineFormat("json", "plain", *fields)
    for line_format in (found, LineFormat("json")):
        parsed = LineParser(line_format, Templates()).parse([value])
        assert parsed.errors == []
        assert parsed.event_id == [event_id(text)]
        assert parsed.time_ms == [time_ms]


def parsed_event(value: bytes, **fields: str) -> tuple[str, int]:
    """The text and time of the one line of a record."""
    parser = LineParser(LineFormat("json", **fields), Templates())
    parsed = parser.parse([value])
    assert parsed.errors == []
    return str(parser.text_of(parsed.event_id[0])), parsed.time_ms[0]


def test_fields_may_be_json_pointers():
    """Message and time lie as deep as they like."""
    value = json.dumps({"data": {"lines": [{"what": "cart saved"}]}, "meta": {"when": 7}}).encode()

    assert parsed_event(value, message="/data/lines/0/what", time="/meta/when") == ("cart saved", 7000)


def test_journald_writes_what_is_no_clean_text_as_bytes():
    """They are put together again; what is no UTF-8 among them is shown as such."""
    value = json.dumps(
        {"MESSAGE": [*"né ".encode(), *b"\xff closed"], "__REALTIME_TIMESTAMP": f"{MOMENT_MS}456"}
    ).encode()

    assert parsed_event(value) == ("né � closed", MOMENT_MS)


def test_json_inside_json_is_taken_apart():
    """A container's log line that the application wrote as JSON: the application's message and time count."""
    inner = json.dumps({"level": "info", "msg": "cart saved", "time": "1970-01-01T00:00:01Z"})
    value = json.dumps({"log": inner + "\n", "stream": "stdout", "time": "1970-01-01T00:00:09Z"}).encode()
    untimed = json.dumps({"log": '{"msg": "cart saved"}', "time": "1970-01-01T00:00:09Z"}).encode()

    assert parsed_event(value, message="log", time="time") == ("cart saved", 1000)
    assert parsed_event(untimed, message="log", time="time") == ("cart saved", 9000)


@pytest.mark.parametrize("message", ["{curly} text", '{"no": "message"}', "{", '{"msg": 7} {"msg": 8}'])
def test_a_message_that_only_looks_like_json_is_text(message):
    """Nothing is lost by the attempt."""
    text, _ = parsed_event(json.dumps({"message": message}).encode())

    assert event_id(text) == LineParser(LineFormat(), Templates()).parse([message.encode()]).event_id[0]


def test_the_header_of_a_message_is_cut_off():
    """A text line in a shipper's envelope gives the event that it gives alone; its time fills in for a missing one."""
    line = "2024-05-06 07:08:09,123 INFO [main] shop.Cart: cart saved"
    wrapped = [json.dumps({"message": line, "host": "web"}).encode()] * 3
    found = detect_format(wrapped)

    assert found == LineFormat("json", "log4j-thread", "message")
    assert LineParser(found, Templates()).parse(wrapped[:1]).event_id == [event_id("cart saved")]
    assert LineParser(found, Templates()).parse(wrapped[:1]).time_ms == [MOMENT_MS]
    assert found.has_time


@pytest.mark.parametrize(
    "prefix",
    [
        b"2024-05-06T07:08:09.123456789Z stdout F ",
        b"<14>1 2024-05-06T07:08:09Z web shop 7 - - ",
        b"May  6 07:08:09 web shop[7]: @cee: ",
        b"\xef\xbb\xbf",
        b"\x1e",
    ],
)
def test_an_object_may_have_a_prefix(prefix):
    """Of a container runtime, of syslog, or a byte order mark."""
    value = prefix + b'{"msg": "cart saved", "time": 1}'

    assert detect_format([value] * 3).kind == "json"
    assert parsed_event(value) == ("cart saved", 1000)


def test_text_before_an_object_is_no_prefix():
    """What does not begin as a runtime or a syslog server begins is broken JSON."""
    parsed = LineParser(LineFormat("json"), Templates()).parse([b'garbage {"msg": "cart saved"}'])

    assert [error.reason for _, error in parsed.errors] == ["bad-json"]


def test_few_objects_among_text_are_text():
    """The majority decides, and the confidence says how large it is."""
    sample = [b"2024-05-06 07:08:09 something"] * 7 + [b'{"msg": "a"}'] * 3

    assert detect(sample) == Detection(LineFormat("text", "iso"), 0.7, 10)


def test_a_sample_of_nothing_gives_no_confidence():
    """Plain text is what is left, not what was found."""
    assert detect([None, b"", b"\n"]) == Detection(LineFormat(), 0.0, 0)
