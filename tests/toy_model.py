"""A small language of logs and a model of it, trained once a test run: two kinds of requests with a free step."""

import random
import tempfile
from functools import cache
from pathlib import Path

import torch

from model.artefact import Artefact
from model.content import WindowContent
from model.lines.key_rule import KeyRule
from model.scoring import Scorer
from stream.windowing.windows import WindowRule
from training.request import TrainingRequest
from training.train import train

__all__ = ["KEY", "RULE", "STEPS", "toy_artefact", "toy_events", "toy_lines", "toy_request", "toy_scorer", "toy_window"]

KEY = KeyRule(pattern=r"request=(\w+)")
RULE = WindowRule(size=16, hop=4, session_gap_ms=60_000)
STEPS = {
    "open": "gate opened for request={key}",
    "check": "ticket checked for request={key} in {number} ms",
    "seat": "seat {number} taken by request={key}",
    "snack": "snack sold to request={key}",
    "film": "film started for request={key}",
    "end": "film ended for request={key}",
    "leave": "door closed behind request={key}",
}
_NORMAL = ("open", "check", "seat", "film", "end", "leave")


def toy_lines(sessions: int, seed: int) -> list[str]:
    """Log lines of normal sessions, one after another; about half have a snack between seat and film."""
    chance = random.Random(seed)
    lines = []
    for number in range(sessions):
        steps = list(_NORMAL)
        if chance.random() < 0.5:
            steps.insert(3, "snack")
        for second, step in enumerate(steps):
            text = STEPS[step].format(key=f"k{seed}x{number}", number=chance.randint(1, 900))
            lines.append(
                f"2026-03-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.{second:03}Z INFO {text}"
            )
    return lines


def toy_request(folder: Path, sessions: int = 300, **changes: object) -> TrainingRequest:
    """A request to train on so many sessions for a few seconds."""
    logs = folder / "toy.log"
    logs.write_text("\n".join(toy_lines(sessions, seed=1)))
    options: dict[str, object] = {
        "inputs": (logs,),
        "output": None,
        "key": KEY,
        "rule": RULE,
        "epochs": 2_000,
        **changes,
    }
    return TrainingRequest(**options)  # type: ignore[arg-type]


@cache
def toy_artefact() -> Artefact:
    """The model of the toy language."""
    torch.set_num_threads(1)  # so small a model gains nothing from more, and they wait for each other when others work
    with tempfile.TemporaryDirectory() as folder:
        return train(toy_request(Path(folder)))


@cache
def toy_scorer() -> Scorer:
    """One scorer for all tests that need no fresh one."""
    return Scorer(toy_artefact())


@cache
def toy_events() -> dict[str, bytes]:
    """The event ID of each step."""
    words = {name: text.split("{", maxsplit=1)[0].split(" ")[0] for name, text in STEPS.items()}
    words["film"], words["end"] = "film started", "film ended"
    templates = list(toy_artefact().templates)
    return {name: next(t.event_id for t in templates if word in t.text) for name, word in words.items()}


def toy_window(*steps: str | bytes, starts: bool = True, final: bool = True) -> WindowContent:
    """A window of steps by name; bytes are taken as event IDs."""
    events = b"".join(step if isinstance(step, bytes) else toy_events()[step] for step in steps)
    return WindowContent(events, starts, final)
