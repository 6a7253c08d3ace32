"""What a person is told in the terminal."""

from io import StringIO

from rich.console import Console

from training.progress import RichProgress


def test_a_note_is_shown_as_it_is_and_never_obeyed() -> None:
    """What looks like markup stays, and what would command the terminal is escaped."""
    out = StringIO()
    with RichProgress(Console(file=out, width=100)) as progress:
        progress.note("no line has the field [/x] of [red]'\x1b]0;name\x07'")

    assert r"note: no line has the field [/x] of [red]'\x1b]0;name\x07'" in out.getvalue()
