"""Real servers for the tests: brokers, a Redis, and names that no other test uses.

A test that asks for ``broker`` (or ``topic``, or ``own_broker``) runs once on each broker that this machine offers: the
embedded one always, Apache Kafka where ``LOGSCRY_TEST_KAFKA`` names one or a control script stands beside the
repository. With the mark ``one_broker`` it runs on the last of them alone. ``--broker`` chooses. In CI (the variable
``CI`` is set) a missing Apache Kafka is an error; elsewhere the summary at the end says so.
"""

import os
import uuid
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import pytest
import redis
import structlog

with warnings.catch_warnings():
    # While it is imported, kafka-python reads its own files with a function that Python 3.11 calls deprecated.
    warnings.filterwarnings("ignore", "read_text is deprecated", DeprecationWarning)
    import kafka  # noqa: F401

from deploy.embedded.broker import ApacheKafka, Broker, EmbeddedBroker, RunningBroker, offered_apache
from deploy.embedded.redis_server import EmbeddedRedis
from deploy.embedded.stack import create_topics
from tests.redis_cluster import RedisCluster, connected

REPOSITORY = Path(__file__).parent.parent

#: Fixtures that run a test once for each broker, with their scopes.
_ON_EACH_BROKER: dict[str, Literal["session", "function"]] = {"broker": "session", "own_broker": "function"}

_NEEDS_SERVERS = {*_ON_EACH_BROKER, "redis_server", "redis_cluster", "any_redis_url"}

#: What ``any_redis`` stands for.
_REDIS_FIXTURES = {"single": "redis_server", "cluster": "redis_cluster"}

_NO_APACHE = (
    "Apache Kafka is not offered here: set LOGSCRY_TEST_KAFKA=host:port to a running broker, "
    "or have a control script at ../shared/kafka/kafka"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--broker``."""
    parser.addoption(
        "--broker",
        choices=("embedded", "apache", "all"),
        default="all",
        help="the brokers to run integration and end-to-end tests on (default: all that are offered)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that needs a broker once on each that was chosen."""
    brokers = _chosen_brokers(metafunc.config)
    if metafunc.definition.get_closest_marker("one_broker"):
        brokers = brokers[-1:]
    for fixture, scope in _ON_EACH_BROKER.items():
        if fixture in metafunc.fixturenames:
            # The scope given here overrides the fixture's own: a broker of a test's own must stay that.
            metafunc.parametrize(fixture, brokers, indirect=True, scope=scope)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that need servers, and insist on Apache Kafka in CI."""
    for item in items:
        # Marked by hand: it starts the embedded stack itself.
        name = _broker_of(item) or ("embedded" if item.get_closest_marker("stack") else None)
        if name is not None:
            item.user_properties.append(("broker", name))
        if _NEEDS_SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker("stack")
    wanted = any(_broker_of(item) is not None for item in items) and config.getoption("--broker") != "embedded"
    if wanted and os.environ.get("CI") and _apache() is None:
        raise pytest.UsageError(f"{_NO_APACHE}. In CI the tests must run on it too.")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which part of the tests ran on which broker."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for outcome in ("passed", "failed", "error", "skipped", "xfailed"):
        for report in terminalreporter.stats.get(outcome, []):
            broker = dict(getattr(report, "user_properties", ())).get("broker", "no broker")
            counts[_part_of(report.nodeid), str(broker), outcome] += 1
    terminalreporter.section("brokers")
    for (part, broker), outcomes in sorted(_by_part_and_broker(counts).items()):
        terminalreporter.line(f"{part:<12} {broker:<10} {', '.join(outcomes)}")
    if config.getoption("--broker") == "all" and _apache() is None:
        terminalreporter.line(f"No test ran on Apache Kafka. {_NO_APACHE}.", yellow=True)


@pytest.fixture(autouse=True)
def _log_events_go_nowhere_closed() -> Iterator[None]:
    """A test that runs a command has its log events written to a stream that ends with it; the next must not use it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def running_brokers() -> Iterator[Callable[[str], Broker]]:
    """Start each kind of broker when it is first asked for, and keep it until the last test."""
    started: dict[str, Broker] = {}
    with ExitStack() as cleanup:

        def running(name: str) -> Broker:
            if name not in started:
                broker = new_broker(name)
                cleanup.callback(broker.stop)
                broker.start()
                started[name] = broker
            return started[name]

        yield running


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest, running_brokers: Callable[[str], Broker]) -> Broker:
    """A running broker that all tests share; the test runs once on each kind."""
    return running_brokers(request.param)


