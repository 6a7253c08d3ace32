"""Formats: what a sample of lines is, and where its messages begin."""

import json

import pytest

from model.errors import ConfigurationError, ModelError
from model.events.shapes import shape
from model.lines.detection import detect_format
from model.lines.formats import LineFormat


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        ("hdfs", "081109 203531 145 INFO dfs.DataNode$DataXceiver: Receiving block", "Receiving block"),
        (
            "bgl",
            "- 1117838570 2005.06.03 R02-M1-N0-C:J12-U11 2005-06-03-15.42.50.675872 R02 RAS KERNEL INFO went well",
            "went well",
        ),
        ("klog", "I0102 15:04:05.123456    7 server.go:42] Serving on it", "Serving on it"),
        ("logcat", "03-17 16:13:38.811  1702  2395 D WindowManager: opening app", "opening app"),
        (
            "syslog-3164",
            "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure",
            "authentication failure",
        ),
        ("syslog-3164-priority", "<34>Oct 11 22:14:15 mymachine su: failed for lonvick", "failed for lonvick"),
        ("syslog-5424", '<165>1 2003-10-11T22:14:15.003Z host app 7 ID [a@1 b="c]"] An entry', "An entry"),
        ("syslog-iso", "2024-01-02T03:04:05.678901+01:00 web-1 cron[77]: job done", "job done"),
        ("access", '10.0.0.1 - bob [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326', '"GET /a HTTP/0.0" 0 0'),
        ("apache-error", "[Sun Dec 04 04:47:44 2005] [error] mod_jk in error state", "mod_jk in error state"),
        ("nginx-error", "2024/01/02 03:04:05 [error] 29#30: *5 open() failed", "open() failed"),
        ("slashes-logger", "17/06/09 20:10:40 INFO spark.SecurityManager: Changing acls", "Changing acls"),
        ("python", "2024-01-02 03:04:05,678 - app.db - WARNING - slow query", "slow query"),
        ("log4j-thread", "2015-10-18 18:01:47,978 INFO [main] org.apache.App: Created it", "Created it"),
        ("logback", "2024-01-02 03:04:05.678 [main] INFO  c.e.shop.Cart - item added", "item added"),
        ("log4j", "2024-01-02 03:04:05,678 INFO com.example.Cart: item added", "item added"),
        ("spring", "2024-01-02T03:04:05.678Z  INFO 7 --- [main] c.e.shop.Cart : item added", "item added"),
        ("oslo", "2017-05-16 00:00:00.008 25746 INFO nova.api [req-1 - -] GET it", "GET it"),
        ("iso-level", "2024-01-02T03:04:05Z ERROR something broke", "something broke"),
        ("iso", "2024-01-02 03:04:05 something happened", "something happened"),
        ("named-time", "time=2024-01-02T03:04:05Z level=info msg=started", "level=info msg=started"),
        ("python-basic", "WARNING:root:look out", "look out"),
        ("level", "INFO: just so", "just so"),
        ("plain", "nothing of that kind", "nothing of that kind"),
    ],
)
def test_a_header_is_recognised(header, line, message):
    """The format is found, and the message behind its header."""
    found = detect_format([line.encode()] * 5)

    assert found == LineFormat("text", header=header)
    assert found.text_header.message(shape(line.encode())).decode() == message


def test_the_majority_decides():
    """Stack traces between the lines do not hide the header."""
    lines = [b"2024-01-02 03:04:05,678 INFO a.b.C: done", b"\tat a.b.C.run(C.java:7)"] * 10

    assert detect_format(lines).header == "log4j"


def test_lines_inside_a_record_count_one_by_one():
    """A record of several lines is a sample of several lines."""
    assert detect_format([b"081109 203531 1 INFO a: b\n081109 203531 2 INFO a: c\n"]).header == "hdfs"


def test_json_fields_are_found_by_their_usual_names():
    """The format says which field is the message, which the time and which the level."""
    line = b'{"@timestamp": "2024-01-02T03:04:05Z", "level": "info", "msg": "done"}'

    assert detect_format([line] * 3) == LineFormat("json", message="msg", time="@timestamp", level="level")


def test_a_sample_of_nothing_is_plain_text():
    """No lines, blank lines and missing values have the simplest format."""
    assert detect_format([]) == detect_format([None, b"", b"\n\n"]) == LineFormat()


def test_only_formats_with_a_time_say_so():
    """A stream without times must fall back on Kafka's."""
    assert LineFormat("text", header="hdfs").has_time
    assert LineFormat("json", time="ts").has_time
    assert not LineFormat("json").has_time
    assert not LineFormat().has_time


@pytest.mark.parametrize(
    "made", [LineFormat(), LineFormat("text", "hdfs"), LineFormat("json", message="/a/b", time="t")]
)
def test_a_format_survives_json(made):
    """What is written to the model is what is read from it."""
    assert LineFormat.from_json(json.loads(json.dumps(made.to_json()))) == made


@pytest.mark.parametrize("value", [None, [], {}, {"kind": "xml", "header": "plain", "message": None, "time": None}])
def test_a_broken_format_is_refused(value):
    """A model of another version says so."""
    with pytest.raises(ModelError, match="Train the model again"):
        LineFormat.from_json(value)


@pytest.mark.parametrize("settings", [{"kind": "xml"}, {"header": "nope"}, {"message": ""}, {"time": "//"}])
def test_a_wrong_setting_says_what_is_allowed(settings):
    """The error names the allowed values."""
    with pytest.raises(ConfigurationError, match="allowed"):
        LineFormat(**settings)
