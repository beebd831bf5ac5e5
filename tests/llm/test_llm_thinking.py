"""Thoughts of reasoning models are not spoken, wherever the stream is cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.llm.thinking import ThinkingFilter

LONGEST = len("</thinking>") - 1
plain = st.text(alphabet=st.sampled_from("ab <>/\nпthinkTHINK"), max_size=12)
pieces = st.lists(st.one_of(plain, st.sampled_from(["<think>", "</think>", "<THINK>", "<thinking>", "</Thinking>"])))


def without_thoughts(text: str) -> str:
    """The same at once: what stands outside of thoughts, an unfinished one to the end, stray closing tags apart."""
    text = re.sub(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", "", text, flags=re.I | re.S)
    return re.sub(r"</think(?:ing)?>", "", text, flags=re.I)


def streamed(parts: list[str]) -> tuple[str, list[str]]:
    filtering = ThinkingFilter()
    said = [filtering.push(each) for each in parts]
    return "".join([*said, filtering.flush()]), said


@given(parts=pieces)
def test_any_cuts_say_what_stands_outside_of_the_thoughts(parts: list[str]) -> None:
    whole = "".join(parts)
    once, _ = streamed([whole])
    assert streamed(parts)[0] == streamed(list(whole))[0] == once


@given(before=st.text("abc \n<"), thought=st.text("abc <>/\nпthink"), after=st.text("abc \n<"), data=st.data())
def test_a_thought_is_dropped_and_nothing_else(before: str, thought: str, after: str, data: st.DataObject) -> None:
    whole = f"{before}<think>{thought}</think>{after}"
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    parts = [whole[start:end] for start, end in zip([0, *places], [*places, len(whole)], strict=True)]
    assert streamed(parts)[0] == without_thoughts(whole)


@given(text=st.text())
def test_a_text_without_tags_stays_and_is_hardly_held_back(text: str) -> None:
    if without_thoughts(text) != text:
        return
    filtering, said = ThinkingFilter(), ""
    for at, character in enumerate(text, 1):
        said += filtering.push(character)
        assert at - len(said) <= LONGEST
        assert text.startswith(said)
        assert said == text[:at] or "<" in text[len(said) : at]
    assert said + filtering.flush() == text


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (["<thi", "nk>Hm, hours.</th", "ink>\n\nWe are open."], "\n\nWe are open."),
        (["hours, then.</think>We are open."], "hours, then.We are open."),
        (["<think>never ends"], ""),
        (["<think>a</think>One. <think>b</think>Two."], "One. Two."),
        (["<think>I write <think> here</think>One."], "One."),
        (["3 < 4 and <b> it is"], "3 < 4 and <b> it is"),
        (["so <th"], "so <th"),
    ],
)
def test_thoughts(parts: list[str], said: str) -> None:
    assert streamed(parts)[0] == said
