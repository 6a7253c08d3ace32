"""What is looked at of small logs and of large ones."""

import gzip

import pytest

from model.errors import ConfigurationError
from training.inspection.sample import take_sample
from training.preprocess import PreprocessRequest, preprocess
from training.selection import Selection


def test_small_logs_are_looked_at_whole(tmp_path):
    """All files of a folder, packed ones unpacked, blank lines left out."""
    (tmp_path / "a.log").write_text("one\n\ntwo\r\n")
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(b"three\n"))
    sample = take_sample([tmp_path])

    assert (sample.lines, sample.files, sample.whole) == ([b"one", b"two", b"three"], [0, 0, 1], True)
    assert sample.size_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())


@pytest.mark.parametrize("packed", [False, True])
def test_large_logs_are_looked_at_in_many_places(tmp_path, packed):
    """Half of the sample is the beginning, the rest comes from all over; each line is whole, and none comes twice."""
    lines = [b"line %06d" % number for number in range(30_000)]
    text = b"\n".join(lines)
    path = tmp_path / ("big.log.gz" if packed else "big.log")
    path.write_bytes(gzip.compress(text, compresslevel=9) if packed else text)
    sample = take_sample([path], most_lines=2_000, most_bytes=100_000)

    assert not sample.whole
    assert sample.lines[:1_000] == lines[:1_000]
    assert 1_000 < len(sample.lines) <= 2_000
    assert set(sample.lines) < set(lines)
    assert len(set(sample.lines)) == len(sample.lines)
    assert packed or any(line > b"line 028000" for line in sample.lines)


def test_the_bound_in_bytes_holds_for_long_lines(tmp_path):
    """A few long lines are enough."""
    path = tmp_path / "long.log"
    path.write_bytes(b"\n".join(b"%d " % number + b"x" * 9_990 for number in range(400)))
    sample = take_sample([path], most_lines=1_000, most_bytes=200_000)

    assert 10 <= len(sample.lines) < 40
    assert not sample.whole


def test_as_many_lines_as_are_allowed_are_all_lines(tmp_path):
    """A log that ends at the bound is whole."""
    path = tmp_path / "a.log"
    path.write_text("a\nb\nc\n")

    assert take_sample([path], most_lines=3).whole
    assert not take_sample([path], most_lines=2).whole


def test_preprocessed_logs_are_refused(tmp_path):
    """They hold no log lines; the error says what can be done with them."""
    (tmp_path / "a.log").write_text("up\n")
    days = tmp_path / "days of March"
    preprocess(PreprocessRequest(Selection((tmp_path / "a.log",)), days))

    with pytest.raises(ConfigurationError, match=f"`logscry train '{days}'`"):
        take_sample([days])


def test_logs_without_lines_are_refused(tmp_path):
    """With what to do about it."""
    (tmp_path / "empty.log").write_text("\n\n")

    with pytest.raises(ConfigurationError, match=r"there is no line in .*name logs"):
        take_sample([tmp_path])
