"""Synthetic logs for the tests of inspection: requests that overlap, hosts that come back."""

import json
import random
from pathlib import Path

__all__ = ["STEPS", "json_lines", "request_lines", "requests", "written"]

STEPS = (
    "gateway took the order",
    "cart was loaded",
    "payment was asked for",
    "payment came",
    "parcel was packed",
    "mail was sent",
)

#: Time in ms, key, number of the step.
Row = tuple[int, str, int]


def requests(count: int, seed: int = 1, *, pause_ms: int = 40) -> list[Row]:
    """Requests of six steps, the fifth of which is sometimes missing; some ten run at once, in the order of time."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for number in range(count):
        time_ms = number * pause_ms + chance.randrange(pause_ms)
        key = f"{chance.getrandbits(64):016x}"
        for step in range(len(STEPS)):
            if step != 4 or chance.random() < 0.7:
                rows.append((time_ms, key, step))
                time_ms += chance.randrange(20, 150)
    return sorted(rows)


def request_lines(rows: list[Row]) -> list[str]:
    """The rows as text, the key in brackets."""
    return [f"{_time(time_ms)} INFO shop [{key}] {STEPS[step]} in {time_ms % 90} ms" for time_ms, key, step in rows]


def json_lines(rows: list[Row]) -> list[str]:
    """The rows as objects, the key in a nested field, among fields that are no keys."""
    return [
        json.dumps(
            {
                "ts": _time(time_ms),
                "level": "info",
                "service": f"service-{step}",
                "context": {"request_id": key, "sampled": True},
                "build": 17,
                "msg": f"{STEPS[step]} in {time_ms % 90} ms",
            }
        )
        for time_ms, key, step in rows
    ]


def written(folder: Path, lines: list[str], name: str = "app.log") -> str:
    """Write a log file and give its path."""
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def _time(time_ms: int) -> str:
    minutes, rest = divmod(time_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"2026-03-01T{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}Z"
