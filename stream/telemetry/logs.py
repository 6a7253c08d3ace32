"""Structured logs on standard error: one event a line, a fixed name with facts as keys.

Code asks ``structlog.get_logger()`` and writes ``log.info("partition_taken", partition=3)``. What libraries say through
the standard library's logging comes out in the same form.
"""

import logging
import sys
from collections.abc import Sequence
from typing import TextIO

import structlog
from structlog.typing import Processor

from stream.setting_groups import LoggingSettings

__all__ = ["configure_logging"]


def configure_logging(settings: LoggingSettings, stream: TextIO | None = None) -> None:
    """Set up the logs of this process; calling it again replaces the earlier set-up.

    Args:
        settings: Level and format.
        stream: Where to write; standard error where None.
    """
    stream = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render = _renderers(settings.format, stream)
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _configure_libraries(level, stream, [structlog.stdlib.add_logger_name, *shared], render)


def _renderers(form: str, stream: TextIO) -> list[Processor]:
    if form == "console" or (form == "auto" and stream.isatty()):
        # Values are shown as repr: a key from a log line may hold terminal commands. Tracebacks are plain: the
        # library's default prints local variables, and they may hold passwords.
        return [
            structlog.dev.ConsoleRenderer(
                colors=stream.isatty(), repr_native_str=True, exception_formatter=structlog.dev.plain_traceback
            )
        ]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=_as_text)]


def _as_text(value: object) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


class _BootstrapNoise(logging.Filter):
    """Drops what kafka-python calls an error at every start of a client.

    When its first connection has told it the brokers, it closes that connection and so cancels its own next question
    on it, which it then asks a broker. An operator would look for a fault that is none.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name != "kafka.cluster" or record.getMessage() != "Metadata refresh: failed Cancelled"


def _configure_libraries(level: int, stream: TextIO, before: Sequence[Processor], render: Sequence[Processor]) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    handler.addFilter(_BootstrapNoise())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    # Libraries tell their everyday business at the level info; only their warnings concern an operator.
    root.setLevel(level if level <= logging.DEBUG else max(level, logging.WARNING))
