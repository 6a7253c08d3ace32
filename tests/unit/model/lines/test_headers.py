"""Headers of text logs: found in a sample, cut off, and their times read."""

from datetime import UTC, datetime

import pytest

from model.errors import ConfigurationError
from model.events.shapes import shape
from model.events.templates import Templates
from model.lines.detection import detect_format
from model.lines.formats import LineFormat
from model.lines.headers import HEADERS, header_named
from model.lines.parser import LineParser

NOW_MS = round(datetime(2024, 1, 5, tzinfo=UTC).timestamp() * 1000)
SECOND = "2024-01-02T03:04:05"
EXACT = "2024-01-02T03:04:05.678"

# Each: header, line, its message, its time as ISO 8601 in UTC.
LINES = [
    ("hdfs", "240102 030405 145 INFO dfs.DataNode$DataXceiver: Receiving block", "Receiving block", SECOND),
    (
        "bgl",
        "- 1704164645 2024.01.02 R02-M1-N0-C:J12-U11 2024-01-02-03.04.05.675872 R02 RAS KERNEL INFO went well",
        "went well",
        SECOND,
    ),
    (
        "supercomputer-syslog",
        "- 1704164645 2024.01.02 dn228 Jan 2 03:04:05 dn228/dn228 crond(pam_unix)[2915]: session closed",
        "session closed",
        SECOND,
    ),
    ("klog", "I0102 03:04:05.678123    7 server.go:42] Serving on it", "Serving on it", EXACT),
    ("logcat", "01-02 03:04:05.678  1702  2395 D WindowManager: opening app", "opening app", EXACT),
    (
        "syslog-3164",
        "Jan  2 03:04:05 combo sshd(pam_unix)[199]: authentication failure",
        "authentication failure",
        SECOND,
    ),
    ("syslog-3164", "Jan  2 03:04:05 web kernel: eth0 is up", "eth0 is up", SECOND),
    ("syslog-precise", "Jan 02 03:04:05.678901 web cron[77]: job done", "job done", EXACT),
    ("syslog-3164-priority", "<34>Jan  2 03:04:05 mymachine su: failed for lonvick", "failed for lonvick", SECOND),
    ("syslog-iso", "2024-01-02T04:04:05.678901+01:00 web-1 cron[77]: job done", "job done", EXACT),
    ("syslog-iso", "2024-01-02T04:04:05+0100 web-1 systemd[1]: Started it.", "Started it.", SECOND),
    ("syslog-iso", "<30>2024-01-02T03:04:05.678901Z web-1 cron[77]: job done", "job done", EXACT),
    ("cri", "2024-01-02T03:04:05.678901234Z stdout F cart saved", "cart saved", EXACT),
    (
        "cri+log4j",
        "2024-01-02T03:04:05.678901234Z stderr F 2024-01-02 03:04:05,677 INFO shop.Cart: saved",
        "saved",
        EXACT,
    ),
    ("syslog-3164+klog", "Jan  2 03:04:05 node kubelet[7]: I0102 03:04:05.678 7 pod.go:42] synced", "synced", SECOND),
    (
        "access",
        '10.0.0.1 - bob [02/Jan/2024:04:04:05 +0100] "GET /a HTTP/1.0" 200 2326',
        '"GET /a HTTP/0.0" 0 0',
        SECOND,
    ),
    ("access", 'a.org:80 ::1 - - [02/Jan/2024:03:04:05 +0000] "GET / HTTP/1.1" 200 5', '"GET / HTTP/0.0" 0 0', SECOND),
    ("access", '10.0.0.1 - - [02/Jan/2024 03:04:05] "GET / HTTP/1.1" 200 -', '"GET / HTTP/0.0" 0 -', SECOND),
    ("apache-error", "[Tue Jan 02 03:04:05 2024] [error] mod_jk in error state", "mod_jk in error state", SECOND),
    (
        "apache-error",
        "[Tue Jan 02 03:04:05.678901 2024] [core:error] [pid 77:tid 14] [client 10.0.0.1:5] File missing",
        "File missing",
        SECOND,
    ),
    ("nginx-error", "2024/01/02 03:04:05 [error] 29#30: *5 open() failed", "open() failed", SECOND),
    ("slashes-logger", "24/01/02 03:04:05 INFO spark.SecurityManager: Changing acls", "Changing acls", SECOND),
    ("bars", "20240102-3:4:5:678|Step_LSC|30002312|onExtend", "onExtend", EXACT),
    ("bracketed-month-day", "[01.02 03:04:05] chrome.exe - open through proxy", "open through proxy", SECOND),
    ("epoch-fifth", "350766 node-109 unix.hw state_change 1704164645 1 is unavailable", "is unavailable", SECOND),
    ("python", "2024-01-02 03:04:05,678 - app.db - WARNING - slow query", "slow query", EXACT),
    ("log4j-thread", "2024-01-02 03:04:05,678 INFO [main] org.apache.App: Created it", "Created it", EXACT),
    ("logback", "2024-01-02 03:04:05.678 [main] INFO  c.e.shop.Cart - item added", "item added", EXACT),
    ("log4j", "2024-01-02 03:04:05,678 INFO com.example.Cart: item added", "item added", EXACT),
    ("log4j", "2024-01-02 03:04:05,678 [INFO] app.cart: item added", "item added", EXACT),
    ("logger-level", "2024-01-02 03:04:05,678 app.cart INFO item added", "item added", EXACT),
    ("spring", "2024-01-02T03:04:05.678Z  INFO 7 --- [main] c.e.shop.Cart : item added", "item added", EXACT),
    ("zookeeper", "2024-01-02 03:04:05,678 - INFO  [QuorumPeer:Election@774] - Notification", "Notification", EXACT),
    ("component", "2024-01-02 03:04:05, Info                  CBS    Loaded Stack", "Loaded Stack", SECOND),
    ("oslo", "2024-01-02 03:04:05.678 25746 INFO nova.api [req-1 - -] GET it", "GET it", EXACT),
    ("postgres", "2024-01-02 03:04:05.678 UTC [77] LOG:  checkpoint starting", "checkpoint starting", EXACT),
    ("postgres", "2024-01-02 03:04:05.678 UTC [77-3] bob@shop ERROR:  no such table", "no such table", EXACT),
    ("mysql", "2024-01-02T03:04:05.678901Z 0 [System] [MY-010116] [Server] starting", "starting", EXACT),
    ("redis", "7:M 02 Jan 2024 03:04:05.678 * Ready to accept connections", "Ready to accept connections", EXACT),
    ("catalina", "02-Jan-2024 03:04:05.678 INFO [main] org.apache.Catalina.start Server up", "Server up", EXACT),
    ("ruby", "I, [2024-01-02T03:04:05.678901 #77]  INFO -- shop: cart saved", "cart saved", EXACT),
    ("elasticsearch", "[2024-01-02T03:04:05,678][INFO ][o.e.n.Node           ] [es-1] started", "started", EXACT),
    ("envoy", "[2024-01-02 03:04:05.678][12][info][main] [source/server.cc:77] starting", "starting", EXACT),
    ("gunicorn", "[2024-01-02 03:04:05 +0000] [7] [INFO] Booting worker", "Booting worker", SECOND),
    ("celery", "[2024-01-02 03:04:05,678: INFO/MainProcess] Task received", "Task received", EXACT),
    ("loguru", "2024-01-02 03:04:05.678 | INFO     | shop.cart:save:42 - cart saved", "cart saved", EXACT),
    ("env-logger", "[2024-01-02T03:04:05Z INFO  shop::cart] cart saved", "cart saved", SECOND),
    ("rust", "2024-01-02T03:04:05.678901Z  INFO shop::cart: cart saved", "cart saved", EXACT),
    ("go-log", "2024/01/02 03:04:05 main.go:42: cart saved", "cart saved", SECOND),
    ("iso", "2024/01/02 03:04:05 cart saved", "cart saved", SECOND),
    ("zap-console", "2024-01-02T03:04:05.678Z\tINFO\tshop\tcart/cart.go:42\tcart saved", "cart saved", EXACT),
    ("iso-thread-level", "2024-01-02 03:04:05,678 [main] INFO: item added", "item added", EXACT),
    ("iso-level", "2024-01-02T03:04:05Z ERROR something broke", "something broke", SECOND),
    ("iso-level", "[2024-01-02 03:04:05,678] INFO [GroupCoordinator 0]: Member", "[GroupCoordinator 0]: Member", EXACT),
    ("iso", "2024-01-02 03:04:05 something happened", "something happened", SECOND),
    ("level-iso", "INFO 2024-01-02 03:04:05,678 views page shown", "views page shown", EXACT),
    ("named-time", "time=2024-01-02T03:04:05Z level=info msg=started", "level=info msg=started", SECOND),
    ("python-basic", "WARNING:root:look out", "look out", None),
    ("level", "INFO: just so", "just so", None),
    ("plain", "nothing of that kind", "nothing of that kind", None),
]


