import pytest

from services.text.spoken import to_spoken

# What an educated speaker says: (written, spoken), every line read by a person.
SPOKEN: list[tuple[str, str]] = [
    ("We are open from 9 am to 6 pm.", "We are open from nine AM to six PM."),
    ("from 9:00 to 18:00", "from nine AM to six PM"),
    ("at 9:05", "at nine oh five"),
    ("9 a.m. to 5:30 p.m.", "nine AM to five thirty PM."),
    ("It is 10:30.", "It is ten thirty."),
    ("Nov 21, 2026", "November twenty-first, twenty twenty-six"),
    ("on November 21st", "on November twenty-first"),
    ("21 November 2026", "the twenty-first of November, twenty twenty-six"),
    ("2026-11-21", "November twenty-first, twenty twenty-six"),
    ("11/21/2026", "November twenty-first, twenty twenty-six"),
    ("in 2026", "in twenty twenty-six"),
    ("in 1999", "in nineteen ninety-nine"),
    ("since 2005", "since two thousand five"),
    ("in 2010 we", "in twenty ten we"),
    ("the 1990s", "the nineteen nineties"),
    ("$1,500.50", "one thousand five hundred dollars and fifty cents"),
    ("$20", "twenty dollars"),
    ("$1", "one dollar"),
    ("€15", "fifteen euros"),
    ("£2.5 million", "two point five million pounds"),
    ("$5.01", "five dollars and one cent"),
    ("20 $", "twenty dollars"),
    ("15%", "fifteen percent"),
    ("2.5 km", "two point five kilometres"),
    ("1 kg", "one kilogram"),
    ("-5 °C", "minus five degrees Celsius"),
    ("60 mph", "sixty miles per hour"),
    ("16 GB", "sixteen gigabytes"),
    ("21st", "twenty-first"),
    ("10–12 minutes", "ten to twelve minutes"),
    ("$100-200", "one hundred to two hundred dollars"),
    ("1/2", "one half"),
    ("3/4", "three quarters"),
    ("24/7", "twenty-four seven"),
    ("No. 5", "number five"),
    ("Dr. Smith", "Doctor Smith"),
    ("12 Main St., apt 5", "twelve Main Street, apartment five"),
    ("St. Petersburg", "Saint Petersburg"),
    ("e.g. this", "for example this"),
    ("cats, dogs, etc.", "cats, dogs, et cetera."),
    ("+1 (555) 123-4567", "plus one, five five five, one two three, four five six seven"),
    ("555-1234", "five five five, one two three four"),
    ("info@example.com", "info at example dot com"),
    ("https://example.com/price", "example dot com slash price"),
    ("code 4512", "code four five one two"),
    ("1,234,567", "one million two hundred and thirty-four thousand five hundred and sixty-seven"),
    ("101", "one hundred and one"),
    ("0.5", "zero point five"),
    ("9am-5pm", "nine AM to five PM"),
    ("9:00–18:00", "nine AM to six PM"),
    ("Mr. Brown & sons", "Mister Brown and sons"),
    ("5 to 10", "five to ten"),
    ("August 5 to 7", "August fifth to seventh"),
    ("The 3rd floor", "The third floor"),
    ("0800", "zero eight zero zero"),
    ("5 ft", "five feet"),
    ("it costs 100.", "it costs one hundred."),
    ("at 12:00", "at twelve o'clock"),
    ("at 0:30", "at twelve thirty AM"),
    ("at 221B Baker St., London", "at two hundred and twenty-one B Baker Street, London"),
    ("I have 2 cats and 1 dog.", "I have two cats and one dog."),
    ("between 3 and 5", "between three and five"),
]


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("The number: 415 555 2671.", "The number: four one five, five five five, two six seven one."),
        ("The number: 07912 345 678.", "The number: zero seven nine one two, three four five, six seven eight."),
        ("It is 555 1234.", "It is five five five, one two three four."),
        ("Call 999 or 112.", "Call nine nine nine or one hundred and twelve."),
        ("We call 4 people.", "We call four people."),
    ],
)
def test_numbers_to_call_are_said_figure_by_figure(written: str, spoken: str) -> None:
    assert to_spoken(written, "en") == spoken


@pytest.mark.parametrize(("written", "spoken"), SPOKEN)
def test_spoken_form(written: str, spoken: str) -> None:
    assert to_spoken(written, "en") == spoken


def test_the_table_is_large_enough_and_leaves_no_figure() -> None:
    assert len(SPOKEN) >= 50
    assert not any(any(map(str.isdigit, to_spoken(written, "en"))) for written, _ in SPOKEN)
