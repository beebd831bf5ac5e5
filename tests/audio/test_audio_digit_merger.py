"""Keys that two hear: each press is told once, none is lost."""

from hypothesis import given
from hypothesis import strategies as st

from services.audio.digit_merger import DigitMerger, Source

Heard = tuple[float, Source, str]


def told(*heard: Heard) -> str:
    merger = DigitMerger()
    return "".join(key for at, source, key in sorted(heard) if merger.push(key, source, at))


def test_either_alone_tells_every_press() -> None:
    assert told((0, "modem", "1"), (0.1, "modem", "1"), (3, "modem", "2")) == "112"
    assert told((0, "inband", "1"), (0.1, "inband", "1"), (3, "inband", "2")) == "112"


def test_once_the_modem_has_reported_tones_count_no_more() -> None:
    assert told((0, "modem", "1"), (0.05, "inband", "1"), (60, "inband", "5"), (61, "modem", "6")) == "16"


def test_a_report_after_its_tone_is_the_same_press() -> None:
    assert told((0, "inband", "1"), (1.2, "modem", "1")) == "1"
    assert told((0, "inband", "1"), (0.2, "inband", "2"), (0.4, "modem", "1"), (0.6, "modem", "2")) == "12"


def test_a_tone_answers_for_one_report_only() -> None:
    assert told((0, "inband", "1"), (0.3, "modem", "1"), (0.6, "modem", "1")) == "11"
    assert told((0, "inband", "1"), (0.2, "inband", "1"), (0.3, "modem", "1"), (0.5, "modem", "1")) == "11"


def test_a_report_of_another_key_or_much_later_is_a_press() -> None:
    assert told((0, "inband", "1"), (0.3, "modem", "2")) == "12"
    assert told((0, "inband", "1"), (2, "modem", "1")) == "11"


@given(
    st.lists(st.tuples(st.sampled_from("0123456789*#"), st.floats(0.09, 3.0)), max_size=20),
    st.floats(0.0, 1.4),
    st.floats(0.0, 0.04),
)
def test_what_both_hear_is_told_once_in_order(presses: list[tuple[str, float]], report: float, tone: float) -> None:
    heard: list[Heard] = []
    at = 0.0
    for key, pause in presses:
        at += pause
        heard += [(at + tone, "inband", key), (at + report, "modem", key)]
    assert told(*heard) == "".join(key for key, _ in presses)
