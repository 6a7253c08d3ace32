"""The values of the live settings: what is allowed, and how a refusal reads."""

import pytest

from model.errors import ConfigurationError
from stream.live_values import SETTING_TYPES, LiveSettings
from stream.windowing.windows import WindowRule

VALUES = LiveSettings(window_size=64, window_hop=8, session_gap_ms=1000, threshold=7.5)


def test_they_say_how_windows_are_cut():
    """The three window settings are the rule of the window logic."""
    assert VALUES.rule() == WindowRule(64, 8, 1000)


def test_numbers_may_be_given_as_text():
    """The command line passes text on."""
    changed = VALUES.with_changes({"window_size": "32", "threshold": "-1e-3"})

    assert changed == LiveSettings(window_size=32, window_hop=8, session_gap_ms=1000, threshold=-0.001)


def test_size_and_hop_are_checked_together():
    """A smaller size is fine when the hop shrinks with it, and refused alone."""
    assert VALUES.with_changes({"window_size": 4, "window_hop": 4}).rule() == WindowRule(4, 4, 1000)
    with pytest.raises(ConfigurationError, match="window hop is 8 events; allowed are 1 to the window size, 4"):
        VALUES.with_changes({"window_size": 4})


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "limit",
            1,
            "limit is no live setting; there are window_size, window_hop, session_gap_ms, threshold, grace_ms.",
        ),
        ("version", 3, "version is no live setting"),
        ("threshold", "high", "threshold is 'high'; allowed is a number, in nats."),
        ("threshold", "nan", "threshold is nan; allowed is any finite number, in nats."),
        ("threshold", "inf", "threshold is inf; allowed is any finite number, in nats."),
        ("window_size", "1_0", "window_size is '1_0'; allowed is a whole number."),
        ("window_hop", "٣", "window_hop is '٣'; allowed is a whole number."),
        ("threshold", "1_0", "threshold is '1_0'; allowed is a number, in nats."),
        ("window_size", "8.5", "window_size is '8.5'; allowed is a whole number."),
        ("window_size", 0, "window size is 0 events; allowed are 1 to 512."),
        ("window_size", 513, "window size is 513 events; allowed are 1 to 512."),
        ("session_gap_ms", 0, "session gap is 0 ms; it must be at least 1 ms."),
        ("session_gap_ms", 1 << 60, "allowed are 1 to 31536000000 ms (365 days)."),
        ("grace_ms", -1, "grace is -1 ms; it must be at least 0 ms."),
        ("grace_ms", 1 << 60, "allowed are 0 to 86400000 ms (24 hours)."),
        ("window_hop", "\x1b[2J", r"window_hop is '\\x1b[2J'; allowed is a whole number."),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(name, value, sentence):
    """Each refusal names the setting and its range, and prints nothing hostile."""
    with pytest.raises(ConfigurationError) as caught:
        VALUES.with_changes({name: value})

    assert sentence in str(caught.value)


def test_values_leave_the_version_out():
    """The version counts changes; it is not one of the settings."""
    assert list(VALUES.values()) == list(SETTING_TYPES)
