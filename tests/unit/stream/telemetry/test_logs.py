"""Logs: one event a line, in the form that was asked for, from our code and from libraries alike."""

import io
import json
import logging

import pytest
import structlog
from kafka.errors import Cancelled, KafkaTimeoutError

from stream.setting_groups import LoggingSettings
from stream.telemetry import configure_logging


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.fixture(autouse=True)
def _restored():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines_hold_facts_as_keys():
    """Event, level and time are there, and bytes are text."""
    stream = io.StringIO()
    configure_logging(LoggingSettings(), stream)

    structlog.get_logger().info("partition_taken", partition=3, key=b"blk_\xff")

    [line] = _lines(stream)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {"event": "partition_taken", "level": "info", "partition": 3, "key": "blk_\\xff"}


def test_events_below_the_level_are_left_out():
    """Level warning hides info."""
    stream = io.StringIO()
    configure_logging(LoggingSettings(level="warning"), stream)

    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")

    assert [line["event"] for line in _lines(stream)] == ["loud"]


def test_libraries_log_in_the_same_form():
    """kafka-python's warnings come out as lines of the same kind; its everyday business does not."""
    stream = io.StringIO()
    configure_logging(LoggingSettings(), stream)

    logging.getLogger("kafka.net").info("connecting")
    logging.getLogger("kafka.net").warning("broker %s is away", "a:1")

    [line] = _lines(stream)
    assert (line["event"], line["logger"], line["level"]) == ("broker a:1 is away", "kafka.net", "warning")


def test_the_question_that_kafka_python_cancels_at_each_start_is_no_error():
    """That message alone is dropped: another reason, and the same words of another logger, come out."""
    stream = io.StringIO()
    configure_logging(LoggingSettings(), stream)

    logging.getLogger("kafka.cluster").error("Metadata refresh: failed %s", Cancelled())
    logging.getLogger("kafka.cluster").error("Metadata refresh: failed %s", KafkaTimeoutError())
    logging.getLogger("other").error("Metadata refresh: failed %s", Cancelled())

    assert [(line["event"], line["logger"]) for line in _lines(stream)] == [
        ("Metadata refresh: failed KafkaTimeoutError", "kafka.cluster"),
        ("Metadata refresh: failed Cancelled", "other"),
    ]


def test_setting_up_twice_logs_once():
    """The later set-up replaces the earlier one."""
    first, second = io.StringIO(), io.StringIO()
    configure_logging(LoggingSettings(), first)
    configure_logging(LoggingSettings(), second)

    logging.getLogger("kafka").error("once")
    structlog.get_logger().error("twice")

    assert first.getvalue() == ""
    assert [line["event"] for line in _lines(second)] == ["once", "twice"]


def test_auto_is_for_people_on_a_terminal():
    """Elsewhere it is JSON."""
    stream = Terminal()
    configure_logging(LoggingSettings(), stream)

    structlog.get_logger().info("started")

    assert "started" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_the_console_prints_no_terminal_commands():
    """A key from a log line cannot clear the operator's screen."""
    stream = io.StringIO()
    configure_logging(LoggingSettings(format="console"), stream)

    structlog.get_logger().info("alert", key="\x1b[2J")

    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("form", ["console", "json"])
def test_tracebacks_show_no_local_variables(form):
    """They may hold passwords."""
    stream = io.StringIO()
    configure_logging(LoggingSettings(format=form), stream)

    def connect(password: str) -> float:
        return 1 / len(password[:0])

    try:
        connect("word " * 2)
    except ZeroDivisionError:
        structlog.get_logger().exception("failed")

    assert "ZeroDivisionError" in stream.getvalue()
    assert "word word" not in stream.getvalue()
