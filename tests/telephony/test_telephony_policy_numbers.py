import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.errors import LineError
from services.text.phone_numbers import normal, region_of, spellings
from telephony.policy.numbers import matches
from telephony.policy.tolls import admitted, dialable, is_emergency, need


@pytest.mark.parametrize(
    ("zone", "language", "region"),
    [
        ("Europe/Moscow", "ru", "RU"),
        ("Asia/Almaty", "ru", "KZ"),
        ("Europe/Kiev", "ru", "UA"),  # the older name of Europe/Kyiv
        ("America/New_York", "en", "US"),
        ("UTC", "en", "US"),
        ("UTC", "ru", "RU"),
        ("Nowhere/Land", "", "RU"),
    ],
)
def test_the_region_is_where_the_clock_hangs(zone: str, language: str, region: str) -> None:
    assert region_of(zone, language) == region


@pytest.mark.parametrize(
    ("told", "region", "kept"),
    [
        ("8 (999) 123-45-67", "RU", "+79991234567"),
        ("+7 999 123 45 67", "RU", "+79991234567"),
        ("79991234567", "RU", "+79991234567"),
        ("9991234567", "RU", "+79991234567"),
        ("8 10 44 20 7946 0012", "RU", "+442079460012"),
        ("442079460012", "RU", "+442079460012"),  # the modem lost the plus
        ("020 7946 0012", "GB", "+442079460012"),
        ("380441234567", "RU", "+380441234567"),
        ("3725123456", "RU", "+3725123456"),  # as long as a Russian one, but there is none like it
        ("8-800-555-35-35", "RU", "+78005553535"),
        ("+7 (916)\u00a0000\u201300\u201301", "RU", "+79160000001"),
        ("900", "RU", "900"),
        ("0611", "RU", "0611"),
        ("123-45-67", "RU", "1234567"),  # a town's number: whose town?
        ("*100#", "RU", "*100#"),
        (" MTS ", "RU", "MTS"),
        ("alice@example.com", "RU", "alice@example.com"),
        ("", "RU", ""),
        ("Anonymous", "RU", ""),
        ("withheld", "RU", ""),
    ],
)
def test_a_number_has_one_spelling(told: str, region: str, kept: str) -> None:
    assert normal(told, region) == kept


@settings(max_examples=80, deadline=None)
@given(st.text("+0123456789()- *#abc", max_size=18), st.sampled_from(["RU", "US", "GB", "KZ", "DE", "IT"]))
def test_the_one_spelling_stays_as_it_is(told: str, region: str) -> None:
    kept = normal(told, region)
    assert normal(kept, region) == kept


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 9_999_999), st.sampled_from(["RU", "US"]))
def test_every_spelling_is_the_same_number(tail: int, region: str) -> None:
    number = f"+7916{tail:07}" if region == "RU" else f"+1202{2_000_000 + tail % 8_000_000}"
    told = spellings(number, region)
    assert len(told) >= 3
    assert {normal(each, region) for each in told} == {number}


@pytest.mark.parametrize(
    ("pattern", "number", "fits"),
    [
        ("8 (999) 123-45-67", "+79991234567", True),
        ("8 (999) 123-45-67", "+79991234568", False),
        ("+7999*", "+79991234567", True),
        ("+7 (999) *", "+79991234567", True),
        ("+7999*", "+79981234567", False),
        ("*", "+79991234567", True),
        ("*", "900", True),
        ("*", "", False),  # "*" is who shows a number
        ("withheld", "", True),
        ("withheld", "+79991234567", False),
        ("900", "900", True),
        ("900", "+79009000900", False),
        ("+7900*", "900", False),
        ("mts", "MTS", True),
        ("MTS", "MTSbank", False),
    ],
)
def test_patterns(pattern: str, number: str, *, fits: bool) -> None:
    assert bool(matches(pattern, number, "RU")) is fits


def test_the_closer_pattern_counts_more() -> None:
    patterns = ["*", "+7*", "+7999*", "+7999123*", "89991234567"]
    closeness = [matches(pattern, "+79991234567", "RU") for pattern in patterns]
    assert closeness == sorted(closeness)
    assert len(set(closeness)) == len(patterns)


