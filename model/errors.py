"""The one tree of errors, in a module that imports nothing of ours.

Sorted by what the caller does about it::

    LogscryError
    ├── ConfigurationError   stop at the start, name the setting
    ├── RecordError          this record becomes a dead letter; go on
    ├── TransientError       a server is away: back off, try again, commit nothing
    ├── StateError           the stored state cannot be trusted: stop loudly
    └── ModelError           the artefact is missing, broken or of another kind: stop

Errors of other libraries are translated once, where their library is called, with ``raise ... from exc``.
"""

__all__ = [
    "ConfigurationError",
    "LogscryError",
    "ModelError",
    "RecordError",
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
    """Kafka or Redis did not answer; the same call may succeed later."""


class StateError(LogscryError):
    """The state in Redis is of another version, topic or owner than the code expects."""


class ModelError(LogscryError):
    """A trained model cannot be loaded, or does not fit what it is asked to score."""
