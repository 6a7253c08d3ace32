"""The processes: what each is made of, from settings to a running loop."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from model.lines.choice import FormatChoice
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from model.lines.keys import KeyExtractor
from model.reading_part import ReadingPart
from stream.consumers.consumer import Consumer
from stream.consumers.offsets import require_topics
from stream.consumers.parts import ConsumerParts
from stream.consumers.records import RecordReader
from stream.consumers.rekey import Rekey, RekeyParts
from stream.consumers.sizes import require_room_for_dead_letters
from stream.live_settings import LiveSettings, LiveSettingsFollower, LiveSettingsStore
from stream.loop import patiently
from stream.redis_client import connect
from stream.settings import Settings
from stream.stopping import stopping
from stream.telemetry import ConsumerMetrics, RekeyMetrics, WorkerMetrics, configure_logging, new_registry, serve

__all__ = ["run_consumer", "run_rekey", "run_worker"]

log = structlog.get_logger()


def run_consumer(settings: Settings) -> None:
    """Consume the keyed topic until SIGTERM or Ctrl-C.

    Raises:
        ConfigurationError, ModelError, StateError: With a sentence for the operator.
    """
    with _process(settings) as stop:
        reading = ReadingPart.load(settings.model.path)
        redis = patiently(lambda: connect(settings.redis.url.get_secret_value()), stop)
        registry = new_registry()
        metrics = ConsumerMetrics(registry)
        live = patiently(lambda: _live(settings, redis, reading), stop)
        _await_topics(settings, ["logs_topic"], stop)
        parts = ConsumerParts(settings, live, redis, RecordReader(reading.parser(_choice(settings))), metrics, stop)
        consumer = patiently(lambda: Consumer(parts), stop)
        with serve(settings.metrics, registry, consumer.health):
            consumer.run()


def run_worker(settings: Settings) -> None:
    """Score ready windows until SIGTERM or Ctrl-C.

    Raises:
        ConfigurationError, ModelError, StateError: With a sentence for the operator.
    """
    # torch takes seconds to import and hundreds of megabytes: only the worker pays for it.
    from model.artefact import Artefact  # noqa: PLC0415
    from model.scoring import Scorer  # noqa: PLC0415
    from stream.worker.worker import Worker, WorkerParts  # noqa: PLC0415

    with _process(settings) as stop:
        scorer = Scorer(Artefact.load(settings.model.path), threads=settings.worker.threads)
        reading = ReadingPart.load(settings.model.path)
        redis = patiently(lambda: connect(settings.redis.url.get_secret_value()), stop)
        registry = new_registry()
        live = patiently(lambda: _live(settings, redis, reading), stop)
        _await_topics(settings, ["alerts_topic"], stop)
        parts = WorkerParts(settings, live, redis, scorer, WorkerMetrics(registry), stop)
        worker = Worker(parts)
        with serve(settings.metrics, registry, worker.health):
            worker.run()


def run_rekey(settings: Settings, rule: KeyRule) -> None:
    """Give the records of the raw topic their keys until SIGTERM or Ctrl-C.

    Args:
        settings: The static settings.
        rule: Where the keys are.

    Raises:
        ConfigurationError: With a sentence for the operator.
    """
    with _process(settings) as stop:
        _await_topics(settings, ["raw_topic", "logs_topic"], stop)
        registry = new_registry()
        said = settings.lines.format is not None
        keys = KeyExtractor(rule, _choice(settings).applied_to(LineFormat) if said else None)
        rekey = patiently(lambda: Rekey(RekeyParts(settings, keys, RekeyMetrics(registry), stop)), stop)
        with serve(settings.metrics, registry, rekey.health):
            rekey.run()


def _await_topics(settings: Settings, names: list[str], stop: threading.Event) -> None:
    """Make sure of the topics that the settings of these names hold, and of the one for dead letters."""
    patiently(lambda: require_topics(settings.kafka, [*names, "dead_letters_topic"]), stop)
    patiently(lambda: require_room_for_dead_letters(settings.kafka), stop)


def _choice(settings: Settings) -> FormatChoice:
    lines = settings.lines
    return FormatChoice(lines.format, lines.message_field, lines.time_field, lines.time_zone)


def _live(settings: Settings, redis: Any, reading: ReadingPart) -> LiveSettingsFollower:  # noqa: ANN401
    """Live settings: stored at once as the model's own where there are none, so that they can be changed."""
    size, hop, gap_ms = reading.rule
    defaults = LiveSettings(size, hop, gap_ms, reading.threshold)
    follower = LiveSettingsFollower(LiveSettingsStore(redis, settings.namespace), defaults)
    follower.current()
    return follower


@contextmanager
def _process(settings: Settings) -> Iterator[threading.Event]:
    """What every process begins with: its logs, and an event that is set when it is to end."""
    configure_logging(settings.logging)
    log.info("settings", **settings.describe())
    with stopping() as stop:
        yield stop
