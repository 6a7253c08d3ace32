"""What ``make chaos`` insists on."""

import sys
from collections import Counter

import pytest

from tests.chaos.__main__ import MUST_OCCUR, Results, main
from tests.chaos.run import Outcome
from tests.chaos.verdict import Verdict


@pytest.mark.parametrize("missing", MUST_OCCUR)
def test_what_never_occurred_is_a_problem(missing: str):
    """Where the broker was never killed, nothing is known of that."""
    counts = Counter(dict.fromkeys(MUST_OCCUR, 1) | {missing: 0})
    results = Results(total=Outcome(Verdict(repeated_alerts=1), counts))
    results.require_everything()

    assert results.problems == [f"no {missing} in any seed: the test did not try what it is there for"]


def test_a_broker_that_must_not_be_killed_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """It would pass without its hardest fault."""
    monkeypatch.setenv("LOGSCRY_TEST_KAFKA", "127.0.0.1:1")
    monkeypatch.setattr(sys, "argv", ["chaos"])

    assert main() == 1
    assert "unset the variable" in " ".join(capsys.readouterr().err.split())
