"""Which of the windows in hand a worker deals with at once."""

from stream.windowing.ready import ReadyWindow
from stream.windowing.store import PartitionId
from stream.worker.worker import _next_part


def windows(*deliveries: int) -> list[ReadyWindow]:
    """Windows that so many workers were given before."""
    return [ReadyWindow(PartitionId("logs", 0), b"1-1", b"k", b"", b"", number) for number in deliveries]


def test_windows_of_one_dead_worker_are_dealt_with_together():
    """Thousands are taken over after a crash: one by one, each would wait for Kafka alone."""
    assert _next_part(windows(0, 1, 1, 0)) == windows(0, 1, 1, 0)


def test_a_window_that_more_workers_died_with_is_dealt_with_alone():
    """It may be what they died of: no other window goes with it."""
    assert _next_part(windows(0, 1, 2, 0)) == windows(0, 1)
    assert _next_part(windows(2, 2, 0)) == windows(2)
