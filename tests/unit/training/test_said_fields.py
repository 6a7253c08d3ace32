"""A named field that no line has is told of; one that some line has, is not."""

import json
from pathlib import Path

import pytest

from model.lines.choice import FormatChoice
from model.lines.formats import LineFormat
from training.inspection.inspection import inspect_logs
from training.progress import SilentProgress
from training.reading import Wording, learn_templates
from training.said_fields import notes_on_fields

PLAIN = json.dumps({"at": "2026-01-01T00:00:00Z", "text": "request 1 done", "deep": {"er": "x"}}).encode()
WRAPPED = json.dumps({"log": json.dumps({"msg": "request 1 done", "when": "2026-01-01T00:00:00Z"})}).encode()
BROKEN = b"{"
LIST = json.dumps([{"no": 1}, {"at": "2026-01-01T00:00:00Z", "text": "request 1 done"}]).encode()
CONTAINER = b'2026-01-01T00:00:00.5Z stdout F {"at": "2026-01-01T00:00:00Z", "text": "request 1 done"}'


@pytest.mark.parametrize(
    "said",
    [
        FormatChoice(),
        FormatChoice(message_field="text", time_field="at"),
        FormatChoice(message_field="/deep/er"),
        FormatChoice(message_field="deep.er", time_field="when"),  # the inner object's
    ],
)
def test_fields_that_some_line_has_are_not_spoken_of(said: FormatChoice) -> None:
    """Neither by name, nor by pointer, nor those that only the application's own object has."""
    assert not list(notes_on_fields(said, LineFormat("json"), [BROKEN, PLAIN, WRAPPED]))


@pytest.mark.parametrize("line", [LIST, CONTAINER, b"\xef\xbb\xbf" + PLAIN, b"\x1e" + PLAIN])
def test_fields_are_looked_for_where_the_reader_finds_them(line: bytes) -> None:
    """In lists, behind the prefix of a container's runtime, behind a byte order mark."""
    assert not list(notes_on_fields(FormatChoice(message_field="text", time_field="at"), LineFormat("json"), [line]))


def test_a_misspelt_field_is_told_of() -> None:
    """Each with its option and what serves in its place."""
    said = FormatChoice(message_field="txet", time_field="ta")
    notes = list(notes_on_fields(said, LineFormat("json"), [BROKEN, PLAIN, WRAPPED]))

    assert [("--message-field" in note, "--time-field" in note) for note in notes] == [(True, False), (False, True)]
    assert "none of the 3 lines looked at has the field txet" in notes[0]


def test_a_field_of_lines_that_are_not_json_is_told_of() -> None:
    """It would silently have no effect."""
    (note,) = notes_on_fields(FormatChoice(message_field="msg"), LineFormat("text"), [b"plain"])
    assert "read as text" in note


def test_inspection_and_training_say_it(tmp_path: Path) -> None:
    """To whoever looks at the progress; the lines are read all the same."""
    (tmp_path / "app.json").write_bytes(b"\n".join([PLAIN] * 5))
    said, inspected, trained = Wording(FormatChoice(message_field="txet")), SilentProgress(), SilentProgress()
    inspect_logs([str(tmp_path)], said, inspected)
    _, templates = learn_templates([tmp_path], said, trained)

    assert [template.text for template in templates] == ["request <*> done"]
    assert ["txet" in note for note in inspected.notes] == ["txet" in note for note in trained.notes] == [True]
