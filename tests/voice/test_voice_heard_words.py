"""How much of a sentence was heard: the guess for voices without word marks, held against espeak-ng's own marks."""

from pathlib import Path

import pytest

from services.audio.frame import Frame
from services.engines import EngineContext
from services.text.spoken import to_spoken
from services.tts.manager import Mouth
from services.tts.settings import TtsSettings
from services.voice.speaking.spoken_chunk import SpokenChunk

RATE = 8000
SENTENCES = {
    "en": (
        "We are open Monday to Friday from 9:00 to 20:00 and on Saturday from 10:00 to 16:00.",
        "We are at 12 Garden Street, a five-minute walk from Park Square station.",
        "I am afraid I do not know that, but I can take a message and somebody will answer you.",
    ),
    "ru": (
        "Мы работаем с понедельника по пятницу с 9:00 до 20:00, в субботу с 10:00 до 16:00.",
        "Парковка для пациентов бесплатная: въезд во двор слева от главного входа, шлагбаум откроет охранник.",
        "К сожалению, я этого не знаю, но могу записать сообщение, и вам ответят.",
    ),
}


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_without_marks_the_guess_is_a_word_off_and_seldom_two(language: str, tmp_path: Path) -> None:
    mouth = Mouth(EngineContext(tmp_path / "models", tmp_path), TtsSettings(engine="espeak"))
    await mouth.start([language])
    try:
        voice, differences = mouth.voice_for(language, "female"), []
        for text in SENTENCES[language]:
            spoken = to_spoken(text, language)
            marked, plain = (SpokenChunk(text, spoken, start=0) for _ in range(2))
            async for piece in mouth.synthesize(spoken, voice, RATE):
                if isinstance(piece, Frame):
                    marked.sent = plain.sent = plain.sent + len(piece.samples)
                else:
                    marked.marks.append(piece)
            marked.complete = plain.complete = True
            assert marked.marks
            for played in range(0, plain.sent, RATE // 50):
                exact, guess = (len(each.heard(played, RATE).split()) for each in (marked, plain))
                differences.append(abs(exact - guess))
    finally:
        await mouth.close()
    assert max(differences) <= 2
    assert sum(each > 1 for each in differences) < 0.03 * len(differences)
