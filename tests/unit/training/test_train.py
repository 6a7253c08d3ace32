"""Training, scoring and judging, from files to files."""

import json
from collections import Counter
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.artefact import Artefact
from model.errors import ConfigurationError, ModelError
from model.lines.key_rule import KeyRule
from model.network import MAX_TOKENS, MaskedEventBert, NetworkConfig, longest_for, small_encoder
from model.surprisal import surprisals
from model.vocabulary import BOS, EOS, FIRST_EVENT, MASK, PAD
from tests.toy_model import STEPS, toy_artefact, toy_lines, toy_request
from training.batches import BatchSource, WeightedWindows, mask_for_training
from training.card import doubts, model_card
from training.evaluate import EvaluationRequest, evaluate
from training.loop import History, LoopPlan, fit
from training.machine import Machine
from training.measures import area_under_curve
from training.presets import PRESETS
from training.progress import SilentProgress
from training.report import evaluation_table
from training.request import TrainingRequest
from training.score import ScoringRequest, score_files
from training.train import loop_plan, train

#: Of a toy session of six or seven steps: one after four of them, and the final one.
WINDOWS_A_SESSION = 2
WINDOWS = WeightedWindows([(BOS, 5, 6, 7, EOS), (BOS, 5, 7, 6, EOS), (5, 6)], [5, 3, 1])


class _EndsIn(SilentProgress):
    """Ends the command when a stage begins."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        self._stage = stage

    def begin(self, stage: str, total: int | None) -> None:  # noqa: ARG002 -- as the protocol says
        if stage == self._stage:
            raise KeyboardInterrupt


def _network() -> MaskedEventBert:
    torch.manual_seed(0)
    return MaskedEventBert(NetworkConfig(8, small_encoder(32, 1, 2)))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A saved model of the toy language."""
    toy_artefact().save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def faulty(tmp_path: Path) -> tuple[Path, Path]:
    """20 normal requests, 10 in which no seat was taken, and their labels."""
    lines = toy_lines(20, seed=8)
    lines += [line for line in toy_lines(10, seed=9) if "seat" not in line]
    logs, labels = tmp_path / "faulty.log", tmp_path / "labels.csv"
    logs.write_text("\n".join(lines))
    rows = [f"k8x{i},0" for i in range(20)] + [f"k9x{i},1" for i in range(10)] + ["absent,1"]
    labels.write_text("key,label\n" + "\n".join(rows) + "\n")
    return logs, labels


def test_training_makes_hidden_events_easier_to_guess() -> None:
    """A few steps lower the held-out loss, and the best weights are kept."""
    network = _network()
    history = fit(network, WINDOWS, WINDOWS, LoopPlan(steps=40, batch_windows=8, evaluate_every=10), SilentProgress())

    assert history.best_loss < history.held_out[0][1]
    assert not network.training


def test_the_same_seed_gives_the_same_weights() -> None:
    """Two trainings agree in every number; another seed does not."""
    plans = [LoopPlan(steps=5, batch_windows=4, evaluate_every=5, seed=seed) for seed in (1, 1, 2)]
    networks = []
    for plan in plans:
        networks.append(_network())
        torch.manual_seed(plan.seed)  # dropout
        fit(networks[-1], WINDOWS, WINDOWS, plan, SilentProgress())
    first, second, third = (surprisals(network, WINDOWS.windows) for network in networks)

    assert first == second
    assert first != third


def test_training_stops_when_nothing_gets_better() -> None:
    """With no learning at all it stops after the patience is used up."""
    plan = LoopPlan(steps=1000, batch_windows=2, learning_rate=0.0, evaluate_every=1, patience=3)

    assert len(fit(_network(), WINDOWS, WINDOWS, plan, SilentProgress()).held_out) == 4


def test_masks_hide_events_and_never_padding() -> None:
    """Hidden positions show MASK, and the originals are given back in their order."""
    tokens = torch.tensor([[BOS, 5, 6, EOS], [5, 6, PAD, PAD]])
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        shown, hidden, originals = mask_for_training(tokens, generator)

        assert bool((shown[hidden] == MASK).all())
        assert originals.tolist() == tokens[hidden].tolist()
        assert not bool(hidden[tokens == PAD].any())


