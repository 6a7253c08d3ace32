"""What people say about when a window is alerted: a threshold, or a budget of alerts."""

from model.calibration import ALERT_BASE
from model.errors import ConfigurationError

__all__ = ["check_decision"]

#: In nats, either way: far more than any window scores, and few enough to calculate with and to draw.
_MOST_NATS = 1e9


def check_decision(threshold: float | None, alerts_per_10000_windows: float | None) -> None:
    """Refuse what no window could be decided by, before the work; None is not said.

    Raises:
        ConfigurationError: A number is outside its range, or both are given.
    """
    if threshold is not None and not -_MOST_NATS <= threshold <= _MOST_NATS:
        raise ConfigurationError(
            f"the threshold is {threshold}; allowed is any number from {-_MOST_NATS:g} to {_MOST_NATS:g}, in nats."
        )
    budget = alerts_per_10000_windows
    if budget is not None and not 0 < budget < ALERT_BASE:
        raise ConfigurationError(
            f"the alert budget is {budget} per 10,000 windows; allowed is more than 0 and less than 10,000."
        )
    if threshold is not None and budget is not None:
        raise ConfigurationError("both a threshold and an alert budget are given; give one of them.")