@pytest.mark.parametrize(("header", "line", "message", "time"), LINES)
def test_a_header_is_recognised(header, line, message, time):
    """The format is found, the message behind its header, and the time in it."""
    found = detect_format([line.encode()] * 5)
    parsed = LineParser(found, Templates()).parse([line.encode()], [NOW_MS])

    assert found == LineFormat("text", header=header)
    assert found.text_header.message(shape(line.encode())).decode() == message
    assert parsed.time_ms == [-1 if time is None else round(datetime.fromisoformat(f"{time}+00:00").timestamp() * 1000)]


def test_every_header_has_an_example():
    """A line of the table above, or of the tests of syslog."""
    assert set(HEADERS) - {header for header, *_ in LINES} == {"syslog-5424"}


@pytest.mark.parametrize(("header", "line", "message", "time"), LINES)
def test_what_a_header_says_is_found_in_the_line_itself(header, line, message, time):  # noqa: ARG001
    """The expression for lines, made from that for shapes, matches as far; words keep their digits."""
    fields = header_named(header).fields(line.encode())

    assert all(text in line and not text.startswith("<*") for text in fields.values())
    assert bool(fields) == (header != "plain")
    assert ("time" in fields) == (time is not None)


def test_the_words_of_a_header_can_be_keys():
    """Host and application of syslog, the level of log4j."""
    syslog = header_named("syslog-3164").fields(b"Jan  2 03:04:05 web-12 sshd[199]: failed")
    log4j = header_named("cri+log4j").fields(b"2024-01-02T03:04:05Z stdout F 2024-01-02 03:04:05 INFO a.B2: saved")

    assert syslog == {"time": "Jan  2 03:04:05", "host": "web-12", "app": "sshd", "pid": "199"}
    assert log4j == {"stream": "stdout", "time": "2024-01-02 03:04:05", "level": "INFO", "logger": "a.B2"}


def test_a_line_without_the_streams_header_is_its_own_message():
    """A stack trace between the lines; an envelope whose line has no header of its own."""
    assert header_named("log4j").message(b"\tat a.b.C.run(C.java:0)") == b"at a.b.C.run(C.java:0)"
    assert header_named("cri+log4j").message(b"0-0-0T0:0:0.0Z stdout F \tat a.b.C") == b"at a.b.C"


@pytest.mark.parametrize("name", ["nope", "log4j+cri", "cri+nope", "cri+", "+log4j", "cri+log4j+log4j"])
def test_an_unknown_header_says_what_is_allowed(name):
    """Two headers are joined only where the first may stand in front of another."""
    with pytest.raises(ConfigurationError, match="allowed"):
        header_named(name)
