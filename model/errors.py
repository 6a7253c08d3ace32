"""The one tree of errors, in a module that imports nothing of ours.

Sorted by what the caller does about it::

    LogscryError
    ├── ConfigurationError   stop at the start, name the setting
    ├── RecordError          this record becomes a dead letter; go on
    ├── TransientError       a server is away: back off, try again, commit nothing
    │   ├── KafkaAwayError
    │   ├── RedisAwayError
    │   └── RedisFullError
    ├── StateError           the stored state cannot be trusted: stop loudly
    └── ModelError           the artefact is missing, broken or of another kind: stop

Errors of other libraries are translated once, where their library is called, with ``raise ... from exc``.
"""

from typing import ClassVar

__all__ = [
    "ConfigurationError",
    "KafkaAwayError",
    "LogscryError",
    "ModelError",
    "RecordError",
    "RedisAwayError",
    "RedisFullError",
    "StateError",
    "TransientError",
]


class LogscryError(Exception):
    """The root: its text is one or two sentences that a user can act on."""


class ConfigurationError(LogscryError):
    """A setting is missing, unknown, or has a value that is not allowed."""


class RecordError(LogscryError):
    """A Kafka record cannot be read as log lines.

    Attributes:
        reason: A short fixed word, such as ``not-utf8`` or ``no-key``; it becomes a metric label.
        detail: What was found, for the dead letter; never longer than a few hundred characters.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class TransientError(LogscryError):
    """A server did not answer as it should; the same call may succeed later.

    Attributes:
        reason: A short fixed word for what failed; it becomes a metric label.
    """

    reason: ClassVar[str] = "other"


class KafkaAwayError(TransientError):
    """Kafka is away, busy, or electing a leader."""

    reason = "kafka"


class RedisAwayError(TransientError):
    """Redis is away, loading, or failing over."""

    reason = "redis"


class RedisFullError(TransientError):
    """Redis has no memory left and refuses to write, until it is given more or the workers have drained it."""

    reason = "redis-full"


class StateError(LogscryError):
    """The state in Redis is of another version, topic or owner than the code expects."""


class ModelError(LogscryError):
    """A trained model cannot be loaded, or does not fit what it is asked to score."""
