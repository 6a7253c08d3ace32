"""The processes that the demo starts: watched while they run, and gone afterwards."""

import pytest

from deploy.embedded.children import Children
from deploy.embedded.ports import wait_until
from model.errors import TransientError


def test_a_process_that_ends_is_reported_with_its_output(tmp_path):
    """The error names the process and holds what it said."""
    with Children(tmp_path, {"LOGSCRY_NO_SUCH_SETTING": "1"}) as children:
        child = children.start("consume")
        child.process.wait(60)

        with pytest.raises(TransientError, match=r"consume-1 ended with status(.|\n)*NO_SUCH_SETTING"):
            children.check()


def test_a_command_that_fails_is_reported_with_its_output(tmp_path):
    """A command that is run to its end tells why it failed."""
    with Children(tmp_path, {}) as children, pytest.raises(TransientError, match=r"no-such-command failed"):
        children.run("no-such-command")


def test_the_callers_own_settings_do_not_reach_the_processes(tmp_path, monkeypatch):
    """Only the settings that are given count, whatever the user has set."""
    monkeypatch.setenv("LOGSCRY_NO_SUCH_SETTING", "1")
    with Children(tmp_path, {"LOGSCRY_KAFKA__SESSION_TIMEOUT_MS": "1"}) as children:
        child = children.start("consume")
        child.process.wait(60)

        assert "SESSION_TIMEOUT_MS" in child.log_tail()
        assert "NO_SUCH_SETTING" not in child.log_tail()


def test_a_process_that_replaces_another_has_a_log_of_its_own(tmp_path):
    """Whichever have ended: two that run never write into one file."""
    with Children(tmp_path, {"LOGSCRY_NO_SUCH_SETTING": "1"}) as children:
        first = children.start("consume")
        children.start("consume")
        children.running.remove(first)
        children.start("consume")

        assert len({child.log for child in [first, *children.running]}) == 3
        children.running.append(first)


def test_nothing_runs_after_the_block(tmp_path):
    """Processes end with the block, healthy or not."""
    with Children(tmp_path, {"LOGSCRY_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}) as children:
        process = children.start("consume").process

    assert wait_until(lambda: process.poll() is not None, 0)
