"""Ending in order after SIGTERM or SIGHUP, as after Ctrl-C: what is half done is removed."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

__all__ = ["interruptible"]

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
#: Ends come in bursts: the kernel and the shell both tell of a terminal that is gone.
_BURST_SECONDS = 5.0


@contextmanager
def interruptible() -> Iterator[None]:
    """Have SIGTERM and SIGHUP leave the block by ``SystemExit``, with the status that a shell gives: 128 + number.

    Without it they end the process at once, and temporary files stay. What follows within seconds is the same end, and
    disturbs nobody who tidies up. A signal that is ignored, as under ``nohup``, stays so. Of several processes
    that train together the main one alone ends so.
    """
    if os.environ.get("RANK", "0") != "0":  # it writes nothing, and what ends it may wait for the others in vain
        yield
        return
    last = -inf

    def end(number: int, _frame: object) -> None:
        nonlocal last
        earlier, last = last, time.monotonic()
        if last - earlier > _BURST_SECONDS:
            raise SystemExit(128 + number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler is signal.SIG_DFL:
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
