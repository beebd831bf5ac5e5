"""What callers will hear is spoken ahead by the reception, in the very pieces in which a call asks for it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from dialogue_desk import Desk as Dialogue
from dialogue_desk import Entries
from voice_desk import Books, EarsOf, a_desk
from voice_fakes import Act, FakeLine, MemoryLog

from services.domain import CompanyProfile, FaqEntry, Persona
from services.errors import StorageError
from services.knowledge.seed import seed_faq
from services.text.passages import passages
from services.text.spoken import to_spoken
from services.tts import piper
from services.tts.manager import Mouth
from services.voice.reception import Reception

MakeVoice = Callable[..., Path]
Start = Callable[..., Awaitable[Mouth]]


class ClinicBooks(Books):
    """The clinic and its personas, of one language or of both."""

    def __init__(self, dialogues: dict[str, Dialogue]) -> None:
        self._dialogues = dialogues

    async def profile(self, company_id: str) -> CompanyProfile | None:
        return next(iter(self._dialogues.values())).conversation.company

    async def for_language(self, company_id: str, language: str) -> Persona | None:
        dialogue = self._dialogues.get(language)
        return dialogue.conversation.persona if dialogue else None


@pytest.fixture
async def mouth(make_voice: MakeVoice, start: Start) -> Mouth:
    make_voice("ru_RU-irina-low")
    make_voice("en_US-amy-low", code="en_US", espeak="en-us", rate=16000)
    return await start(piper.ENGINE, languages=["en", "ru"])


def reception(folder: Path, mouth: Mouth, dialogues: dict[str, Dialogue], **parts: object) -> Reception:
    books = ClinicBooks(dialogues)
    secretary = next(iter(dialogues.values())).secretary
    given = {"companies": books, "personas": books, "conversations": books, "languages": ("en", "ru"), **parts}
    return Reception(a_desk(folder, MemoryLog(), mouth=mouth, secretary=secretary, **given))


async def misses(mouth: Mouth, language: str, texts: list[str], *, cut: bool = True) -> int:
    """Speak `texts` as a call does; return how many pieces were not there."""
    before, voice = mouth.cache_figures()["misses"], mouth.voice_for(language, "female")
    for text in texts:
        for piece in passages(text, language) if cut else [to_spoken(text, language)]:
            async for _ in mouth.synthesize(piece, voice, FakeLine.rate, fixed=True):
                pass
    return mouth.cache_figures()["misses"] - before


async def test_the_first_callers_greeting_comes_from_the_cache(tmp_path: Path, mouth: Mouth) -> None:
    dialogue = Dialogue("en")
    answering = reception(tmp_path, mouth, {"en": dialogue})
    line = FakeLine([Act(0.5, hang_up=True)])
    await answering.warm(line.info, line.rate, line.capabilities)
    await mouth.warmed()
    before = mouth.cache_figures()
    await answering.take(line)
    after = mouth.cache_figures()
    assert after["hits"] > before["hits"]
    assert after["misses"] == before["misses"]


async def test_fillers_facts_and_the_faqs_answers_are_there_in_each_language(tmp_path: Path, mouth: Mouth) -> None:
    dialogues = {language: Dialogue(language) for language in ("en", "ru")}
    answering = reception(tmp_path, mouth, dialogues)
    line = FakeLine([])
    await answering.warm(line.info, line.rate, line.capabilities)
    await mouth.warmed()
    for language, dialogue in dialogues.items():
        dialogue.conversation.company = dialogues["en"].conversation.company
        greeting = [
            each.text async for each in dialogue.secretary.greet(dialogue.conversation) if hasattr(each, "text")
        ]
        told = [entry.answer for entry in seed_faq(language)]
        assert told
        assert await misses(mouth, language, [*greeting, *told]) == 0
        fillers = [dialogue.secretary.filler(dialogue.conversation) for _ in range(4)]
        assert await misses(mouth, language, fillers, cut=False) == 0
    assert await misses(mouth, "en", ["Nobody has ever said this."]) == 1


async def test_a_language_without_ears_is_made_ready_only_where_it_is_the_lines_own(
    tmp_path: Path, mouth: Mouth
) -> None:
    dialogues = {language: Dialogue(language) for language in ("en", "ru")}
    answering = reception(tmp_path, mouth, dialogues, ears=EarsOf(None))
    line = FakeLine([])
    await answering.warm(line.info, line.rate, line.capabilities)
    await mouth.warmed()
    answers = {language: [seed_faq(language)[0].answer] for language in dialogues}
    assert await misses(mouth, "en", answers["en"]) == 0
    assert await misses(mouth, "ru", answers["ru"]) > 0


async def test_what_is_made_ready_is_bounded(tmp_path: Path, mouth: Mouth) -> None:
    entries = [FaqEntry(str(n), f"What is {n}?", f"Number {n} is a number.", "en") for n in range(60)]
    dialogue = Dialogue("en", entries=Entries(entries))
    texts = (await dialogue.secretary.likely(dialogue.conversation)).texts
    told = [text for text in texts if text.startswith("Number")]
    assert told == [entry.answer for entry in entries[:50]]


async def test_asking_what_is_likely_changes_and_stores_nothing() -> None:
    dialogue = Dialogue("en", returning=True)
    dialogue.conversation.state = {"v": 1, "name": "John Smith", "filler": "One moment, please."}
    likely = await dialogue.secretary.likely(dialogue.conversation)
    assert dialogue.conversation.state == {"v": 1, "name": "John Smith", "filler": "One moment, please."}
    assert not dialogue.memory.stored
    assert not any("John" in text for text in likely.texts)
    assert (await dialogue.say("what are your prices")).text in likely.texts


async def test_books_that_cannot_be_read_cost_the_warming_only(tmp_path: Path, mouth: Mouth) -> None:
    class Away(ClinicBooks):
        async def profile(self, company_id: str) -> CompanyProfile | None:
            raise StorageError("The database is away.")

    books = Away({})
    answering = Reception(a_desk(tmp_path, MemoryLog(), mouth=mouth, companies=books, personas=books))
    line = FakeLine([])
    await answering.warm(line.info, line.rate, line.capabilities)
    assert mouth.cache_figures() == {"hits": 0, "misses": 0}
