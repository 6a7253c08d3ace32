"""From a folder of logs to a model that serves, with nothing said: look, propose, train, calibrate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

from model.artefact import Artefact
from model.events.templates import Templates
from model.lines.parser import LineParser
from training.inspection.config_file import config_file, config_path, write_config
from training.inspection.inspection import Inspection
from training.inspection.proposal import proposed_rule
from training.inspection.survey import surveyed_gap
from training.log_files import LogFiles
from training.progress import Progress, SilentProgress
from training.request import TrainingRequest
from training.train import train

__all__ = ["LearnRequest", "learn"]


@dataclass(frozen=True, slots=True)
class LearnRequest:
    """What to learn from, and where to put it; the rest is proposed.

    Attributes:
        inputs: Log files, folders and globs of normal operation.
        output: The artefact's folder. The settings file is beside it.
        pretrained: Folder of a pretrained encoder, or its name on the hub: then the preset is ``transfer``.
        max_seconds: Bound on the learning itself.
        epochs: Passes over the windows; None leaves them to the preset.
        seed: Of the split, the weights, the order and the masks.
        alerts_per_10000_windows: Alert budget; None allows about one alert in 1,000 normal sessions.
    """

    inputs: Sequence[str]
    output: Path
    pretrained: str | Path | None = None
    max_seconds: float = inf
    seed: int = 0
    alerts_per_10000_windows: float | None = None
    epochs: int | None = None

    def __post_init__(self) -> None:
        self.training()  # what no training can use is refused before the look

    def training(self) -> TrainingRequest:
        """The training that is asked for, before anything is proposed."""
        return TrainingRequest(
            inputs=tuple(self.inputs),
            output=self.output,
            preset="test" if self.pretrained is None else "transfer",
            pretrained=self.pretrained,
            seed=self.seed,
            max_seconds=self.max_seconds,
            epochs=self.epochs,
            alerts_per_10000_windows=self.alerts_per_10000_windows,
            rekey=True,
        )


def learn(request: LearnRequest, inspection: Inspection, progress: Progress | None = None) -> Artefact:
    """Train with what an inspection proposes, and write the model and its settings file.

    Args:
        request: What to learn from.
        inspection: Of the same logs; what a person said to it holds here too.
        progress: Told how far it is.

    Returns:
        The model. It knows the key, so that ``logscry up`` needs no more options.

    Raises:
        ConfigurationError: The logs cannot be used, or a file cannot be written.
        ModelError: The artefact cannot be written.
    """
    progress = progress or SilentProgress()
    proposal = inspection.proposal
    if not inspection.sample.whole and proposal.key.names_a_key:
        parser = LineParser(proposal.line_format, Templates(inspection.templates, inspection.said.masks))
        gap = surveyed_gap(LogFiles(request.inputs), parser, proposal.key, progress)
        proposal = replace(proposal, rule=proposed_rule(proposal.key, gap))
    asked = request.training()
    training = replace(
        asked,
        key=proposal.key,
        lines=inspection.said.lines,
        masks=inspection.said.masks,
        preset=proposal.preset if request.pretrained is None else asked.preset,
        rule=proposal.rule,
    )
    artefact = train(training, progress)
    write_config(config_path(request.output), config_file(proposal, request.inputs, request.output))
    return artefact
