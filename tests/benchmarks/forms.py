"""How fast each form of the network scores: ``python -m tests.benchmarks.forms MODEL --help``.

The windows of HDFS's ``test.log.gz`` (size 64, hop 8) go through the scorer in batches of 256: the distinct ones, and
all as they come. Forms, measured in turns: *eager* (what serving runs), *compiled* (``torch.compile`` of the encoder),
*onnx* (the encoder in ONNX Runtime), *int8* (its linear layers quantised when they are used). Beside the speeds: how
far scores and decisions are from eager's. ONNX needs ``pip install onnx onnxscript onnxruntime``; what is not installed
is left out. The last line is one JSON object.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import torch
from rich.console import Console
from torch import Tensor, nn

from model.artefact import Artefact
from model.content import WindowContent
from model.network import MaskedEventBert
from model.scoring import Scorer
from tests.benchmarks.places import data_folder
from training.corpus import windows_of
from training.progress import SilentProgress
from training.score import ScoringRequest
from training.to_score import corpus_to_score

WINDOWS_A_BATCH = 256

console = Console(stderr=True)


class Form(NamedTuple):
    """A form of the network, and whether its encoder is there."""

    make: Callable[[MaskedEventBert, Path], MaskedEventBert]
    module: str | None = None


class Speed(NamedTuple):
    """One form's figures.

    Attributes:
        distinct: Distinct windows a second.
        as_they_come: Windows a second, repeated ones answered from memory.
        hits: Share of them that were.
        apart: Nats by which a score differs from eager's at most.
        same_decisions: Share of the distinct windows on the same side of the threshold as eager's.
    """

    distinct: float
    as_they_come: float
    hits: float
    apart: float
    same_decisions: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Windows a second of each form of a model's network.")
    parser.add_argument("model", type=Path, help="artefact of a training on HDFS's train.log.gz")
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder that holds hdfs/")
    parser.add_argument("--rounds", type=int, default=3, help="how often each form is measured")
    parser.add_argument("--threads", type=int, default=2, help="of torch and ONNX Runtime")
    parser.add_argument("--most", type=int, default=None, help="only so many windows")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    artefact = Artefact.load(given.model)
    windows = _windows(given.model, artefact, given.data / "hdfs" / "test.log.gz")[: given.most]
    there = {name: form for name, form in FORMS.items() if form.module is None or find_spec(form.module)}
    with TemporaryDirectory(prefix="logscry-bench-") as folder:
        networks = {name: _made(form, artefact, Path(folder)) for name, form in there.items()}
        speeds: dict[str, list[Speed]] = {name: [] for name in networks}
        for _ in range(given.rounds):
            for name, network in networks.items():
                speeds[name].append(_speed(artefact, network, windows))
                console.print(f"{name}: {speeds[name][-1]}")
    medians = {name: Speed(*map(median, zip(*rounds, strict=True))) for name, rounds in speeds.items()}
    print(json.dumps({name: speed._asdict() for name, speed in medians.items()}))  # noqa: T201 -- the result


def _windows(model: Path, artefact: Artefact, logs: Path) -> list[WindowContent]:
    request = ScoringRequest(model, (logs,))
    rule = request.rule_of(artefact)
    corpus = corpus_to_score(request.inputs, artefact, request.key_of(artefact), rule, SilentProgress())
    return [window for session in corpus.sessions for _, window in windows_of(session, rule)]


def _made(form: Form, artefact: Artefact, folder: Path) -> MaskedEventBert:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return form.make(artefact.network(), folder)


def _speed(artefact: Artefact, network: MaskedEventBert, windows: Sequence[WindowContent]) -> Speed:
    distinct = list(dict.fromkeys(windows))
    eager = Scorer(artefact).score(distinct)
    _timed(_scorer(artefact, network), distinct)  # compiling and first allocations are not what is measured
    rate, scores = _timed(_scorer(artefact, network), distinct)
    coming = _scorer(artefact, network)
    rate_coming, _ = _timed(coming, windows)
    pairs = list(zip(scores, eager, strict=True))
    apart = max(abs(one - other) for one, other in pairs)
    threshold = artefact.threshold
    same = sum((one > threshold) == (other > threshold) for one, other in pairs) / len(pairs)
    return Speed(rate, rate_coming, coming.hits / len(windows), apart, same)


def _scorer(artefact: Artefact, network: MaskedEventBert) -> Scorer:
    scorer = Scorer(artefact)
    scorer._network = network
    return scorer


def _timed(scorer: Scorer, windows: Sequence[WindowContent]) -> tuple[float, list[float]]:
    begin = time.monotonic()
    scores: list[float] = []
    for first in range(0, len(windows), WINDOWS_A_BATCH):
        scores += scorer.score(windows[first : first + WINDOWS_A_BATCH])
    return len(windows) / (time.monotonic() - begin), scores


def _eager(network: MaskedEventBert, _: Path) -> MaskedEventBert:
    return network


def _compiled(network: MaskedEventBert, _: Path) -> MaskedEventBert:
    network.encoder = cast("Any", torch.compile(network.encoder, dynamic=True))
    return network


def _int8(network: MaskedEventBert, _: Path) -> MaskedEventBert:
    network.encoder = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
        network.encoder, {nn.Linear}, torch.qint8
    )
    return network


def _onnx(network: MaskedEventBert, folder: Path) -> MaskedEventBert:
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    example = torch.zeros(2, 8, int(network.encoder.config.hidden_size)), torch.ones(2, 8, dtype=torch.long)
    path = folder / "encoder.onnx"
    torch.onnx.export(
        _States(network.encoder),
        example,
        path,
        input_names=["embedded", "attended"],
        output_names=["states"],
        dynamic_shapes=({0: batch, 1: length}, {0: batch, 1: length}),
        verbose=False,
    )
    network.encoder = cast("Any", _OnnxEncoder(path))
    return network


class _States(nn.Module):
    """The encoder with one tensor as its answer."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, embedded: Tensor, attended: Tensor) -> Tensor:
        states: Tensor = self.encoder(inputs_embeds=embedded, attention_mask=attended).last_hidden_state
        return states


class _OnnxEncoder(nn.Module):
    def __init__(self, path: Path) -> None:
        super().__init__()
        import onnxruntime  # type: ignore[import-not-found]  # noqa: PLC0415 -- only where it is installed

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def forward(self, inputs_embeds: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        given = {"embedded": inputs_embeds.numpy(), "attended": attention_mask.numpy()}
        [states] = self.session.run(None, given)
        return SimpleNamespace(last_hidden_state=torch.from_numpy(states))


FORMS: Mapping[str, Form] = {
    "eager": Form(_eager),
    "compiled": Form(_compiled),
    "int8": Form(_int8),
    "onnx": Form(_onnx, "onnxruntime"),
}


if __name__ == "__main__":
    main()
