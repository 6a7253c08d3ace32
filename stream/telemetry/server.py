"""One small HTTP server for operators: ``/metrics`` for Prometheus, ``/healthz`` for whoever restarts processes."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from model.errors import ConfigurationError, LogscryError
from stream.setting_groups import MetricsSettings

__all__ = ["Heartbeat", "OperatorServer", "serve"]

Health = Callable[[], Sequence[str]]
"""Returns what is wrong, a sentence each; nothing when all is well."""

_REQUEST_SECONDS = 10.0

#: How soon a stopped server notices.
_STOP_SECONDS = 0.1


class Heartbeat:
    """Health of a loop: it is unwell when it has not turned for too long.

    Args:
        what: Names the loop in the sentence.
        limit_seconds: The longest turn that is still healthy.
        clock: Seconds that never go back.
    """

    def __init__(self, what: str, limit_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._last = clock()

    def beat(self) -> None:
        """Say that the loop turns."""
        self._last = self._clock()

    def __call__(self) -> list[str]:
        """Return the problem, if there is one."""
        silent = self._clock() - self._last
        if silent <= self._limit_seconds:
            return []
        return [f"{self._what} has not turned for {silent:.0f} s; more than {self._limit_seconds:.0f} s is too long."]


class OperatorServer:
    """Serves metrics and health on one address until it is stopped.

    Args:
        registry: The metrics.
        health: Asked at each ``/healthz``; it must answer at once.
        host: Address to bind.
        port: Port to bind; 0 takes a free one.

    Attributes:
        port: The port that is bound.

    Raises:
        ConfigurationError: The address cannot be bound.
    """

    def __init__(self, registry: CollectorRegistry, health: Health, host: str, port: int) -> None:
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            self._server = _server_class(family)((str(address[0]), port), _handler_class(registry, health))
        except (OSError, ValueError) as error:  # ValueError: no name service takes it, such as a name of 64 letters
            why = getattr(error, "strerror", None) or error
            raise ConfigurationError(
                f"metrics.host (LOGSCRY_METRICS__HOST) is {host!r} and metrics.port (LOGSCRY_METRICS__PORT) is {port}; "
                f"they cannot be bound: {why}. Allowed is a free port on an address of this "
                "machine; port 0 serves no metrics."
            ) from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_STOP_SECONDS,), name="operator-server", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serve(settings: MetricsSettings, registry: CollectorRegistry, health: Health) -> Iterator[OperatorServer | None]:
    """Serve metrics and health while the block lasts; nothing where the port is 0.

    Raises:
        ConfigurationError: The port is taken, or the host is no address of this machine.
    """
    if settings.port == 0:
        yield None
        return
    with OperatorServer(registry, health, settings.host, settings.port) as server:
        yield server


def _server_class(family: int) -> type[ThreadingHTTPServer]:
    class Server(ThreadingHTTPServer):
        address_family = family
        daemon_threads = True

        def server_bind(self) -> None:
            # Not HTTPServer's: it asks the name service for its own name, which can take seconds.
            socketserver.TCPServer.server_bind(self)
            self.server_name, self.server_port = "logscry", self.server_address[1]

    return Server


def _handler_class(registry: CollectorRegistry, health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _REQUEST_SECONDS
        server_version = "logscry"
        sys_version = ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                self._answer(HTTPStatus.OK, encode(registry), content_type)
            elif path == "/healthz":
                problems = _problems(health)
                status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
                self._answer(status, ("\n".join(problems or ["ok"]) + "\n").encode())
            else:
                self._answer(HTTPStatus.NOT_FOUND, b"There are /metrics and /healthz.\n")

        def _answer(self, status: HTTPStatus, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log no requests: Prometheus and the health check ask every few seconds."""

    return Handler


def _problems(health: Health) -> Sequence[str]:
    try:
        return health()
    except LogscryError as error:
        return [str(error)]
