"""``python -m deploy.demo``: what ``make demo`` runs."""

import io
import os
import signal
import sys
from types import FrameType

from rich.console import Console
from rich.text import Text

from deploy.demo.options import DemoOptions
from deploy.demo.run import run
from model.errors import LogscryError

#: As a shell reports a command that Ctrl-C ended.
_INTERRUPTED = 130


def main() -> int:
    """Run the demo with the options of the environment; returns the exit status."""
    # A terminal that cannot show a character shows a question mark instead of ending the demo.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    console = Console()
    signal.signal(signal.SIGTERM, _leave)
    try:
        return run(DemoOptions.from_environment(os.environ), console)
    except LogscryError as error:
        console.print(Text(f"The demo failed: {error}", style="red"))
        return 1
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running.")
        return _INTERRUPTED


def _leave(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
    """Turn SIGTERM into an exception, so that everything is cleaned up on the way out."""
    sys.exit(128 + signal_number)


if __name__ == "__main__":
    sys.exit(main())
