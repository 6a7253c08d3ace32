"""From logs to a proposal, and what the terminal shows."""

import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from model.errors import ConfigurationError
from model.events.own_masks import OwnMasks
from model.events.templates import Templates
from model.lines.choice import FormatChoice
from model.lines.detection import detect_format
from model.lines.key_rule import KeyRule
from model.lines.parser import LineParser
from tests.benchmarks.places import data_folder
from tests.unit.training.inspection.made_logs import json_lines, request_lines, requests, written
from training.inspection.columns import read_columns
from training.inspection.inspection import Inspection, inspect_logs
from training.inspection.key_columns import key_columns
from training.inspection.report import print_inspection, print_next
from training.inspection.sample import take_sample
from training.inspection.survey import surveyed_gap
from training.log_files import LogFiles
from training.progress import SilentProgress
from training.reading import Wording
from training.visible import visible

DATA = data_folder()


def real(name: str) -> Any:
    """A real log, where it is present."""
    return pytest.param(name, marks=pytest.mark.skipif(not (DATA / name).exists(), reason=f"no {name} in {DATA}"))


def shown(inspection: Inspection, width: int = 80, **options: Any) -> str:
    """What the terminal shows."""
    output = io.StringIO()
    console = Console(file=output, width=width, **options)
    print_inspection(console, inspection)
    print_next(console, inspection, ["app.log"], Path("runs/model"))
    return output.getvalue()


def test_requests_in_text_are_understood(tmp_path):
    """Format, templates, the bracketed id as key, a gap that is longer than all pauses, every line judged."""
    found = inspect_logs([written(tmp_path, request_lines(requests(300)))])

    assert found.detection.line_format.header == "iso-level"
    assert len(found.templates) == 6
    assert found.proposal.key == KeyRule(pattern=r"\[([0-9a-f]{16})\]")
    assert (found.proposal.rule.hop, found.proposal.rule.session_gap_ms) == (1, 1000)
    assert found.proposal.doubts == ()
    assert found.lines_per_second > 1000


def test_requests_over_the_files_of_several_services_are_understood(tmp_path):
    """The lines of a request are put together by their times; a nested field is named by its pointer."""
    lines = json_lines(requests(300))
    for step in range(6):
        written(tmp_path, [line for line in lines if f'"service-{step}"' in line], f"{step}.log")
    found = inspect_logs([str(tmp_path)])

    assert found.detection.line_format.kind == "json"
    assert found.proposal.key == KeyRule(fields=("/context/request_id",))
    assert not {"/context/sampled", "msg", "ts", "level"} & {
        name for each in found.ranking.figures for name in each.candidate.rule.fields
    }


def test_where_nothing_cuts_it_says_so(tmp_path):
    """One sequence for all is proposed, with the reason; a pause in the traffic does not end it."""
    lines = [f"2026-03-01T10:{n // 60:02}:{n % 60:02}Z INFO step {'abc'[n % 3]} was made" for n in range(600)]
    found = inspect_logs([written(tmp_path, lines)])

    assert found.proposal.key == KeyRule(without="shared")
    assert found.proposal.rule.session_gap_ms == 30 * 60 * 1000
    assert "No candidate" in found.proposal.doubts[0]
    assert "one sequence for all lines" in shown(found)


def test_few_lines_are_told_as_unsure(tmp_path):
    """Everything is a guess."""
    found = inspect_logs([written(tmp_path, request_lines(requests(9)))])

    assert "everything here is a guess" in found.proposal.doubts[0]


def test_lines_without_a_key_are_told_and_left_out(tmp_path):
    """A third of the lines is no request's: the proposal drops them and says so."""
    rows = requests(300)
    lines = request_lines(rows)
    lines += [f"{line[:24]} INFO shop heartbeat" for line in lines[::3]]
    found = inspect_logs([written(tmp_path, sorted(lines))])

    assert found.proposal.key.without == "drop"
    assert "25% of the lines have no key" in found.proposal.doubts[0]


def test_lines_without_times_are_told(tmp_path):
    """The gap is a guess."""
    lines = [line[25:] for line in request_lines(requests(200))]
    found = inspect_logs([written(tmp_path, lines)])

    assert any("state no time" in doubt for doubt in found.proposal.doubts)


