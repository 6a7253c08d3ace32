"""Ends processes and removes a folder when the process that made them is gone, however it went.

``try ... finally`` does not run after SIGKILL, a crash of the interpreter, or a SIGTERM that nobody handles. So each
server has a guard beside it: a small process of its own session that reads a pipe. When the pipe closes, its owner is
gone, and the guard kills what was left. Linux could signal the children itself (``PR_SET_PDEATHSIG``), but this also
works on macOS, for servers that a script has put into the background, and it removes the folder.

This file is run as a script by itself, so it imports nothing but the standard library.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

__all__ = ["Guard"]


class Guard:
    """The owner's end of a guard process.

    Used as a context manager, or closed with :meth:`close`. Closing ends what is still guarded.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Start a guard.

        Args:
            folder: Removed with all that is in it when the owner is gone.
        """
        command = [sys.executable, "-I", "-S", __file__, *([str(folder)] if folder else [])]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def add(self, pid: int) -> None:
        """Have the process ``pid`` killed when the owner is gone."""
        self._tell(f"+{pid}\n")

    def forget(self, pid: int) -> None:
        """Leave the process ``pid`` alone from now on; it has ended."""
        self._tell(f"-{pid}\n")

    def close(self) -> None:
        """End the guard and whatever it still guards. A repeat is harmless."""
        stream = self._process.stdin
        if stream and not stream.closed:
            with contextlib.suppress(BrokenPipeError):  # it has ended already
                stream.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _tell(self, line: str) -> None:
        stream = self._process.stdin
        if stream and not stream.closed:
            stream.write(line.encode())
            stream.flush()


def watch(stream: IO[bytes], folder: Path | None) -> None:
    """Follow the owner's orders until its end of the pipe closes, then clean up.

    Args:
        stream: Lines ``+PID`` and ``-PID``.
        folder: Removed at the end.
    """
    guarded: set[int] = set()
    for line in stream:
        change = guarded.add if line.startswith(b"+") else guarded.discard
        change(int(line[1:]))
    for pid in guarded:
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            os.kill(pid, signal.SIGKILL)
    if folder:
        _remove(folder)


def _remove(folder: Path) -> None:
    # A process that was killed a moment ago may still be writing its last file.
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.02)


if __name__ == "__main__":
    watch(sys.stdin.buffer, Path(sys.argv[1]) if len(sys.argv) > 1 else None)
