"""Telling a person how far training is."""

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Protocol, Self, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as RichBar,
)
from rich.text import Text

from training.visible import visible

__all__ = ["Progress", "RichProgress", "SilentProgress", "counted"]

Item = TypeVar("Item")

#: A bar that moves at each of a million small steps costs more than they do.
_STEPS_A_MOVE = 1_000


class Progress(Protocol):
    """Who wants to know how a long task goes."""

    def begin(self, stage: str, total: int | None) -> None:
        """A stage begins; ``total`` is its number of steps, None where it is not known."""

    def advance(self, steps: int, facts: Mapping[str, float]) -> None:
        """``steps`` more are done; ``facts`` holds the newest figures, such as the loss."""

    def end(self) -> None:
        """The stage is over."""

    def note(self, sentence: str) -> None:
        """Something that the person should know."""


def counted(items: Iterable[Item], progress: Progress) -> Iterator[Item]:
    """Yield the items, each a step of the stage that has begun."""
    waiting = 0
    for item in items:
        yield item
        waiting += 1
        if waiting == _STEPS_A_MOVE:
            progress.advance(waiting, {})
            waiting = 0
    progress.advance(waiting, {})


class SilentProgress:
    """Shows nothing; keeps the notes.

    Attributes:
        notes: What ``note`` was told.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []

    def begin(self, stage: str, total: int | None) -> None:
        """Do nothing."""

    def advance(self, steps: int, facts: Mapping[str, float]) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""

    def note(self, sentence: str) -> None:
        """Keep the sentence."""
        self.notes.append(sentence)


class RichProgress:
    """A bar in the terminal with steps, time left and the newest figures; on standard error, for output stays clean.

    Use it in a ``with`` statement, which gives the terminal back.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._bar = RichBar(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[facts]}"),
            console=console or Console(stderr=True),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, stage: str, total: int | None) -> None:
        """Add a bar."""
        self._task = self._bar.add_task(stage, total=total, facts="")

    def advance(self, steps: int, facts: Mapping[str, float]) -> None:
        """Move the newest bar."""
        if self._task is not None:
            shown = "  ".join(f"{name} {value:.4f}" for name, value in facts.items())
            self._bar.update(self._task, advance=steps, facts=shown)

    def end(self) -> None:
        """Fill the newest bar: a stage may need fewer steps than it was allowed."""
        if self._task is not None:
            task = next(t for t in self._bar.tasks if t.id == self._task)
            self._bar.update(self._task, total=max(1.0, task.completed), completed=max(1.0, task.completed))
            self._task = None

    def note(self, sentence: str) -> None:
        """Print the sentence above the bars; what it repeats of names and options is shown and not obeyed."""
        self._bar.console.print(Text.assemble(("note: ", "yellow"), visible(sentence)))
