"""Log files -> a trained model: read, mine, split, learn, calibrate, save."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from math import inf, isfinite, isinf
from pathlib import Path
from typing import Any

import orjson
import torch

from model.artefact import Artefact, WindowNumbers
from model.calibration import ALERT_BASE
from model.content import split_events
from model.errors import ConfigurationError
from model.events.own_masks import NO_OWN_MASKS, OwnMasks
from model.events.templates import Templates
from model.familiarity import Familiar
from model.lines.choice import FormatChoice
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from model.network import MaskedEventBert, NetworkConfig, longest_for
from model.vocabulary import FIRST_EVENT, Vocabulary
from stream.windowing.windows import WindowRule
from training.batches import WeightedWindows, stretches
from training.card import doubts, model_card
from training.checkpoint import Checkpoint
from training.corpus import Corpus
from training.cross_fitting import FEW_HELD_OUT, cross_fitted
from training.decision import check_decision
from training.held_out import HeldOutScores, score_held_out
from training.loop import LoopPlan, fit
from training.machine import Machine, is_main_process, machine_of
from training.material import Material, read_material
from training.pictures import training_pictures
from training.presets import preset_named
from training.pretrained import load_pretrained
from training.pretrained_source import DEFAULT_PRETRAINED, find_pretrained, name_of_pretrained
from training.progress import Progress, SilentProgress
from training.reading import Wording
from training.selection import KeySample, Selection
from training.split import Split, further_splits, split_sessions
from training.writing import check_model_folder

__all__ = ["DEFAULT_BUDGET", "SESSIONS_AN_ALERT", "TrainingRequest", "loop_plan", "train"]

#: Of so many normal sessions one may be alerted, where nobody sets a budget: people count sessions, not windows. Where
#: there are few keys it is pieces of them.
SESSIONS_AN_ALERT = 1000
#: The alert budget per 10,000 windows where nobody sets one: None leaves it to ``SESSIONS_AN_ALERT``.
DEFAULT_BUDGET: float | None = None
#: Tokens of a window, on average, up to which a step takes as many windows as the preset says.
_USUAL_TOKENS = 66
_MOST_EPOCHS = 1_000_000
#: Each process adds a little to the seed, and the sum is still to be one.
_MOST_SEED = 2**62


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What to train, from what, and where to put it.

    Attributes:
        inputs: Log files, folders and globs of normal operation, or preprocessed logs; ``.gz`` is unpacked.
        output: The artefact's folder; None writes nothing.
        key: Whose sequence a line belongs to; the default makes each file one key. Preprocessed logs have theirs.
        lines: What is said about how lines are written; what is not said is found out from a sample.
        masks: What varies in messages, beside what the built-in masks find; preprocessed logs have theirs.
        preset: A name of ``PRESETS``.
        pretrained: Folder of a pretrained encoder, or its name on the hub; None leaves it to the preset.
        layers: How many of its layers to keep; None leaves it to the preset.
        rule: How windows are cut.
        seed: Of the split, the weights, the order and the masks.
        epochs: How often training sees each distinct window, on average; None leaves it to the preset.
        max_seconds: Bound on the learning itself.
        held_out_share: Share of the keys to judge by.
        alerts_per_10000_windows: Alert budget that sets the threshold, where ``threshold`` does not; None allows
            about one alert in 1,000 normal sessions, however many windows they have.
        threshold: In nats; None takes the budget.
        max_files: Only the first so many files; None reads all.
        sample_ratio: Share of the keys to learn from, more than 0, at most 1.
        rekey: Whether ``logscry up`` gives lines their keys as ``key`` says where it is not told otherwise.
        resume: Whether to go on where an interrupted training with the same output stopped.
        device: ``cuda``, ``mps`` or ``cpu``; None takes the first of them that is there. Scoring is on the CPU.
    """

    inputs: tuple[str | Path, ...]
    output: Path | None
    key: KeyRule = KeyRule()  # noqa: RUF009 - frozen, so one for all does no harm
    lines: FormatChoice = FormatChoice()  # noqa: RUF009 - likewise
    masks: OwnMasks = NO_OWN_MASKS
    preset: str = "test"
    pretrained: str | Path | None = None
    layers: int | None = None
    rule: WindowRule = field(default_factory=WindowRule)
    seed: int = 0
    epochs: int | None = None
    max_seconds: float = inf
    held_out_share: float = 0.25
    alerts_per_10000_windows: float | None = DEFAULT_BUDGET
    threshold: float | None = None
    max_files: int | None = None
    sample_ratio: float = 1.0
    rekey: bool = False
    resume: bool = False
    device: str | None = None

    def __post_init__(self) -> None:
        preset = preset_named(self.preset)
        if self.pretrained is not None and not preset.takes_pretrained:
            raise ConfigurationError(
                f"the preset {self.preset!r} trains from scratch: leave --pretrained out, or choose --preset transfer."
            )
        if self.layers is not None and self.starts_from() is None:
            raise ConfigurationError(
                f"the preset {self.preset!r} trains from scratch here, and layers are those of a pretrained encoder: "
                "leave --layers out, or choose --preset transfer."
            )
        if not self.max_seconds > 0:
            raise ConfigurationError(f"max_seconds is {self.max_seconds}; it must be more than 0.")
        if self.epochs is not None and not 1 <= self.epochs <= _MOST_EPOCHS:
            raise ConfigurationError(f"epochs is {self.epochs}; allowed are 1 to {_MOST_EPOCHS:,}.")
        if not 0 <= self.seed <= _MOST_SEED:
            raise ConfigurationError(f"seed is {self.seed}; allowed are 0 to {_MOST_SEED}.")
        check_decision(self.threshold, self.alerts_per_10000_windows)
        self.selection()

    def starts_from(self) -> str | Path | None:
        """The folder of a pretrained encoder, or its name on the hub; None starts from scratch."""
        needs_one = preset_named(self.preset).encoder is None
        return DEFAULT_PRETRAINED if needs_one and self.pretrained is None else self.pretrained

    def selection(self) -> Selection:
        """What to read."""
        return Selection(self.inputs, self.max_files, KeySample(self.sample_ratio))

    def of(self, material: Material) -> "TrainingRequest":
        """The request with what preprocessed logs decided."""
        rule = replace(self.rule, session_gap_ms=material.session_gap_ms)
        return replace(self, key=material.key, rule=rule, sample_ratio=material.sample.ratio)

    def to_json(self) -> dict[str, Any]:
        """The settings that the artefact remembers; no paths of this machine."""
        pretrained = self.starts_from()
        return {
            "preset": self.preset,
            "key": self.key.to_json(),
            "rekey": self.rekey,
            "layers": self.layers,
            "seed": self.seed,
            "epochs": self.epochs,
            "max_seconds": None if isinf(self.max_seconds) else self.max_seconds,
            "held_out_share": self.held_out_share,
            "alerts_per_10000_windows": self.alerts_per_10000_windows,
            "pretrained": name_of_pretrained(pretrained) if pretrained else None,
            "sample_ratio": self.sample_ratio,
        }


