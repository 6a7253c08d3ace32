"""Stopping within a few seconds of SIGTERM or Ctrl-C, whatever the servers do."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

__all__ = ["FORCED_EXIT", "STOP_SECONDS", "StoppedWhileWaiting", "stopping"]

log = structlog.get_logger()

STOP_SECONDS = 4.0
"""How long a process may take leave of its servers."""

FORCED_EXIT = 3
"""The exit status of a process that took longer. It has lost nothing: a crash at any moment loses nothing."""


class StoppedWhileWaiting(SystemExit):
    """The process was stopped before its servers answered."""


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set; a second Ctrl-C ends the process at once.

    The block then comes to its end if it can, and with it the process. Some calls of libraries cannot be cut short when
    a server neither answers nor goes away, so a process that still runs after `STOP_SECONDS` is ended.
    """
    stop = threading.Event()

    def request_stop(number: int, _frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, request_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with _watch():
            yield stop
    except StoppedWhileWaiting:
        pass  # the end that was asked for, before anything had begun
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stop.is_set():
        # The interpreter would take seconds to take torch apart, and free only what the system frees anyway.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


@contextmanager
def _watch() -> Iterator[None]:
    """Have a thread notice signals: Python's own handlers wait until the main thread is back from the call it is in."""
    noticed, signalled = os.pipe()
    os.set_blocking(signalled, False)
    threading.Thread(target=_end_in_time, args=(noticed,), name="stop-watch", daemon=True).start()
    signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        os.close(signalled)


def _end_in_time(noticed: int) -> None:
    if not os.read(noticed, 1):  # closed without a signal: the process ends by itself
        os.close(noticed)
        return
    time.sleep(STOP_SECONDS)
    try:
        log.warning("stop_forced", seconds=STOP_SECONDS)
    finally:
        os._exit(FORCED_EXIT)
