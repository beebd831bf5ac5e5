"""Speaking ahead what will be said: in the background, and behind every caller."""

import asyncio
from pathlib import Path

from speech_cache import GREETING, Noted, Start, files, speak


async def test_warming_speaks_ahead_and_only_what_is_not_there(start: Start, natural: Noted, tmp_path: Path) -> None:
    texts = [GREETING, "Минуту.", "Мы работаем с девяти до шести.", GREETING, " "]
    mouth = await start(natural)
    voice = mouth.voice_for("ru", "female")
    mouth.warm(texts, voice, 8000)
    await asyncio.wait_for(mouth.warmed(), 20)
    assert natural.asked == texts[:3]
    for text in texts[:3]:
        await speak(mouth, text)
    mouth.warm(texts, voice, 8000)
    await asyncio.wait_for(mouth.warmed(), 20)
    assert len(natural.asked) == 3
    await mouth.close()
    assert len(files(tmp_path)) == 3


async def test_warming_lets_callers_go_first(start: Start, natural: Noted) -> None:
    mouth = await start(natural)
    voice = mouth.voice_for("ru", "female")
    live = mouth.synthesize("Секунду, я посмотрю.", voice, 8000)
    await anext(live)
    mouth.warm([GREETING], voice, 8000)
    await speak(mouth, "Да.", fixed=False)
    assert GREETING not in natural.asked
    await live.aclose()
    await asyncio.wait_for(mouth.warmed(), 20)
    assert natural.asked[-1] == GREETING


async def test_warming_can_be_ended_and_begun_again(start: Start, natural: Noted, tmp_path: Path) -> None:
    mouth = await start(natural)
    voice = mouth.voice_for("ru", "female")
    mouth.warm([f"Ответ номер {number}." for number in range(40)], voice, 8000)
    await asyncio.sleep(0)
    await mouth.stop_warming()
    assert len(natural.asked) < 2
    mouth.warm(["Да."], voice, 8000)
    await asyncio.wait_for(mouth.warmed(), 20)
    assert natural.asked[-1] == "Да."
    mouth.warm([f"Ответ номер {number}." for number in range(40)], voice, 8000)
    await mouth.close()
    assert len(natural.asked) < 4


async def test_warming_goes_on_after_a_text_that_cannot_be_spoken(start: Start, natural: Noted) -> None:
    mouth = await start(natural)
    natural.breaks_at = 3
    voice = mouth.voice_for("ru", "female")
    mouth.warm(["Раз.", "Два."], voice, 8000)
    await asyncio.wait_for(mouth.warmed(), 20)
    assert natural.asked == ["Раз.", "Два."]
