"""The table that `secretary call` prints of the same figures."""

import io

from call_events import STAGES, answer, greeting, question
from rich.console import Console

from services.domain import Turn
from telephony.commands.report import latency_table
from telephony.simulator import Exchange


def printed(turns: list[Turn], exchanges: list[Exchange]) -> list[str]:
    console = Console(width=120, file=io.StringIO())
    console.print(latency_table(turns, exchanges))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_each_answer_has_its_stages_the_far_ends_figure_and_its_gaps() -> None:
    _, head, first, second, *_ = printed(
        [greeting(), question(), answer()], [Exchange(0, 7.0, 7.525, 0.525, answered=True)]
    )
    assert head.split()[1:] == ["turn", "words", "text", "clause", "frame", "sound", "far", "end", "gaps"]
    assert first.split()[-7:] == ["-", "-", "5", "-", "-", "120", "-"]
    assert second.split()[-9:] == ["300", "320", "350", "360", "390", "410", "525", "2", "(80)"]


def test_a_stage_that_the_report_has_no_word_for_is_printed_by_its_name() -> None:
    later = answer(stages={**STAGES, "turn_model": 250.0}, playout={"gaps": 0, "longest_gap": 0})
    _, head, first, second, *_ = printed([greeting(), question(), later], [])
    assert head.split()[7] == "turn_model"
    assert first.split()[-2:] == ["-", "-"]
    assert second.split()[-2:] == ["250", "0"]


def test_turns_of_an_older_version_have_neither() -> None:
    assert printed([answer(stages={}, playout={})], [])[2].split()[-7:] == ["-"] * 7
