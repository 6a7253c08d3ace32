"""The entry points of deploy/compose.yaml, started by hand: the installed command, its environment, real servers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.embedded.ports import free_port
from deploy.embedded.stack import create_topics
from tests.end_to_end.test_path import faulty_lines
from tests.service import Place, produce, read_all, wait

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]
COMMAND = Path(sys.executable).with_name("logscry")


def environment(service: str, place: Place, namespace: str) -> dict[str, str]:
    """Compose's environment of a service, with this machine's addresses and a namespace and topics of its own."""
    names = {"logs", "alerts", "dead-letters"}
    topics = {f"LOGSCRY_KAFKA__{name.replace('-', '_').upper()}_TOPIC": f"{name}-{namespace}" for name in names}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("LOGSCRY_")},
        **SERVICES[service]["environment"],
        **topics,
        "LOGSCRY_NAMESPACE": namespace,
        "LOGSCRY_KAFKA__BOOTSTRAP_SERVERS": place.kafka,
        "LOGSCRY_REDIS__URL": place.redis,
        "LOGSCRY_MODEL__PATH": str(place.model),
        "LOGSCRY_METRICS__HOST": "127.0.0.1",
        "LOGSCRY_METRICS__PORT": str(free_port()),
    }


def test_the_containers_commands_turn_lines_into_alerts_and_end_with_sigterm(place: Place, namespace: str):
    """Consumer and worker as compose starts them; both leave with status 0 within seconds, as a container must."""
    create_topics(place.kafka, {f"logs-{namespace}": 2, f"alerts-{namespace}": 1, f"dead-letters-{namespace}": 1})
    produce(place.kafka, f"logs-{namespace}", faulty_lines())
    processes = [
        subprocess.Popen([COMMAND, *SERVICES[name]["command"]], env=environment(name, place, namespace))
        for name in ("consumer", "worker")
    ]
    try:
        wait(lambda: read_all(place.kafka, f"alerts-{namespace}"))
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(timeout=20) for process in processes]

    assert codes == [0, 0]
