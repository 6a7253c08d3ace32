"""Log files -> a trained model: read, mine, split, learn, calibrate, save."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

import orjson
import torch

from model.artefact import Artefact, WindowNumbers
from model.calibration import ALERT_BASE
from model.content import split_events
from model.events.templates import Templates
from model.familiarity import Familiar
from model.lines.formats import LineFormat
from model.network import MaskedEventBert, NetworkConfig, longest_for
from model.vocabulary import FIRST_EVENT, Vocabulary
from training.batches import WeightedWindows, stretches
from training.card import doubts, model_card
from training.checkpoint import Checkpoint
from training.corpus import Corpus
from training.cross_fitting import FEW_HELD_OUT, cross_fitted
from training.held_out import HeldOutScores, score_held_out
from training.loop import LoopPlan, fit
from training.machine import Machine, is_main_process, machine_of
from training.material import read_material
from training.pictures import training_pictures
from training.presets import preset_named
from training.pretrained import load_pretrained
from training.pretrained_source import DEFAULT_PRETRAINED, find_pretrained
from training.progress import Progress, SilentProgress
from training.reading import Wording
from training.request import TrainingRequest
from training.split import Split, further_splits, split_sessions
from training.writing import check_model_folder

__all__ = ["SESSIONS_AN_ALERT", "loop_plan", "train"]

#: Of so many normal sessions one may be alerted, where nobody sets a budget: people count sessions, not windows. Where
#: there are few keys it is pieces of them.
SESSIONS_AN_ALERT = 1000
#: Tokens of a window, on average, up to which a step takes as many windows as the preset says.
_USUAL_TOKENS = 66


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