def train(request: TrainingRequest, progress: Progress | None = None) -> Artefact:
    """Train a model of normal operation from log files or preprocessed logs, without labels, and save it.

    Processes that ``accelerate launch`` or ``torchrun`` started train it together; the main one alone writes and notes.

    Args:
        request: What to train.
        progress: Told how far it is.

    Returns:
        The artefact, as it was saved.

    Raises:
        ConfigurationError: The request or the logs cannot be used; the text says what to change.
        ModelError: The artefact cannot be written.
    """
    preset = preset_named(request.preset)
    if request.output is not None and is_main_process():
        check_model_folder(request.output)
    with machine_of(request.device, half_precision=preset.for_gpus) as machine:
        progress = progress if progress is not None and machine.main else SilentProgress()
        if preset.for_gpus and machine.device.type == "cpu":
            progress.note(f"the preset {preset.name} is made for GPUs; on this machine's CPU it takes very long.")
        return _train(request, machine, progress)


def _train(request: TrainingRequest, machine: Machine, progress: Progress) -> Artefact:
    start = _start(request, progress)  # before hours of reading
    said = Wording(request.lines, request.masks)
    material = read_material(request.selection(), request.key, said, request.rule, progress)
    request, corpus, templates = request.of(material), material.corpus, material.templates
    split = split_sessions(corpus.sessions, request.rule, request.held_out_share, request.seed)
    if split.by_time:
        progress.note(
            "there are few keys, so the end of each session is held out instead of whole keys; starts and ends of "
            "sessions will not count, as there are too few to learn from."
        )
    vocabulary = Vocabulary.of(event for session in corpus.sessions for event in split_events(session.events))
    network = _new_network(request, start, vocabulary, templates)
    training = WeightedWindows.of(split.training, vocabulary)
    held_out = WeightedWindows.of(split.held_out_windows, vocabulary)
    plan = loop_plan(request, training, machine, network.config.longest)
    checkpoint = _checkpoint(request, network, corpus, plan)
    further = _further_splits(request, split, corpus, progress)
    plan = replace(plan, checkpoint=checkpoint, max_seconds=request.max_seconds / (1 + len(further)))
    history = fit(network, training, held_out, plan, progress)
    history.further = len(further)

    def new_network() -> MaskedEventBert:
        return _new_network(request, start, vocabulary, templates)

    others = cross_fitted(further, vocabulary, new_network, plan, progress) if further else ()
    scores = score_held_out(network, vocabulary, split, others)
    artefact = _assemble(request, (material.line_format, templates, vocabulary), network, corpus, (split, scores))
    for doubt in doubts(artefact):
        progress.note(doubt)
    if request.output is not None and machine.main:
        pictures = training_pictures(history, artefact.calibration, artefact.threshold)
        artefact.save(request.output, {"README.md": model_card(artefact, history), **pictures})
    if checkpoint is not None and machine.main:
        checkpoint.remove()
    return artefact


