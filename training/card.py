"""The model card: what a trained model is, for the person who finds its folder."""

from model.artefact import Artefact
from training.loop import History

__all__ = ["model_card"]

_CARD = """# A logscry model

Version `{version}`, trained {created} with the preset `{preset}`. Scores windows of log events; a higher score is more
anomalous.

## What it learnt from
{sessions:,} sessions with {events:,} events from {lines:,} log lines in {files}, taken to be normal; no labels.
{templates} templates. {held_out}

## How it is used
| | |
|---|---|
| window | the last {size} events of a key, cut every {hop} events and at the session's end |
| session gap | {gap_seconds:g} s |
| threshold | {threshold:.4f} nats |
| expected alerts per 10,000 normal windows | {expected:.2f} |

{doubts}
![How often each score occurs](scores.png)
![Expected alerts at each threshold](alerts.png)

## How it learnt
{parameters:.1f} million parameters, {steps} steps in {fact}{estimate}. The weights are those of step {best_step}, where
the held-out loss was lowest: {loss:.4f} nats an event.

![The losses](loss.png)

## Limits
It knows the normal of its training logs alone. New releases, new hardware or other load are new to it: train again
when templates or habits change. An alert says that something is unusual, not that it is harmful.
"""


def doubts(artefact: Artefact) -> list[str]:
    """What a person should know before trusting a trained model's threshold; nothing where all is clear."""
    found = []
    if artefact.combination.surprise_is_usual:
        found.append(
            "half of the normal windows hold an event that the network gave less than 1 in 100: single surprises tell "
            "little here, so a window's score is its mean surprisal, and how far its kinds of events are from "
            "those of training. Longer training (--epochs) may change that."
        )
    if warning := artefact.calibration.warning(artefact.threshold):
        found.append(warning)
    return found


def model_card(artefact: Artefact, history: History) -> bytes:
    """Write the README of an artefact folder."""
    facts, calibration = artefact.fingerprint, artefact.calibration
    text = _CARD.format(
        version=artefact.version,
        created=artefact.created,
        preset=artefact.settings["preset"],
        sessions=facts["sessions"],
        events=facts["events"],
        lines=facts["lines"],
        files="1 file" if len(facts["files"]) == 1 else f"{len(facts['files']):,} files",
        templates=len(artefact.templates),
        held_out=_held_out(calibration.windows, history.further),
        size=artefact.rule.size,
        hop=artefact.rule.hop,
        gap_seconds=artefact.rule.session_gap_ms / 1000,
        threshold=artefact.threshold,
        expected=calibration.expected_alerts(artefact.threshold),
        doubts="".join(f"**Note:** {doubt}\n\n" for doubt in doubts(artefact)),
        steps=history.training[-1][0] if history.training else 0,
        parameters=history.parameters / 1e6,
        fact=history.fact,
        estimate=f"; at most {history.estimate}, it was estimated at the start" if history.estimate else "",
        best_step=history.best_step,
        loss=history.best_loss,
    )
    return text.encode()


def _held_out(windows: int, further: int) -> str:
    if not further:
        return f"{windows:,} windows of other sessions were held out to judge by."
    return (
        f"Few sessions were held out, so {further} more networks were trained, each about as long as this one, with\n"
        f"others held out; the threshold rests on {windows:,} windows, each judged by a network that had not seen it."
    )
