"""The chaos test's mutants: each is a copy that lacks one check."""

import pytest

from tests.chaos.mutants import MUTANTS, ROOT, SCRIPT, Mutant, environment_of, mutated_copy


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_s_processes_run_a_script_without_its_check(name, tmp_path):
    """The words that are replaced are in today's script; the processes take the copy."""
    folder = mutated_copy(MUTANTS[name], tmp_path)

    assert environment_of(folder)["PYTHONPATH"] == str(folder)
    assert (folder / SCRIPT).read_text() != (ROOT / SCRIPT).read_text()


def test_a_mutant_whose_words_are_gone_is_refused(tmp_path):
    """It would be no mutant, and pass for one that was not noticed."""
    with pytest.raises(ValueError, match="0 times"):
        mutated_copy(Mutant("nothing", (("words that are nowhere", ""),)), tmp_path)