def test_what_is_said_about_the_format_holds(tmp_path):
    """A zone for times that state none, a format line."""
    lines = [line.replace("Z INFO", " INFO") for line in request_lines(requests(50))]
    path = written(tmp_path, lines)
    choice = FormatChoice("<Time> <Level> <Content>", time_zone="+02:00")

    assert inspect_logs([path], Wording(choice)).proposal.line_format.header == "<Time> <Level> <Content>"
    assert inspect_logs([path], Wording(FormatChoice(time_zone="+02:00"))).proposal.line_format.zone == "+02:00"


def test_lines_that_cannot_be_read_are_refused_together(tmp_path):
    """Nothing is left to look at."""
    with pytest.raises(ConfigurationError, match="none of 2 lines can be read as json"):
        inspect_logs([written(tmp_path, ["no json", "nor this"])], Wording(FormatChoice("json")))


def test_the_keys_that_are_measured_are_those_of_training_and_serving(tmp_path):
    """Columns of fields are read in a quicker way; each is what the key extractor finds."""
    sample = take_sample([written(tmp_path, json_lines(requests(40)))])
    line_format = detect_format(sample.lines)
    columns = read_columns(sample, LineParser(line_format, Templates()).parse(sample.lines), line_format)
    found = {candidate.rule: column for candidate, column in key_columns(columns)}

    assert KeyRule(fields=("/context/request_id",)) in found
    assert all(column == columns.keys(rule) for rule, column in found.items())


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("colours", [None, "truecolor"])
def test_hostile_lines_are_shown_and_never_obeyed(tmp_path, width, colours):
    """Control characters, markup and direction marks come out as text, whatever the terminal; it is never too wide."""
    evil = "\x1b]0;owned\x07\x1b[2J[red]x[/red] [/nonsense] \u202e \x9b1m"
    lines = [f"{line} {evil}" for line in request_lines(requests(30))]
    text = shown(inspect_logs([written(tmp_path, lines)]), width, color_system=colours, force_terminal=bool(colours))
    bare = re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\n", "") if colours else text.replace("\n", "")

    assert "\\x1b]0;owned" in bare or colours is None
    assert "[red]x[/red]" in bare or colours is None
    assert "\\x1b]<*>;owned" in bare
    assert not {"\x07", "\u202e", "\x9b"} & set(text)
    assert "\x1b]" not in text
    assert "\x1b[2J" not in text


def test_without_colours_letters_say_what_is_what(tmp_path):
    """Under the line itself, and never where colours do it."""
    found = inspect_logs([written(tmp_path, request_lines(requests(30)))])
    plain = shown(found, color_system=None)

    assert "tttttttttttttttttttttttthllllhh" not in shown(found, color_system="truecolor", force_terminal=True)
    assert "k = key" in plain
    assert "t" * 24 + "hllllh" in plain
    assert "k" * 16 in plain


def test_no_row_is_wider_than_a_narrow_terminal(tmp_path):
    """But for the file and the commands, which are there to be copied."""
    found = inspect_logs([written(tmp_path, request_lines(requests(60)))])
    output = io.StringIO()
    print_inspection(Console(file=output, width=50), found)

    assert max(len(row) for row in output.getvalue().splitlines()) <= 50


def test_wide_characters_are_marked_by_their_width(tmp_path):
    """A mark stands under each cell."""
    lines = [line.replace("shop", "商店") for line in request_lines(requests(30))]
    rows = shown(inspect_logs([written(tmp_path, lines)]), 200).splitlines()
    place = next(number for number, row in enumerate(rows) if row.startswith("2026"))

    assert rows[place + 1].index("k") == rows[place].index("[") + 1 + 2


def test_visible_text_keeps_what_can_be_read():
    """Letters of any script stay; bytes that are no text are written as such."""
    assert visible("日本 ü [b]x".encode()) == "日本 ü [b]x"
    assert visible(b"\xff\tx") == "\\xff x"


def test_everything_is_there_for_machines(tmp_path):
    """As JSON: format, templates, candidates with their numbers, the proposal."""
    found = json.loads(json.dumps(inspect_logs([written(tmp_path, request_lines(requests(50)))]).to_json()))

    assert found["proposal"]["key"]["pattern"] == r"\[([0-9a-f]{16})\]"
    assert found["keys"][0]["keys"] == 50
    assert found["format"]["header"] == "iso-level"
    assert "".join(part["text"] for part in found["examples"][0]).startswith("2026-03-01T")


