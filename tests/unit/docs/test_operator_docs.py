"""The documentation says what the code does: settings, metrics, log events, reasons, and the example alert."""

import ast
import json
import re
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker
from prometheus_client import CollectorRegistry

from model.events.identity import event_id
from model.lines.headers import HEADERS
from stream.alerts import (
    Alert,
    AlertEvent,
    AlertSource,
    AlertWindow,
    alert_id,
    cloud_event_headers,
    decode_alert,
    fingerprint_of,
)
from stream.live_values import SETTING_TYPES
from stream.setting_names import allowed_values, leaves
from stream.settings import Settings
from stream.telemetry import ConsumerMetrics, RekeyMetrics, WorkerMetrics

ROOT = Path(__file__).parents[3]
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
ALERTS = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")


def _rows(text: str, heading: str) -> dict[str, list[str]]:
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


def _example() -> bytes:
    [block] = re.findall(r"```json\n(.*?)```", ALERTS, re.DOTALL)
    return str(block).encode()


def test_every_setting_is_described_as_it_is():
    """Name, default, what is allowed, what for: the table is the code's."""
    defaults = Settings().describe()
    expected = {
        name: [
            defaults[name] if defaults[name] == "unset" else f"`{defaults[name]}`",
            allowed_values(leaf),
            leaf["description"],
        ]
        for name, leaf in leaves(Settings).items()
    }

    assert _rows(OPERATIONS, "Settings") == expected


def test_every_live_setting_is_described():
    """In the order of the code."""
    assert list(_rows(OPERATIONS, "Live settings")) == list(SETTING_TYPES)


def test_every_metric_is_described_as_it_is():
    """Name and sentence are those that Prometheus shows."""
    registry = CollectorRegistry()
    for kind in (ConsumerMetrics, WorkerMetrics, RekeyMetrics):
        kind(registry)
    expected = {
        family.name + ("_total" if family.type == "counter" else ""): family.documentation
        + (" (histogram)" if family.type == "histogram" else "")
        for family in registry.collect()
    }

    assert {name: row[-1] for name, row in _rows(OPERATIONS, "Metrics").items()} == expected


def test_every_loud_log_event_is_described():
    """Warnings and errors of the services are in the table, and no others."""
    loud = {
        event
        for path in (ROOT / "stream").rglob("*.py")
        for level, event in _log_events(path)
        if level in {"warning", "error", "exception"}
    }

    assert set(_rows(OPERATIONS, "Logs")) == loud


def _log_events(path: Path) -> list[tuple[str, str]]:
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return [
        (call.func.attr, name)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "log"
        for name in _names(call.args[0])
    ]


def _names(argument: ast.expr) -> list[str]:
    if isinstance(argument, ast.IfExp):
        return [*_names(argument.body), *_names(argument.orelse)]
    return [str(argument.value) if isinstance(argument, ast.Constant) else "Not a fixed name"]


def test_log_event_names_are_fixed_words():
    """Each is a literal in snake case: facts are keys, never part of the name."""
    events = [event for path in (ROOT / "stream").rglob("*.py") for _, event in _log_events(path)]

    assert [event for event in events if not re.fullmatch(r"[a-z]+(_[a-z]+)*", event)] == []


def test_every_reason_of_a_dead_letter_is_described():
    """Each word that code gives as a reason is in the table."""
    given = {
        reason
        for folder in ("stream", "model")
        for path in (ROOT / folder).rglob("*.py")
        for reason in re.findall(r'(?:RecordError\(\s*|reason=)"([a-z0-9-]+)"', path.read_text(encoding="utf-8"))
    } - {"no-alert"}  # what reads alerts says that, never the service
    section = OPERATIONS.partition("\n## Dead letters\n")[2].partition("\n## ")[0]
    described = {
        word
        for line in section.splitlines()
        if line.startswith("| `")
        for word in re.findall("`([a-z0-9-]+)`", line.split(" | ")[0])
    }

    assert described == given


def test_the_example_alert_is_valid():
    """It follows the published schema, and our own reader takes it."""
    schema = json.loads((ROOT / "docs/alert.schema.json").read_text(encoding="utf-8"))

    Draft202012Validator(schema, format_checker=FormatChecker()).validate(json.loads(_example()))
    assert decode_alert(_example()).summary


def test_the_example_alert_is_one_that_the_service_could_send():
    """Its id is that of its source, its score is above its threshold, its places agree."""
    alert = decode_alert(_example())
    window = alert.window
    first, last = (place.offset << 16 | place.line for place in (window.first, window.last))
    source = AlertSource(
        window.topic, window.partition, alert.key.encode(), first, last, window.session_events, window.final
    )

    assert alert.id == alert_id(source)
    assert alert.score > alert.threshold
    assert alert.lines is not None
    assert alert.events[0].place is not None
    assert alert.events[0].place.offset == alert.lines[alert.events[0].index].offset
    assert (alert.lines[0].offset, alert.lines[-1].offset) == (window.first.offset, window.last.offset)
    assert len(alert.lines) == window.size


def test_the_example_s_fingerprint_is_that_of_its_lines():
    """Four lines of three templates, from the session's start, which has not ended."""
    window = decode_alert(_example()).window
    receiving = "Receiving block <*> src: <*> dest: <*>"
    texts = ["BLOCK* NameSystem.allocateBlock: <*> <*>", receiving, receiving, "writeBlock <*> received exception <*>"]
    event_ids = b"".join(event_id(text) for text in texts)

    assert window.fingerprint == fingerprint_of(event_ids, starts_session=window.starts_session, final=window.final)


def test_the_headers_in_the_table_are_the_examples():
    """Name by name, value by value."""
    headers = {name: [f"`{value.decode()}`"] for name, value in cloud_event_headers(decode_alert(_example()))}

    assert _rows(ALERTS, "As CloudEvents") == headers


def test_every_field_of_an_alert_is_described():
    """Fields of the alert, its window and its events."""
    text = ALERTS.partition("\n## The fields\n")[2].partition("\n## ")[0]
    names = {
        field.alias or name for model in (Alert, AlertWindow, AlertEvent) for name, field in model.model_fields.items()
    }

    assert [name for name in names if not re.search(rf"[`.]{name}`", text) and name != "window"] == []


def test_every_header_is_described():
    """In the order of the code, which is that of detection."""
    text = (ROOT / "docs/formats.md").read_text(encoding="utf-8")

    assert list(_rows(text, "Text"))[: len(HEADERS)] == list(HEADERS)
