"""Which Apache Kafka a machine offers."""

from pathlib import Path

import pytest

from deploy.embedded.broker import ApacheKafka, RunningBroker, offered_apache
from model.errors import ConfigurationError, StateError


def _put_control_script(repository: Path) -> None:
    script = repository.parent / "shared" / "kafka" / "kafka"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)


def test_a_machine_without_variable_and_script_offers_none(tmp_path):
    """Nothing is offered where neither the variable nor the script is there."""
    assert offered_apache({}, tmp_path / "repository") is None


def test_a_control_script_beside_the_repository_is_offered(tmp_path):
    """The script at ../shared/kafka/kafka is found."""
    repository = tmp_path / "repository"
    repository.mkdir()
    _put_control_script(repository)

    assert isinstance(offered_apache({}, repository), ApacheKafka)


def test_a_running_broker_is_preferred_to_a_script(tmp_path):
    """The variable wins over the script."""
    repository = tmp_path / "repository"
    repository.mkdir()
    _put_control_script(repository)

    offered = offered_apache({"LOGSCRY_TEST_KAFKA": "broker.example:9092"}, repository)

    assert isinstance(offered, RunningBroker)
    assert offered.address == "broker.example:9092"


@pytest.mark.parametrize("address", ["localhost", ":9092", "localhost:", "localhost:kafka"])
def test_an_address_of_another_form_is_refused_with_the_variable_named(address, tmp_path):
    """A wrong address names the variable and the form that is allowed."""
    with pytest.raises(ConfigurationError, match=r"LOGSCRY_TEST_KAFKA is .* must be host:port"):
        offered_apache({"LOGSCRY_TEST_KAFKA": address}, tmp_path)


def test_a_broker_that_runs_already_is_never_killed():
    """Somebody else's broker is neither killed nor restarted."""
    broker = RunningBroker("localhost:9092")

    with pytest.raises(StateError, match="not killed here"):
        broker.kill()
    with pytest.raises(StateError, match="not restarted here"):
        broker.restart()