def test_training_writes_a_folder_that_loads(tmp_path: Path) -> None:
    """The artefact on disk is the one returned, with its card and pictures."""
    artefact = train(toy_request(tmp_path, output=tmp_path / "model", epochs=20))

    assert Artefact.load(tmp_path / "model").version == artefact.version
    assert (tmp_path / "model" / "README.md").read_text().startswith("# A logscry model")
    assert {path.name for path in (tmp_path / "model").glob("*.png")} == {"loss.png", "scores.png", "alerts.png"}
    assert str(tmp_path) not in (tmp_path / "model" / "settings.json").read_text()


def test_the_budget_moves_the_threshold(tmp_path: Path) -> None:
    """More alerts allowed, lower threshold; a threshold in nats is taken as it is."""
    few, many, nats = (
        train(toy_request(tmp_path, epochs=20, **options)).threshold
        for options in ({"alerts_per_10000_windows": 1}, {"alerts_per_10000_windows": 500}, {"threshold": 3.5})
    )

    assert few > many
    assert nats == 3.5


def test_few_sessions_are_all_judged_for_the_threshold(tmp_path: Path) -> None:
    """By networks that did not learn from them; a person is told why it takes longer."""
    progress = SilentProgress()
    request = toy_request(tmp_path, 40, epochs=20)
    few = train(request, progress)

    assert "10 sessions are held out, too few" in progress.notes[0]
    assert "3 more networks" in progress.notes[0]
    assert few.calibration.windows == 40 * WINDOWS_A_SESSION


def test_with_a_threshold_in_nats_no_more_networks_are_trained(tmp_path: Path) -> None:
    """There is nothing to find."""
    progress = SilentProgress()
    request = toy_request(tmp_path, 40, epochs=20, threshold=3.0)

    assert train(request, progress).calibration.windows == 10 * WINDOWS_A_SESSION
    assert not [note for note in progress.notes if "more networks" in note]


def test_of_few_sessions_an_interrupted_training_is_gone_on_from(tmp_path: Path) -> None:
    """What was not written is trained anew, to the same model; its card says what the threshold rests on."""
    request = toy_request(tmp_path, 40, epochs=60, output=tmp_path / "model")
    with pytest.raises(KeyboardInterrupt):
        train(request, _EndsIn("cross-fitting"))
    again = train(replace(request, resume=True))
    card = " ".join((tmp_path / "model" / "README.md").read_text().split())

    assert again.version == train(replace(request, output=tmp_path / "other")).version
    assert "so 3 more networks were trained" in card
    assert "the threshold rests on 80 windows" in card


def test_enough_sessions_need_one_network(tmp_path: Path) -> None:
    """Of 300 a quarter is judged."""
    progress = SilentProgress()
    request = toy_request(tmp_path, epochs=20)

    assert train(request, progress).calibration.windows == 75 * WINDOWS_A_SESSION
    assert not [note for note in progress.notes if "more networks" in note]


def test_of_few_keys_neither_starts_nor_ends_are_learnt(tmp_path: Path) -> None:
    """One key for all lines: the threshold is of windows, and no mark pushes it up."""
    artefact = train(toy_request(tmp_path, epochs=20, key=KeyRule(without="shared")))

    assert not artefact.marks
    assert artefact.threshold < artefact.combination.most_distance


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"preset": "huge"}, "test .*; transfer "),
        ({"preset": "test", "pretrained": "bert-base-uncased"}, "leave --pretrained out"),
        ({"max_seconds": 0.0}, "max_seconds"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": 10**26}, "epochs is 1.*; allowed are 1 to 1,000,000"),
        ({"seed": -1}, "seed is -1; allowed are 0 to "),
        ({"seed": 10**22}, "seed is 1.*; allowed are 0 to "),
        ({"preset": "test", "layers": 4}, "leave --layers out"),
        ({"preset": "full", "layers": 4}, "leave --layers out"),
        *(({"alerts_per_10000_windows": budget}, "less than 10,000") for budget in (-5.0, 0.0, 1e4, nan)),
        *(({"threshold": threshold}, "from -1e.09 to 1e.09, in nats") for threshold in (nan, inf, -inf, 1.7e308)),
        ({"threshold": 3.0, "alerts_per_10000_windows": 10.0}, "give one of them"),
    ],
)
def test_requests_that_make_no_sense_are_refused(options: dict[str, object], match: str) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigurationError, match=match):
        TrainingRequest(inputs=("x",), output=None, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"seed": 2**62, "threshold": 1e9}, {"seed": 0, "threshold": -1e9}])
