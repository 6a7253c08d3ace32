"""A process of ``logscry up``: the command line, which also ends when the supervisor is gone.

Run as ``python -m stream.child ARGUMENTS``; standard input is a pipe whose other end only the supervisor holds. The
operating system closes that end however the supervisor ends, SIGKILL included, and nothing is ever written to it.
"""

# Why a pipe: Linux could send a signal at the parent's death (PR_SET_PDEATHSIG), but that is set between fork and exec,
# which is not safe once the supervisor has threads; it is sent when the thread that forked ends; and macOS has none.

import os
import runpy
import signal
import sys
import threading
import time

from stream.supervisor import STOP_SECONDS

__all__ = ["end_with_supervisor"]


def end_with_supervisor() -> None:
    """Stop this process as the supervisor would, once standard input is at its end: SIGTERM, in the end SIGKILL."""
    # Not sys.stdin: its lock, held by a daemon thread, would break the interpreter's shutdown.
    os.read(0, 1)
    # Nobody reads the output any more; a failing write must not cut an orderly stop short.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    # To the main thread, so that it wakes up from whatever it waits for.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=end_with_supervisor, name="end-with-supervisor", daemon=True).start()
    sys.argv[0] = "logscry"
    runpy.run_module("logscry", run_name="__main__", alter_sys=True)
