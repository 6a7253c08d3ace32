"""What every local server has in common: a folder, a port, a start that is waited for, and a clean end."""

import os
import shutil
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from deploy.embedded.guard import Guard
from deploy.embedded.ports import HOST, free_port, wait_until
from model.errors import StateError, TransientError

__all__ = ["LocalServer", "ProcessServer"]

#: A port is chosen a moment before the server binds it; another process may be faster, so the start is tried again.
PORT_CHOICES = 5

#: How long a server may take to answer, and to end after SIGTERM.
START_SECONDS = 30.0
STOP_SECONDS = 10.0

_TAIL_LINES = 15


class LocalServer(ABC):
    """A server of one user on 127.0.0.1 that leaves nothing behind.

    Its folder is readable by its owner only, and is removed by :meth:`stop`; a guard process does the same when the
    program that started it is killed. A killed server comes back on the same port with :meth:`restart`.

    Attributes:
        name: What it is called in messages.
        folder: Its data and log; set by :meth:`start`.
        port: The port it listens on; set by :meth:`start`.
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.port = 0
        self._guard: Guard | None = None

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{HOST}:{self.port}"

    def start(self) -> Self:
        """Start on a free port and wait until it answers.

        Raises:
            StateError: It runs already.
            TransientError: It ended or did not answer in time; the text holds the end of its log.
        """
        if self.folder is not None:
            raise StateError(f"{self.name} was started already, on {self.address}; stop it first.")
        self.folder = Path(tempfile.mkdtemp(prefix=f"logscry-{self.name}-"))
        try:
            self._guard = Guard(self.folder)
            self._start_on_free_port()
        except BaseException:
            self.stop()
            raise
        return self

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would; what it has on disk stays for :meth:`restart`."""
        self._end_guarded(gently=False)

    def restart(self) -> None:
        """Start it again on the same port and folder; a server that still runs is stopped first.

        Raises:
            StateError: It was never started.
            TransientError: As for :meth:`start`.
        """
        if self.folder is None:
            raise StateError(f"{self.name} cannot be restarted: it was never started.")
        self._end_guarded(gently=True)
        self._launch_guarded()

    def stop(self) -> None:
        """End it and remove its folder. A repeat is harmless."""
        try:
            self._end_guarded(gently=True)
        finally:
            folder, self.folder = self.folder, None
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            if self._guard is not None:
                self._guard.close()
                self._guard = None

    def log_tail(self) -> str:
        """The last lines of its log, for an error's text."""
        path = self._log_path()
        if not path.is_file():
            return "(it wrote no log)"
        lines = path.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:]) or "(its log is empty)"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The process id while it runs, as far as is known."""
        return self._pid()

    @abstractmethod
    def _launch(self) -> None:
        """Start the process on ``port`` with ``folder``; need not wait."""

    @abstractmethod
    def _pid(self) -> int | None:
        """The id of the process while it is alive."""

    @abstractmethod
    def _end(self, *, gently: bool) -> None:
        """End the process and wait for it."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server answers a request of its own protocol; must not raise for one that is not up yet."""

    def _log_path(self) -> Path:
        return self._folder / "server.log"

    def _choose_port(self) -> int:
        return free_port()

    @property
    def _folder(self) -> Path:
        if self.folder is None:
            raise StateError(f"{self.name} is not started.")
        return self.folder

    def _start_on_free_port(self) -> None:
        for attempt in range(1, PORT_CHOICES + 1):
            self.port = self._choose_port()
            try:
                self._launch_guarded()
            except TransientError:
                taken = "address" in (tail := self.log_tail().lower()) and "in use" in tail
                if not taken or attempt == PORT_CHOICES:
                    raise
            else:
                return

    def _launch_guarded(self) -> None:
        self._launch()
        pid = self._pid()
        if pid is not None and self._guard is not None:
            self._guard.add(pid)
        self._await_answer()

    def _end_guarded(self, *, gently: bool) -> None:
        pid = self._pid()
        self._end(gently=gently)
        if pid is not None and self._guard is not None:
            self._guard.forget(pid)

    def _await_answer(self) -> None:
        # It must be alive after the answer too: else another server may have answered on the port it did not get.
        if wait_until(lambda: self._pid() is None or self._answers(), START_SECONDS) and self._pid() is not None:
            return
        what = "ended at its start" if self._pid() is None else f"did not answer within {START_SECONDS:.0f} s"
        text = f"{self.name} on {self.address} {what}. The end of its log:\n{self.log_tail()}"
        self._end_guarded(gently=False)
        raise TransientError(text)


class ProcessServer(LocalServer):
    """A server that is one child process, run in the foreground with its output in ``server.log``."""

    def __init__(self) -> None:
        super().__init__()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _command(self) -> list[str]:
        """The program and its arguments."""

    def _launch(self) -> None:
        with self._log_path().open("wb") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=_plain_environment(),
                umask=0o077,
                # Ctrl-C in the terminal is for the owner, who then stops its servers in order.
                start_new_session=True,
            )

    def _pid(self) -> int | None:
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def _end(self, *, gently: bool) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM if gently else signal.SIGKILL)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _plain_environment() -> dict[str, str]:
    # The servers read settings from variables with common names, such as STORAGE_ENGINE: none of the user's may count.
    kept = ("PATH", "HOME", "TMPDIR", "JAVA_HOME")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C", "NO_COLOR": "1"}
