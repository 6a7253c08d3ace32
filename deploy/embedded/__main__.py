"""``python -m deploy.embedded``: a broker and a Redis to try things on, until Ctrl-C."""

import signal
import threading

from rich.console import Console

from deploy.embedded.stack import Stack

__all__ = ["main"]

TOPICS = {"logs": 4, "logs-raw": 1, "alerts": 1, "dead-letters": 1}


def main() -> None:
    """Start both, create the topics, print how to reach them, and wait."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Stack(TOPICS) as stack:
        console = Console(highlight=False, soft_wrap=True)
        console.print(f"export LOGSCRY_KAFKA__BOOTSTRAP_SERVERS={stack.kafka_address}")
        console.print(f"export LOGSCRY_REDIS__URL={stack.redis_url}")
        topics = ", ".join(f"{name} ({count})" for name, count in TOPICS.items())
        Console(stderr=True).print(f"Topics with their partitions: {topics}. Ctrl-C ends both servers.", style="dim")
        stop.wait()


if __name__ == "__main__":
    main()
