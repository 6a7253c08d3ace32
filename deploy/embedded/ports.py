"""Ports of the loopback address, and waiting for what is behind them."""

import secrets
import socket
import time
from collections.abc import Callable

__all__ = ["HOST", "accepts_connections", "free_port", "wait_until"]

HOST = "127.0.0.1"

_POLL_SECONDS = 0.02

_LOWEST, _PORTS = 20_000, 12_000


def free_port(neighbours: int = 0, step: int = 1) -> int:
    """A port of 127.0.0.1 that is free now, as are ``neighbours`` more above it, ``step`` apart.

    It is below those that a system gives to outgoing connections: one of them could take it before it is used.
    """
    while True:
        port = _LOWEST + secrets.randbelow(_PORTS)
        if all(_is_free(port + step * n) for n in range(neighbours + 1)):
            return port


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask ``condition`` again and again until it holds or ``seconds`` have passed; returns whether it held."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(_POLL_SECONDS)
    return condition()


def accepts_connections(address: str) -> bool:
    """Whether something listens on ``host:port``."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1.0):
            return True
    except OSError:
        return False


def _is_free(port: int) -> bool:
    try:
        with socket.socket() as probe:
            probe.bind((HOST, port))
    except (OSError, OverflowError):
        return False
    return True
