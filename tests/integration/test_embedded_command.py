"""``python -m deploy.embedded``: servers to try things on."""

import signal
import subprocess
import sys

import pytest
from kafka import KafkaConsumer
from redis import Redis

pytestmark = pytest.mark.stack


def test_it_prints_how_to_reach_both_servers_and_ends_them_with_ctrl_c():
    """The two lines are what the other commands read."""
    with subprocess.Popen([sys.executable, "-m", "deploy.embedded"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(2)]
        exported = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        with Redis.from_url(exported["LOGSCRY_REDIS__URL"]) as client:
            assert client.ping()
        consumer = KafkaConsumer(bootstrap_servers=exported["LOGSCRY_KAFKA__BOOTSTRAP_SERVERS"])
        assert consumer.partitions_for_topic("logs") == {0, 1, 2, 3}
        consumer.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