@pytest.mark.parametrize(
    ("to", "region"),
    [
        ("112", "RU"), ("1-1-2", "RU"), ("+112", "RU"), ("+7 112", "RU"), ("101", "RU"), ("102", "RU"), ("103", "US"),
        ("01", "RU"), ("911", "RU"), ("911", "US"), ("999", "GB"), ("000", "AU"), ("110", "DE"), ("15", "FR"),
        ("08", "RU"),
    ],
)  # fmt: skip
def test_emergency_numbers_are_never_dialled(to: str, region: str) -> None:
    with pytest.raises(LineError):
        dialable(to, region)


def test_an_emergency_number_is_named_as_one() -> None:
    assert is_emergency("112", "RU")
    assert not is_emergency("+79161121121", "RU")
    with pytest.raises(LineError, match="emergency"):
        dialable("112", "RU")


@pytest.mark.parametrize(
    "to", ["", "withheld", "*100#", "**21*+79991234567#", "112;", "+79161234567;", "ATH", "1", "1234567", "+7916",
           "9" * 40, "+7916123456789", "8 916 123-45-67 доб. 5", "+٧٩١٦١٢٣٤٥٦٧", "+79161234567,,1"],
)  # fmt: skip
def test_only_whole_numbers_are_dialled(to: str) -> None:
    with pytest.raises(LineError):
        dialable(to, "RU")


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.text(max_size=20), st.from_regex(r"[+0-9;,*# ٧()-]{3,18}")), st.sampled_from(["RU", "US", "GB"]))
def test_what_is_dialled_is_digits(to: str, region: str) -> None:
    try:
        number = dialable(to, region)
    except LineError:
        return
    assert number.removeprefix("+").isdigit()
    assert number.isascii()
    assert not is_emergency(number, region)


@pytest.mark.parametrize(
    ("number", "region", "why"),
    [
        ("+79161234567", "RU", ""),
        ("+74951234567", "RU", ""),
        ("+78005553535", "RU", ""),
        ("+78095551234", "RU", "costly"),
        ("+70000000000", "RU", "costly"),  # no such numbers are given out: who knows what it costs
        ("+77011234567", "RU", "abroad"),  # Kazakhstan shares the country code
        ("+442079460012", "RU", "abroad"),
        ("+881612345678", "RU", "abroad"),  # a satellite
        ("+18765551234", "US", "abroad"),  # Jamaica shares the country code
        ("+19005551234", "US", "costly"),
        ("900", "RU", "short"),
    ],
)
def test_what_must_be_named(number: str, region: str, why: str) -> None:
    assert need(number, region) == why


@pytest.mark.parametrize(
    ("patterns", "number", "region", "may"),
    [
        (["*"], "+79161234567", "RU", True),
        (["+7*"], "+79161234567", "RU", True),
        (["8 916 123-45-67"], "+79161234567", "RU", True),
        ([], "+79161234567", "RU", False),
        (["+7495*"], "+79161234567", "RU", False),
        (["*"], "+442079460012", "RU", False),
        (["+4*"], "+442079460012", "RU", False),
        (["+44*"], "+442079460012", "RU", True),
        (["*", "+7*", "+78*"], "+78095551234", "RU", False),
        (["+7809*"], "+78095551234", "RU", True),
        (["88095551234"], "+78095551234", "RU", True),
        (["+7*"], "+77011234567", "RU", False),
        (["+77*"], "+77011234567", "RU", True),
        (["+1*", "+18*", "*"], "+18765551234", "US", False),
        (["+1876*"], "+18765551234", "US", True),
        (["+1*"], "+18765551234", "RU", True),  # from Russia +1 is abroad as a whole
        (["+1*"], "+14165551234", "US", False),  # Canada
        (["+1416*"], "+14165551234", "US", True),
        (["+7*"], "+79161234567", "KZ", False),
        (["+79*"], "+79161234567", "KZ", True),
        (["*"], "900", "RU", False),
        (["900"], "900", "RU", True),
        (["+8*"], "+881612345678", "RU", False),
        (["+881*"], "+881612345678", "RU", True),
    ],
)
def test_dear_numbers_are_dialled_only_when_the_owner_names_them(
    patterns: list[str], number: str, region: str, *, may: bool
) -> None:
    assert admitted(number, patterns, region) is may
