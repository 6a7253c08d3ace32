"""logscry processes on a local stack: the same commands that an operator would run."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from deploy.embedded.guard import Guard
from deploy.embedded.ports import HOST, free_port, wait_until
from model.errors import TransientError

__all__ = ["Child", "Children"]

#: Loading torch and a model on two busy cores takes several seconds.
START_SECONDS = 90.0
STOP_SECONDS = 15.0

_REQUEST_SECONDS = 2.0
_TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Child:
    """A running process.

    Attributes:
        name: What it is called in messages.
        process: Its handle.
        log: Where its output goes.
        metrics_port: Where it serves ``/metrics`` and ``/healthz``; 0 where it does not.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    metrics_port: int

    def is_healthy(self) -> bool:
        """Whether ``/healthz`` says so."""
        try:
            return bool(self._get("/healthz"))
        except OSError:
            return False

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric over the labels that have the given values; 0.0 where the process has none of that name.

        Raises:
            TransientError: The process does not answer.
        """
        return sum(self.samples(name, **labels))

    def samples(self, name: str, **labels: str) -> list[float]:
        """The values of a metric, one for each of its labels that have the given values.

        Raises:
            TransientError: The process does not answer.
        """
        try:
            text = self._get("/metrics").decode()
        except OSError as error:
            raise TransientError(f"{self.name} does not answer on port {self.metrics_port}: {error}") from error
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return [each.value for each in samples if each.name == name and each.labels.items() >= labels.items()]

    def log_tail(self) -> str:
        """The end of what it wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])

    def _get(self, path: str) -> bytes:
        url = f"http://{HOST}:{self.metrics_port}{path}"
        with urllib.request.urlopen(url, timeout=_REQUEST_SECONDS) as answer:
            body: bytes = answer.read()
        return body


class Children:
    """Several processes that end with a ``with`` block, however it ends.

    Attributes:
        running: Those that were started.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        """Prepare; nothing is started yet.

        Args:
            folder: Where their output goes.
            settings: Their settings, as environment variables; none of the caller's own ``LOGSCRY_`` ones counts.
        """
        self.running: list[Child] = []
        self._started = 0
        self._folder = folder
        own = {name: value for name, value in os.environ.items() if not name.startswith("LOGSCRY_")}
        self._environment = own | dict(settings)
        self._guard = Guard()

    def start(self, *arguments: str) -> Child:
        """Start ``logscry ARGUMENTS`` with a free port for its metrics."""
        port = free_port(neighbours=8)  # `logscry up` gives its processes the ones above
        self._started += 1  # never a name twice, whichever have ended: it is their log's too
        name = f"{arguments[0]}-{self._started}"
        log = self._folder / f"{name}.log"
        child = Child(name, self._spawn(arguments, log, {"LOGSCRY_METRICS__PORT": str(port)}), log, port)
        self.running.append(child)
        self._guard.add(child.process.pid)
        return child

    def run(self, *arguments: str) -> None:
        """Run ``logscry ARGUMENTS`` to its end.

        Raises:
            TransientError: It failed; the text holds the end of its output.
        """
        log = self._folder / f"{arguments[0]}.log"
        process = self._spawn(arguments, log, {})
        self._guard.add(process.pid)
        if process.wait(START_SECONDS):
            tail = log.read_text(errors="replace")[-2000:]
            raise TransientError(f"logscry {' '.join(arguments)} failed. The end of its output:\n{tail}")

    def await_health(self) -> None:
        """Wait until all are healthy.

        Raises:
            TransientError: One ended, or is not healthy in time.
        """
        waiting = list(self.running)

        def all_healthy() -> bool:
            self.check()
            waiting[:] = [child for child in waiting if not child.is_healthy()]
            return not waiting

        if not wait_until(all_healthy, START_SECONDS):
            raise TransientError(
                f"{waiting[0].name} was not healthy within {START_SECONDS:.0f} s. The end of its output:\n"
                f"{waiting[0].log_tail()}"
            )

    def check(self) -> None:
        """Make sure that all still run.

        Raises:
            TransientError: One ended; the text holds the end of its output.
        """
        for child in self.running:
            code = child.process.poll()
            if code is not None:
                raise TransientError(
                    f"{child.name} ended with status {code}. The end of its output:\n{child.log_tail()}"
                )

    def stop(self) -> None:
        """End all with SIGTERM, and with SIGKILL those that are too slow."""
        for child in self.running:
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.running:
            _await_end(child.process, max(0.0, deadline - time.monotonic()))
            self._guard.forget(child.process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            # Whatever a second Ctrl-C left running ends here.
            self._guard.close()

    def _spawn(self, arguments: Sequence[str], log: Path, extra: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "logscry", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**self._environment, **extra},
                # Ctrl-C is for the demo, which then stops them in order.
                start_new_session=True,
            )


def _await_end(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
