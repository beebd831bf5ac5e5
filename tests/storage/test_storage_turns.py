"""Any turn that a call can have survives the database."""

from dataclasses import asdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.domain import Turn
from services.events import CallEvent, CallEventType
from services.storage.calls.calls import CallStore
from services.storage.columns import new_id
from services.storage.database import Database

# No lone surrogates and no NUL: no database keeps them, see PlainText.
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
TURNS = st.builds(
    Turn,
    index=st.integers(0, 2**31 - 1),
    role=st.sampled_from(["caller", "secretary"]),
    intended=WORDS,
    heard=WORDS,
    language=WORDS,
    start=NUMBERS,
    end=NUMBERS,
    source=WORDS,
    detail=WORDS,
    score=st.none() | NUMBERS,
    confidence=st.none() | NUMBERS,
    words=st.lists(st.dictionaries(WORDS, JSON, max_size=3), max_size=3).map(tuple),
    persona=WORDS,
    persona_version=st.integers(0, 2**31 - 1),
    model=WORDS,
    tools=st.lists(WORDS, max_size=3).map(tuple),
    tokens_in=st.integers(0, 2**31 - 1),
    tokens_out=st.integers(0, 2**31 - 1),
    stages=st.dictionaries(WORDS, NUMBERS, max_size=4),
    playout=st.dictionaries(WORDS, NUMBERS, max_size=2),
    interrupted_by=st.sampled_from(["", "caller"]),
)


async def test_any_turn_comes_back_as_it_was_stored(database: Database) -> None:
    calls = CallStore(database)
    turns: list[Turn] = []

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(TURNS)
    def collect(turn: Turn) -> None:
        turns.append(turn)

    collect()
    for turn in turns:
        call_id = new_id()
        await calls.append(CallEvent("default", call_id, 0, 0, CallEventType.STARTED))
        await calls.append(CallEvent("default", call_id, 1, 1000, CallEventType.TURN, asdict(turn)))
        assert await calls.turns("default", call_id) == (turn,)