def _further_splits(request: TrainingRequest, split: Split, corpus: Corpus, progress: Progress) -> Sequence[Split]:
    """The splits of further networks, where too few sessions are held out to tell what normal ones score."""
    if len(split.held_out) >= FEW_HELD_OUT or request.threshold is not None:
        return ()
    further = further_splits(corpus.sessions, request.rule, request.held_out_share, request.seed)
    if further:
        progress.note(
            f"{len(split.held_out)} sessions are held out, too few to tell what normal ones score; so "
            f"{len(further)} more networks are trained, each with others held out and about as long as the first, "
            "until all sessions are judged."
        )
        if isfinite(request.max_seconds):
            progress.note(f"each of the {1 + len(further)} networks has an equal share of the time.")
    return further


def _start(request: TrainingRequest, progress: Progress) -> Path | Mapping[str, Any]:
    """The folder of a pretrained encoder, or the encoder to build from scratch."""
    name, from_scratch = request.starts_from(), preset_named(request.preset).encoder
    if name is None and from_scratch is not None:
        return from_scratch
    return find_pretrained(name or DEFAULT_PRETRAINED, progress)


def _new_network(
    request: TrainingRequest, start: Path | Mapping[str, Any], vocabulary: Vocabulary, templates: Templates
) -> MaskedEventBert:
    torch.manual_seed(request.seed)
    if not isinstance(start, Path):
        return MaskedEventBert(NetworkConfig(len(vocabulary), start, longest=longest_for(start)))
    preset, pretrained = preset_named(request.preset), load_pretrained(start)
    texts = {template.event_id: template.text for template in templates}
    readings = pretrained.read_texts([texts.get(event, "") for event in vocabulary.events])  # (events, C)
    encoder = pretrained.to_event_encoder(preset.layers if request.layers is None else request.layers)
    settings = pretrained.encoder_settings()
    config = NetworkConfig(len(vocabulary), settings, readings.shape[1], longest_for(settings))
    network = MaskedEventBert(config, encoder)
    network.set_text_readings(torch.cat([torch.zeros(FIRST_EVENT, readings.shape[1]), readings]))
    return network


def _checkpoint(
    request: TrainingRequest, network: MaskedEventBert, corpus: Corpus, plan: LoopPlan
) -> Checkpoint | None:
    """Where the training keeps how far it is; beside its output, if it has one."""
    if request.output is None:
        return None
    settings = {name: value for name, value in request.to_json().items() if name != "max_seconds"}
    pace = (plan.steps, plan.batch_windows, plan.longest, plan.learning_rate)
    decisive = [settings, asdict(request.rule), corpus.fingerprint(), network.config.to_json(), pace]
    training = sha256(orjson.dumps(decisive, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return Checkpoint(Checkpoint.path_beside(request.output), training, request.resume)


def loop_plan(request: TrainingRequest, training: WeightedWindows, machine: Machine, longest: int) -> LoopPlan:
    """How long and how fast to train on these windows, or on stretches of ``longest`` tokens, as the preset says."""
    preset = preset_named(request.preset)
    count = sum(stretches(window, longest) for window in training.windows)
    tokens = sum(map(len, training.windows)) / count
    # Fewer where they are long, so that a step takes as long as elsewhere.
    batch_windows = min(preset.batch_windows, int(preset.batch_windows * _USUAL_TOKENS / tokens))
    wanted = int((request.epochs or preset.passes) * count / (batch_windows * machine.processes))
    fewest, most = preset.steps
    steps = max(1, wanted) if request.epochs else min(max(wanted, fewest), most)
    return LoopPlan(
        steps=steps,
        batch_windows=batch_windows,
        longest=longest,
        learning_rate=preset.learning_rate,
        max_seconds=request.max_seconds,
        evaluate_every=max(1, steps // 15),
        seed=request.seed,
        machine=machine,
    )


def _assemble(
    request: TrainingRequest,
    words: tuple[LineFormat, Templates, Vocabulary],
    network: MaskedEventBert,
    corpus: Corpus,
    judged: tuple[Split, HeldOutScores],
) -> Artefact:
    line_format, templates, vocabulary = words
    split, held_out = judged
    return Artefact(
        line_format=line_format,
        templates=templates,
        vocabulary=vocabulary,
        network_config=network.config,
        weights={name: value.detach() for name, value in network.state_dict().items()},
        familiar=Familiar.of([*split.training, *split.held_out_windows]),  # what was held out was normal too
        combination=held_out.combination,
        calibration=held_out.windows,
        threshold=_threshold(request, held_out),
        marks=not split.by_time,
        rule=WindowNumbers(request.rule.size, request.rule.hop, request.rule.session_gap_ms),
        settings=request.to_json(),
        fingerprint=corpus.fingerprint(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _threshold(request: TrainingRequest, held_out: HeldOutScores) -> float:
    if request.threshold is not None:
        return request.threshold
    if request.alerts_per_10000_windows is not None:
        return held_out.windows.threshold_for(request.alerts_per_10000_windows)
    return held_out.sessions.threshold_for(ALERT_BASE / SESSIONS_AN_ALERT)
