"""What a process tells about itself: logs, metrics, health."""

from stream.telemetry.logs import configure_logging
from stream.telemetry.metrics import ConsumerMetrics, RekeyMetrics, WorkerMetrics, new_registry
from stream.telemetry.server import Heartbeat, OperatorServer, serve

__all__ = [
    "ConsumerMetrics",
    "Heartbeat",
    "OperatorServer",
    "RekeyMetrics",
    "WorkerMetrics",
    "configure_logging",
    "new_registry",
    "serve",
]
