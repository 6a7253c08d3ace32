"""Teaches a small model what the shop's logs look like when nothing is wrong."""

from pathlib import Path

from rich.console import Console

from deploy.demo.options import DemoOptions
from deploy.demo.shop import TRACE_PATTERN, normal_sessions
from model.artefact import Artefact
from model.lines.key_rule import KeyRule
from stream.windowing.windows import WindowRule
from training.progress import RichProgress
from training.request import TrainingRequest
from training.train import train

__all__ = ["RULE", "learn"]

#: Every line is judged when it comes. A request has at most about 30, and is never silent for a second: after three it
#: has ended.
RULE = WindowRule(size=32, hop=1, session_gap_ms=3_000)

#: The stream has another seed than the training, whatever the user chooses.
_TRAINING_SEED = 1_000_003

#: About 10 s on two free cores; a busy machine gets a model that has learnt less instead of a demo that takes longer.
_MAX_TRAINING_SECONDS = 60.0


def learn(options: DemoOptions, folder: Path, console: Console) -> Artefact:
    """Write sample logs, train on them, and save the model as ``folder/model``.

    Args:
        options: How many requests to learn from.
        folder: Where the logs and the model go.
        console: Where the progress is shown.
    """
    logs = folder / "shop.log"
    lines = normal_sessions(options.training_sessions, _TRAINING_SEED + options.seed)
    logs.write_text("".join(f"{line.text}\n" for line in lines))
    request = TrainingRequest(
        inputs=(logs,),
        output=folder / "model",
        key=KeyRule(pattern=TRACE_PATTERN),
        preset="test",
        rule=RULE,
        max_seconds=_MAX_TRAINING_SECONDS,
    )
    console.print(f"  {len(lines):,} lines of {options.training_sessions:,} requests, all normal, no labels")
    with RichProgress(console) as progress:
        return train(request, progress)
