"""``python -m deploy.demo.send HOST:PORT``: sends the lines of standard input to a running demo."""

import re
import sys
from collections.abc import Iterable, Iterator

from deploy.demo.exchange import Exchange, now_ms
from deploy.demo.shop import TRACE_PATTERN, Line, iso_time
from model.errors import LogscryError, RecordError

__all__ = ["own_lines"]


def own_lines(texts: Iterable[str], time_ms: int) -> Iterator[Line]:
    """Give each line the key that stands in it, and a time before it.

    Args:
        texts: Lines such as ``INFO payment [00000000c0ffee00] the vault is open``.
        time_ms: Their time, in milliseconds since 1970.

    Raises:
        RecordError: A line has no trace id.
    """
    for text in filter(None, map(str.strip, texts)):
        found = re.search(TRACE_PATTERN, text)
        if found is None:
            raise RecordError("no-key", "a line needs a trace id in brackets, such as [00000000c0ffee00].")
        yield Line(found[1], time_ms, f"{iso_time(time_ms)} {text}")


def main() -> int:
    """Send and report; returns the exit status."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and one argument
        sys.stderr.write("use: python -m deploy.demo.send HOST:PORT < LINES\n")
        return 2
    try:
        with Exchange(sys.argv[1]) as exchange:
            for line in own_lines(sys.stdin, now_ms()):
                exchange.send(line)
            exchange.flush()
            sys.stdout.write(f"{exchange.sent} sent\n")
    except LogscryError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