@pytest.fixture
def own_broker(request: pytest.FixtureRequest) -> Iterator[ApacheKafka | EmbeddedBroker]:
    """A running broker for this test alone, which may kill and restart it; the test runs once on each kind."""
    broker = new_broker(request.param)
    if isinstance(broker, RunningBroker):
        pytest.skip(f"the broker on {broker.address} runs already, and a test must not kill it")
    with broker:
        yield broker


@pytest.fixture
def topic(broker: Broker) -> Callable[..., str]:
    """Create a topic on the shared broker that no other test uses; the answer is its name."""

    def create(name: str = "topic", *, partitions: int = 1) -> str:
        unique = f"{name}-{uuid.uuid4().hex[:12]}"
        create_topics(broker.address, {unique: partitions})
        return unique

    return create


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    """A private Redis that all tests share: keep to your ``namespace`` and never flush."""
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture(scope="session")
def redis_url(redis_server: EmbeddedRedis) -> str:
    """The URL of the shared Redis, password included."""
    return redis_server.url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of the shared Redis that answers with bytes."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisCluster]:
    """A private Redis Cluster of three servers that all tests share: keep to your ``namespace`` and never flush."""
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture(params=["single", "cluster"])
def any_redis_url(request: pytest.FixtureRequest) -> str:
    """The URL of the shared Redis, and once more of the shared Redis Cluster: the test runs on both."""
    server: EmbeddedRedis | RedisCluster = request.getfixturevalue(_REDIS_FIXTURES[request.param])
    return server.url


@pytest.fixture
def any_redis(any_redis_url: str) -> Iterator[Any]:
    """A client as the processes have it, of the shared Redis and once more of the shared Redis Cluster."""
    with connected(any_redis_url) as client:
        yield client


@pytest.fixture
def namespace() -> str:
    """A name that no other test uses: for Redis keys, consumer groups and transactional ids."""
    return f"test-{uuid.uuid4().hex[:12]}"


def new_broker(name: str) -> Broker:
    """A broker of the kind ``name``, not yet started."""
    if name == "embedded":
        return EmbeddedBroker()
    apache = _apache()
    if apache is None:
        raise pytest.UsageError(f"{_NO_APACHE}.")
    return apache


def _chosen_brokers(config: pytest.Config) -> list[str]:
    choice: str = config.getoption("--broker")
    if choice != "all":
        return [choice]
    return ["embedded"] if _apache() is None else ["embedded", "apache"]


def _apache() -> ApacheKafka | RunningBroker | None:
    return offered_apache(os.environ, REPOSITORY)


def _broker_of(item: pytest.Item) -> str | None:
    parameters = getattr(item, "callspec", None)
    values = (parameters.params.get(fixture) for fixture in _ON_EACH_BROKER) if parameters else ()
    return next((value for value in values if value is not None), None)


def _part_of(node_id: str) -> str:
    """``integration`` for ``tests/integration/test_x.py::test_y``."""
    parts = Path(node_id.partition("::")[0]).parts
    return parts[1] if len(parts) > 2 else parts[0]


def _by_part_and_broker(counts: Counter[tuple[str, str, str]]) -> dict[tuple[str, str], list[str]]:
    rows: dict[tuple[str, str], list[str]] = {}
    for (part, broker, outcome), count in counts.items():
        rows.setdefault((part, broker), []).append(f"{count} {outcome}")
    return rows
