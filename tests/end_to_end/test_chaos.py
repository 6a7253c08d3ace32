"""The chaos test's two-seed form; ``make chaos`` runs ten, and tries whether each check in the script is needed."""

from pathlib import Path

import pytest

from deploy.embedded.broker import ApacheKafka, Broker, EmbeddedBroker
from tests.chaos.run import Outcome, run_seed
from tests.chaos.scene import Stage

SEEDS = (1, 2)


@pytest.mark.stack
@pytest.mark.timeout(900)  # about two minutes a seed on two idle cores; no outcome depends on it
def test_whatever_dies_the_windows_are_those_of_an_undisturbed_sort(broker: Broker, model_folder: Path, tmp_path: Path):
    """None lost, doubled or out of order, every alert there, every record without lines a dead letter."""
    if isinstance(broker, EmbeddedBroker):
        pytest.skip("the embedded broker keeps its records in memory: a kill loses them")
    total = Outcome()
    for seed in SEEDS:
        work = tmp_path / str(seed)
        work.mkdir()
        outcome = run_seed(seed, Stage(broker, model_folder, work))
        assert outcome.right, f"seed {seed}: {outcome}"
        total += outcome
    # Else nothing was tried. The ten seeds of make chaos insist on every kind.
    assert total.counts["gap_refusals"]
    assert total.counts["owner_refusals"]
    assert total.counts["overlaps"]
    assert total.counts["claims"]
    assert total.verdict.repeated_alerts
    if isinstance(broker, ApacheKafka):  # one that somebody else runs is not killed
        assert total.counts["broker_kills"] == len(SEEDS)
