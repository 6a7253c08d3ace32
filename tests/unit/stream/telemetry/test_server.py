"""The operators' server, over a real socket of this machine."""

import http.client
import socket

import pytest
from prometheus_client import CollectorRegistry, Counter

from model.errors import ConfigurationError, TransientError
from stream.setting_groups import MetricsSettings
from stream.telemetry import Heartbeat, OperatorServer, serve


def _get(server: OperatorServer, path: str, method: str = "GET") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
    finally:
        connection.close()


def _server(health=list, registry=None) -> OperatorServer:
    return OperatorServer(registry or CollectorRegistry(), health, "127.0.0.1", 0)


def test_metrics_are_served():
    """Prometheus finds its text format."""
    registry = CollectorRegistry()
    Counter("logscry_things", "Things.", registry=registry).inc(2)

    with _server(registry=registry) as server:
        status, kind, body = _get(server, "/metrics?x=1")

    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    assert "logscry_things_total 2.0" in body


def test_a_healthy_process_says_ok():
    """No problems: 200."""
    with _server() as server:
        assert _get(server, "/healthz")[::2] == (200, "ok\n")


def test_an_unhealthy_process_says_what_is_wrong():
    """Each problem is a sentence on a line of its own: 503."""
    with _server(lambda: ["Kafka is away.", "Redis is away."]) as server:
        assert _get(server, "/healthz")[::2] == (503, "Kafka is away.\nRedis is away.\n")


def test_a_health_check_that_fails_is_unhealthy():
    """One of our errors is a problem like any other."""

    def health() -> list[str]:
        raise TransientError("Redis does not answer.")

    with _server(health) as server:
        assert _get(server, "/healthz")[::2] == (503, "Redis does not answer.\n")


def test_health_follows_the_process():
    """It is asked anew at each request."""
    problems: list[str] = []
    with _server(lambda: problems) as server:
        assert _get(server, "/healthz")[0] == 200
        problems.append("The loop stands still.")
        assert _get(server, "/healthz")[0] == 503


@pytest.mark.parametrize(("path", "method", "status"), [("/", "GET", 404), ("/metrics", "POST", 501)])
def test_nothing_else_is_served(path, method, status):
    """Two pages, read only."""
    with _server() as server:
        assert _get(server, path, method)[0] == status


def test_a_taken_port_names_the_setting():
    """The operator learns which setting to change."""
    with _server() as server, pytest.raises(ConfigurationError, match="LOGSCRY_METRICS__PORT") as caught:
        OperatorServer(CollectorRegistry(), list, "127.0.0.1", server.port)

    assert f"is {server.port}" in str(caught.value)
    assert "in use" in str(caught.value)


def test_a_foreign_host_names_the_setting():
    """An address that this machine does not have cannot be bound (192.0.2.1 is reserved for examples)."""
    with pytest.raises(ConfigurationError, match="LOGSCRY_METRICS__HOST"):
        OperatorServer(CollectorRegistry(), list, "192.0.2.1", 0)


@pytest.mark.parametrize("host", ["h" * 70, "two..dots"])
def test_a_host_that_no_name_can_be_names_the_setting(host):
    """Python refuses such a name before it asks the name service, with an error of another kind."""
    with pytest.raises(ConfigurationError, match=r"LOGSCRY_METRICS__HOST.*label"):
        OperatorServer(CollectorRegistry(), list, host, 0)


def test_port_zero_serves_nothing():
    """The default opens no port."""
    with serve(MetricsSettings(), CollectorRegistry(), list) as server:
        assert server is None


def test_the_configured_address_is_bound_and_freed():
    """The port is taken during the block and free after it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = MetricsSettings(host="127.0.0.1", port=port)

    for _ in range(2):
        with serve(settings, CollectorRegistry(), list) as server:
            assert server is not None
            assert _get(server, "/healthz")[0] == 200


def test_a_heartbeat_tells_a_loop_that_stands_still():
    """Time is handed in; a beat makes it well again."""
    now = [0.0]
    heartbeat = Heartbeat("The poll loop", 30, lambda: now[0])

    now[0] = 30
    assert heartbeat() == []
    now[0] = 31
    assert heartbeat() == ["The poll loop has not turned for 31 s; more than 30 s is too long."]
    heartbeat.beat()
    assert heartbeat() == []