def test_the_largest_numbers_that_are_allowed_train(tmp_path: Path, options: dict[str, Any]) -> None:
    """To a model with pictures."""
    train(toy_request(tmp_path, output=tmp_path / "model", epochs=1, **options))

    assert Artefact.load(tmp_path / "model").threshold == options["threshold"]


@pytest.mark.parametrize(
    ("output", "match"),
    [
        ("foreign", "holds files that are no artefact"),
        ("file", "is a link or a file"),
        ("link", "is a link or a file"),
        ("file/model", "Not a directory"),
        ("n" * 5_000, "File name too long"),
        (".", "the folder that this runs in"),
        ("..", "holds files that are no artefact"),
        ("/", "holds files that are no artefact"),
    ],
)
def test_where_no_model_can_be_written_none_is_trained(
    tmp_path: Path, output: str, match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before the logs are read, and here there are none."""
    (tmp_path / "work" / "foreign").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    Path("foreign", "thesis.txt").touch()
    Path("file").touch()
    Path("link").symlink_to("model")
    if output == ".":
        (tmp_path / "empty").mkdir()
        monkeypatch.chdir(tmp_path / "empty")

    with pytest.raises(ModelError, match=match):
        train(TrainingRequest(inputs=("no.log",), output=Path(output)))


def test_where_nobody_may_write_no_model_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the system is made to say so, for root may write everywhere."""
    monkeypatch.setattr("os.access", lambda *_: False)

    with pytest.raises(ModelError, match=f"Permission denied: '{tmp_path}'. Name a folder that can be written"):
        train(TrainingRequest(inputs=("no.log",), output=tmp_path / "new" / "model"))


def test_every_window_gets_a_score(model: Path, faulty: tuple[Path, Path], tmp_path: Path) -> None:
    """The written JSON is a list whose items each have a score, a decision and the lines they stand for."""
    summary = score_files(ScoringRequest(model, (faulty[0],), tmp_path / "out" / "scores.json"))
    written = json.loads((tmp_path / "out" / "scores.json").read_text())

    assert [item["anomaly_score"] for item in written] == summary.scores.tolist()
    assert np.isfinite([item["anomaly_score"] for item in written]).all()
    assert {item["key"] for item in written if item["anomalous"]} == {f"k9x{i}" for i in range(10)}
    assert all(item["anomalous"] == (item["anomaly_score"] > item["threshold"]) for item in written)
    assert (written[0]["first_line"], written[0]["start"], written[0]["stop"]) == (
        {"file": "faulty.log", "line": 1},
        0,
        4,
    )


def test_a_threshold_and_a_budget_exclude_each_other(model: Path) -> None:
    """Two answers to one question are refused."""
    with pytest.raises(ConfigurationError, match="give one of them"):
        ScoringRequest(model, ("x",), threshold=1.0, alerts_per_10000_windows=1.0)


@pytest.mark.parametrize("options", [{"threshold": 1.7e308}, {"alerts_per_10000_windows": -5.0}])
def test_what_no_window_can_be_decided_by_is_refused(model: Path, options: dict[str, float]) -> None:
    """Before anything is read."""
    with pytest.raises(ConfigurationError, match="allowed is "):
        ScoringRequest(model, ("x",), **options)  # type: ignore[arg-type]


def test_a_model_is_judged_beside_the_lookups(model: Path, faulty: tuple[Path, Path], tmp_path: Path) -> None:
    """On a missing step the model and the count vector find all, novel events and lengths nothing."""
    logs = tmp_path / "normal.log"
    logs.write_text("\n".join(toy_lines(200, seed=2)))
    request = EvaluationRequest(ScoringRequest(model, (faulty[0],)), faulty[1], (logs,))
    found = evaluate(request)

    assert (found.unit, found.judged, found.abnormal, found.absent) == ("keys", 30, 10, 1)
    assert (found.model.f1, found.model.auc, found.model.false_alarms) == (1.0, 1.0, 0)
    assert 0 < found.model.lines_seen <= 1
    assert found.baselines["count vector"].recall == 1.0
    assert found.baselines["novel event"].recall == 0.0
    assert evaluation_table([found]).row_count == 7


def test_the_area_under_the_curve_counts_ties_half() -> None:
    """Three of four pairs in the right order, one tied: 3.5 / 4."""
    assert area_under_curve([2.0, 3.0], [1.0, 2.0]) == pytest.approx(3.5 / 4)
    assert area_under_curve([], [1.0]) == 0.5


def test_the_toy_language_has_a_template_a_step() -> None:
    """Mining finds each step once."""
    assert len(toy_artefact().templates) == len(STEPS)


@pytest.mark.parametrize(
    ("tokens", "longest", "windows"), [(20, 128, 64), (66, 128, 64), (132, 514, 32), (514, 514, 8), (514, 128, 33)]
)
def test_a_step_takes_fewer_windows_where_they_are_long(tokens: int, longest: int, windows: int) -> None:
    """So that it takes as long as elsewhere; and never more steps than the preset allows."""
    training = WeightedWindows([(FIRST_EVENT,) * tokens] * 10_000, [1] * 10_000)
    plan = loop_plan(TrainingRequest((), None), training, Machine(), longest)

    assert (plan.batch_windows, plan.longest, plan.steps) == (windows, longest, PRESETS["test"].steps[1])


def test_an_epoch_sees_each_window_once_whole_or_in_stretches() -> None:
    """10 windows of 384 tokens are 30 stretches of 128."""
    training = WeightedWindows([(FIRST_EVENT,) * 384] * 10, [1] * 10)

    assert loop_plan(TrainingRequest((), None, epochs=33), training, Machine(), 128).steps == 30


def test_a_long_window_is_learnt_from_in_stretches_whose_places_chance_finds() -> None:
    """Those at its start and its end come most, and it comes the more often the longer it is."""
    long, short = tuple(range(10, 40)), (1, 2)
    source = BatchSource(WeightedWindows([long, short], [1, 1]), 64, seed=1, longest=10)
    drawn = [tuple(row) for _ in range(50) for row in source.draw().tolist()]
    chunks = Counter(row for row in drawn if row[0] >= 10)

    assert set(chunks) == {long[begin : begin + 10] for begin in range(21)}
    assert 0.7 * len(drawn) < chunks.total() < 0.8 * len(drawn)
    assert all(chunks[long[begin : begin + 10]] > chunks.total() / 10 for begin in (0, 20))


@pytest.mark.parametrize("longest", [3, 5])
def test_training_reads_no_more_at_once_than_the_plan_says(longest: int) -> None:
    """Of the longest windows, of five tokens, it then sees stretches; looks read as the network's settings say."""
    network, widths = _network(), set[int]()

    def remember(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if module.training:
            widths.add(inputs[0].shape[1])

    network.register_forward_pre_hook(remember)
    fit(network, WINDOWS, WINDOWS, LoopPlan(steps=9, batch_windows=8, longest=longest), SilentProgress())

    assert max(widths) == longest


def test_what_is_read_at_once_is_part_of_the_model() -> None:
    """Rotations are read in stretches, places are not; and models that say nothing read whole windows."""
    bert = {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = toy_artefact().network_config

    assert (longest_for(small_encoder(32, 1, 1)), longest_for(bert)) == (128, MAX_TOKENS)
    assert NetworkConfig.from_json(config.to_json()).longest == 128
    assert "longest" not in NetworkConfig(9, bert).to_json()
    assert NetworkConfig.from_json(NetworkConfig(9, bert).to_json()).longest == MAX_TOKENS
    with pytest.raises(ModelError, match="2 tokens at once"):
        NetworkConfig.from_json({**config.to_json(), "longest": 2})


def test_every_layer_sees_the_whole_window() -> None:
    """A ModernBERT's layers see their neighbourhood alone, all but each third, unless it is told otherwise."""
    config = MaskedEventBert(NetworkConfig(9, small_encoder(32, 4, 2))).encoder.config

    assert config.layer_types == ["full_attention"] * 4


def test_what_is_usual_is_said() -> None:
    """In the model card and when the training ends."""
    artefact = toy_artefact()
    odd = replace(artefact, combination=replace(artefact.combination, usual_peak=9.0))

    assert not [doubt for doubt in doubts(artefact) if "mean surprisal" in doubt]
    assert "mean surprisal" in doubts(odd)[0]
    assert b"mean surprisal" in model_card(odd, History())
