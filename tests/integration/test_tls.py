"""TLS to ports that do not speak it, or cannot be trusted: clients say so soon, and do not wait for ever."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from model.errors import KafkaAwayError
from stream.consumers.clients import new_admin, new_consumer, new_producer, reading_consumer
from stream.settings import KafkaSettings, load_settings

BOUND_SECONDS = 15.0

CLIENTS: dict[str, Callable[[KafkaSettings], Any]] = {
    "consumer": lambda settings: new_consumer(settings, "group", 1),
    "reader": reading_consumer,
    "producer": lambda settings: new_producer(settings, 1 << 20),
    "admin": new_admin,
}


@contextmanager
def listening(said: bytes = b"") -> Iterator[tuple[int, list[socket.socket]]]:
    """A port that takes connections and says the same to each; its number, and the connections."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            with suppress(OSError):  # the listener is shut down: the test is over
                while True:
                    taken.append(listener.accept()[0])
                    taken[-1].sendall(said)

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield listener.getsockname()[1], taken
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in taken:
                connection.close()


def of_port(port: int, protocol: str, **named: str) -> KafkaSettings:
    """Settings for a port of this machine."""
    where = {"kafka.bootstrap_servers": f"127.0.0.1:{port}", "kafka.security_protocol": protocol}
    return load_settings(None, {**where, **{f"kafka.{name}": value for name, value in named.items()}}).kafka


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of this machine that signs itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("the program openssl is not there to make a certificate")
    made, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=here", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", *kind, "-keyout", key, "-out", made], check=True, capture_output=True)
    return made, key


@contextmanager
def listening_with_tls(certificate: tuple[Path, Path]) -> Iterator[tuple[int, list[bytes]]]:
    """A port that shakes hands and then is silent; its number, and what each client said first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    heard: list[bytes] = []
    with listening() as (port, taken):
        over = threading.Event()

        def shake() -> None:
            while not over.wait(0.01):
                while taken:
                    connection = taken.pop()
                    connection.settimeout(BOUND_SECONDS)
                    with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                        heard.append(secured.recv(1 << 16))
                        secured.recv(1)  # until the client hangs up

        thread = threading.Thread(target=shake)
        thread.start()
        try:
            yield port, heard
        finally:
            over.set()
            thread.join()


@pytest.mark.timeout(60)
def test_a_certificate_that_is_not_trusted_is_named(certificate: tuple[Path, Path]):
    """It is not the protocol that is at fault, nor a last try that was too short."""
    with (
        listening_with_tls(certificate) as (port, heard),
        pytest.raises(KafkaAwayError, match=f"the certificate of 127.0.0.1:{port} cannot be trusted: self-signed"),
    ):
        reading_consumer(of_port(port, "SSL"))
    assert not any(heard)


@pytest.mark.timeout(60)
def test_a_port_with_a_certificate_that_is_trusted_is_spoken_to(certificate: tuple[Path, Path]):
    """Behind the handshake comes Kafka's protocol; a broker that is silent then is not said to speak no TLS."""
    with (
        listening_with_tls(certificate) as (port, heard),
        pytest.raises(KafkaAwayError, match="Unable to bootstrap") as caught,
    ):
        reading_consumer(of_port(port, "SSL", ssl_cafile=str(certificate[0])))
    assert b"logscry" in heard[0]
    assert "TLS" not in str(caught.value)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.timeout(60)
def test_a_port_that_is_silent_is_said_to_speak_no_tls(client: str):
    """It is the connection that is given up, within seconds."""
    with listening() as (port, taken):
        began = time.monotonic()
        with pytest.raises(KafkaAwayError, match=f"127.0.0.1:{port} does not answer TLS: it is silent. Does this port"):
            CLIENTS[client](of_port(port, "SSL"))
        assert time.monotonic() - began < BOUND_SECONDS
        for connection in taken:  # the client has hung up: what it said ends
            connection.settimeout(BOUND_SECONDS)
            while connection.recv(1 << 16):
                pass
        assert taken


@pytest.mark.timeout(60)
def test_a_port_that_speaks_something_else_is_said_to_speak_no_tls():
    """What OpenSSL says of the answer is in the sentence."""
    with (
        listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (port, _),
        pytest.raises(KafkaAwayError, match=f"127.0.0.1:{port} does not answer TLS: it answers with .*SSL"),
    ):
        reading_consumer(of_port(port, "SSL"))


@pytest.mark.timeout(60)
def test_a_port_that_is_silent_without_tls_is_not_said_to_be_at_fault_with_tls():
    """The sentence is for those who asked for TLS."""
    with listening() as (port, _), pytest.raises(KafkaAwayError, match="Unable to bootstrap") as caught:
        reading_consumer(of_port(port, "PLAINTEXT"))
    assert "TLS" not in str(caught.value)
