"""Several processes in one terminal: started, watched, started again, stopped together."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from model.errors import ConfigurationError
from stream.backoff import Backoff

__all__ = ["ProcessPlan", "Supervisor", "plans"]

STOP_SECONDS = 4.5
"""A process that has not ended this long after SIGTERM is killed; its state is safe either way.

A little longer than a process gives itself (``stream.stopping``)."""

CONFIGURATION_EXIT = 2
"""The exit status of a process that was set up wrongly: starting it again would not help."""

_LAST_PORT = 65_535

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")


@dataclass(frozen=True)
class ProcessPlan:
    """A process to keep running.

    Attributes:
        name: What its lines are marked with: "consume-1".
        command: Arguments of ``logscry``.
    """

    name: str
    command: Sequence[str]


def plans(
    counts: Mapping[str, int], options: Sequence[str], rekey_options: Sequence[str], metrics_port: int
) -> list[ProcessPlan]:
    """Plan the processes of ``logscry up``.

    Args:
        counts: How many of each command.
        options: Options that every process gets.
        rekey_options: Options of the rekey stage; empty leaves it out.
        metrics_port: The first process's; each further one gets the next port. 0: none serves metrics.

    Raises:
        ConfigurationError: There is nothing to run, or there are too few ports.
    """
    commands = [(f"{name}-{number}", [name]) for name, count in counts.items() for number in range(1, count + 1)]
    if rekey_options:
        commands.append(("rekey-1", ["rekey", *rekey_options]))
    if not commands:
        raise ConfigurationError(
            "there is nothing to run: ask for at least one consumer or worker (--consumers 1, --workers 1), "
            "or for the rekey stage with --key-pattern or --key-field."
        )
    last = metrics_port + len(commands) - 1
    if metrics_port and last > _LAST_PORT:
        raise ConfigurationError(
            f"metrics.port is {metrics_port}, and {len(commands)} processes take one port each, up to {last}; "
            f"allowed is at most {_LAST_PORT - len(commands) + 1}."
        )
    return [
        ProcessPlan(name, [*command, *options, *_port(metrics_port, index)])
        for index, (name, command) in enumerate(commands)
    ]


@contextlib.contextmanager
def _lifeline() -> Iterator[int]:
    """The reading end of a pipe that is at its end once this process is gone: nobody else holds the other end."""
    theirs, ours = os.pipe()
    try:
        yield theirs
    finally:
        os.close(theirs)
        os.close(ours)


def _stop_signals() -> list[signal.Signals]:
    # Whoever starts this with nohup has SIGHUP ignored, and wants it to outlive the terminal.
    outlives_terminal = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [signal.SIGTERM, signal.SIGINT, *([] if outlives_terminal else [signal.SIGHUP])]


def _port(first: int, index: int) -> list[str]:
    return ["--set", f"metrics.port={first + index}"] if first else []


@dataclass
class _Child:
    plan: ProcessPlan
    colour: str
    process: "subprocess.Popen[bytes] | None" = None
    backoff: Backoff = field(default_factory=lambda: Backoff(first_seconds=1, most_seconds=30))


class Supervisor:
    """Keeps processes running until it is told to stop.

    Args:
        plans: What to run, at least one.
        console: Where the processes' lines go, each marked with its process's name.
    """

    def __init__(self, plans: Sequence[ProcessPlan], console: Console) -> None:
        self._children = [_Child(plan, _COLOURS[i % len(_COLOURS)]) for i, plan in enumerate(plans)]
        self._width = max(len(plan.name) for plan in plans)
        self._console = console
        self._stop = threading.Event()
        self._stdin = subprocess.DEVNULL

    def run(self) -> int:
        """Run until SIGTERM, Ctrl-C or the terminal's end (SIGHUP), or until a process says that it is set up wrongly.

        Returns:
            The exit status: 0, or that of the process that cannot run.
        """
        before = {number: signal.signal(number, lambda *_: self._stop.set()) for number in _stop_signals()}
        try:
            with _lifeline() as self._stdin:
                try:
                    for child in self._children:
                        self._start(child)
                    return self._watch()
                finally:
                    self._end()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _watch(self) -> int:
        while not self._stop.wait(0.2):
            for child in self._children:
                if child.process is None:
                    if child.backoff.remaining_seconds == 0:
                        self._start(child)
                elif (status := child.process.poll()) is not None:
                    if status == CONFIGURATION_EXIT:
                        self._say(child, "cannot run as it is set up; stopping all")
                        return status
                    wait = child.backoff.failed()
                    self._say(child, f"ended with status {status}; starts again in {wait:.1f} s")
                    child.process = None
        return 0

    def _start(self, child: _Child) -> None:
        child.process = subprocess.Popen(
            [sys.executable, "-m", "stream.child", *child.plan.command],
            stdin=self._stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then stops the others in order
        )
        threading.Thread(target=self._pass_lines_on, args=(child, child.process), daemon=True).start()
        self._say(child, f"started, process {child.process.pid}")

    def _pass_lines_on(self, child: _Child, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
        with process.stdout as lines:
            for line in lines:
                self._say(child, line.decode("utf-8", "backslashreplace").rstrip())

    def _say(self, child: _Child, text: str) -> None:
        mark = Text(f"{child.plan.name:<{self._width}} | ", style=child.colour)
        # A terminal that was closed takes nothing; the child's output is read all the same, or the child would block.
        with contextlib.suppress(OSError):
            self._console.print(mark + Text(text), soft_wrap=True)

    def _end(self) -> None:
        running = [child.process for child in self._children if child.process and child.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