def test_a_survey_of_all_lines_keeps_whole_sessions_in_bounded_memory(tmp_path):
    """Of many keys some are kept, with all of their lines; the gap is that of the whole log."""
    rows = requests(400)
    path = written(tmp_path, request_lines(rows))
    parser = LineParser(detect_format(path.encode() for path in request_lines(rows[:50])), Templates())
    key = KeyRule(pattern=r"\[([0-9a-f]{16})\]")
    everything, some = (surveyed_gap(LogFiles([path]), parser, key, SilentProgress(), most) for most in (10_000, 500))

    assert everything.gap_ms == some.gap_ms == 1000
    assert 40 <= len(some.session_events) < len(everything.session_events) == 400
    assert set(some.session_events) == {5, 6}


@pytest.mark.parametrize("name", [real("hdfs/train.log.gz")])
def test_hdfs_is_understood(name, tmp_path):
    """Blocks are the key, and their silences of hours do not end them; times are the first 40,000 lines'."""
    with gzip.open(DATA / name) as file:
        lines = [next(file) for _ in range(40_000)]
    path = tmp_path / "hdfs.log"
    path.write_bytes(b"".join(lines))
    found = inspect_logs([str(path)])

    assert found.detection.line_format.header == "hdfs"
    assert found.proposal.key == KeyRule(pattern="(blk_-?[0-9]+)")
    assert found.proposal.rule.session_gap_ms >= 3 * 3600 * 1000
    assert not found.gap.comes_back


@pytest.mark.parametrize("name", [real("bgl_sample/BGL_10k.log")])
def test_bgl_has_no_key(name):
    """Bursts over thousands of nodes: a node has one or two lines, so the log itself is the sequence."""
    found = inspect_logs([str(DATA / name)])

    assert found.detection.line_format.header == "bgl"
    assert found.ranking.best is None
    assert found.proposal.key == KeyRule(without="shared")


@pytest.mark.parametrize("name", [real("loghub_2k/OpenSSH/OpenSSH_2k.log")])
def test_sshd_is_understood(name):
    """Each connection has a process of its own."""
    assert inspect_logs([str(DATA / name)]).proposal.key == KeyRule(fields=("pid",))


def test_a_sample_of_very_long_lines_stays_small(tmp_path):
    """Each place would give a line at least, however long: beyond what was asked for there are no more places."""
    path = written(tmp_path, [f"{number} " + "x" * 1000 for number in range(100)])

    assert len(take_sample([path], most_bytes=2_500).lines) == 3
    assert len(take_sample([path], most_bytes=2_000_000).lines) == 100


def test_what_a_person_says_that_varies_is_one_template_and_in_the_command(tmp_path):
    """A mask of one's own joins templates, and the command that trains has it."""
    colours = ["red", "green", "blue", "white", "black", "pink", "grey"]
    lines = [f"2026-03-01T00:00:{n:02}Z INFO the lamp is {colour}" for n, colour in enumerate(colours)]
    path, masks = written(tmp_path, lines), OwnMasks.of([r"colour=lamp is (\w+)"])

    assert [each.text for each in inspect_logs([path], Wording(masks=masks)).templates] == ["the lamp is <*>"]
    text = shown(inspect_logs([path], Wording(masks=masks)), 200)
    assert "--mask 'colour=lamp is (\\w+)'" in text


def test_lines_that_cannot_be_read_and_utf_16_are_told_of(tmp_path):
    """A proposal for what is no log would be believed."""
    lines = request_lines(requests(300))
    (tmp_path / "wide.log").write_bytes("\n".join(lines).encode("utf-16"))
    (tmp_path / "half.log").write_bytes(b"\n".join([*(line.encode() for line in lines), *[b"\xff\xfe\xfd"] * 400]))

    assert any("UTF-16" in doubt for doubt in inspect_logs([str(tmp_path / "wide.log")]).proposal.doubts)
    assert any("cannot be read" in doubt for doubt in inspect_logs([str(tmp_path / "half.log")]).proposal.doubts)
    assert not any("UTF-16" in doubt for doubt in inspect_logs([str(tmp_path / "half.log")]).proposal.doubts)
