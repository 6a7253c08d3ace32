"""``logscry settings set`` on a namespace that has settings: what is refused, and in which words."""

import sys

import pytest
from redis import Redis

import logscry
from stream.live_settings import LiveSettingsStore
from stream.live_values import LiveSettings

DEFAULTS = LiveSettings(window_size=64, window_hop=8, session_gap_ms=1_800_000, threshold=7.5)


@pytest.fixture
def seeded(redis_client: Redis, namespace: str) -> LiveSettingsStore:
    """The live settings of a namespace that has some."""
    store = LiveSettingsStore(redis_client, namespace)
    store.seed(DEFAULTS)
    return store


@pytest.fixture
def command(redis_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What ``logscry settings set`` is started with; a test adds the changes."""
    place = ["--set", f"redis.url={redis_url}", "--set", f"namespace={namespace}"]
    monkeypatch.setattr(sys, "argv", ["logscry", "settings", "set", *place])
    return sys.argv


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("window_hop=0", "window hop is 0 events; allowed are 1 to the window size, 64"),
        ("window_hop=999", "window hop is 999 events; allowed are 1 to the window size, 64"),
        ("window_hop=2.5", "window_hop is '2.5'; allowed is a whole number."),
        ("threshold=nan", "threshold is nan; allowed is any finite number, in nats."),
        ("threshold=", "threshold is ''; allowed is a number, in nats."),
        ("session_gap_ms=6", "'session_gap_ms' is given twice; give each setting one value."),
        (
            "unknown=1",
            "unknown is no live setting; there are window_size, window_hop, session_gap_ms, threshold, grace_ms.",
        ),
    ],
)
def test_a_wrong_change_is_one_sentence_and_changes_nothing(
    change: str,
    sentence: str,
    seeded: LiveSettingsStore,
    command: list[str],
    capfd: pytest.CaptureFixture[str],
):
    """It says what is allowed, and a change beside it that would be fine alone is not made either."""
    before = seeded.get()
    command += ["session_gap_ms=5", change]

    with pytest.raises(SystemExit) as stopped:
        logscry.main()

    said = " ".join(capfd.readouterr().err.split())
    assert stopped.value.code == 2
    assert said.startswith(f"ConfigurationError: {sentence}")
    assert seeded.get() == before
