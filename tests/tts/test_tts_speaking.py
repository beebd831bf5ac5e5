"""The mouth with the real espeak-ng and Piper."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

from workers_here import workers_here

from services.audio.frame import Frame
from services.parts import State
from services.tts import espeak
from services.tts.manager import Mouth
from services.tts.protocol import Voice, WordMark

MakeVoice = Callable[..., Path]
Start = Callable[..., Awaitable[Mouth]]


async def speak(mouth: Mouth, text: str, voice: Voice, rate: int = 8000) -> tuple[list[Frame], list[WordMark]]:
    frames: list[Frame] = []
    marks: list[WordMark] = []
    async with aclosing(mouth.synthesize(text, voice, rate)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Frame):
                frames.append(piece)
            else:
                marks.append(piece)
    assert [each.position for each in frames] == [index * (rate // 50) for index in range(len(frames))]
    return frames, marks


async def test_the_bare_installation_speaks_with_espeak_and_says_so(start: Start) -> None:
    mouth = await start(languages=("ru", "en"))
    for language, text in (("ru", "Добрый день"), ("en", "Good afternoon")):
        frames, marks = await speak(mouth, text, mouth.voice_for(language, "female"))
        assert 20 < len(frames) < 100
        assert len(marks) == 2
    assert mouth.voice_for("ru", "female").name == "ru+f3"
    assert mouth.voice_for("en-GB", "male").name == "en+m3"
    assert {each.voice.language for each in mouth.voices()} == {"ru", "en"}
    parts = mouth.parts()
    assert [each.state for each in parts] == [State.DEGRADED] * 2
    assert "robotic" in parts[0].detail
    assert "MODELS_DIR/piper" in parts[0].remedy
    assert 0 < mouth.first_audio_ms()["espeak"] < 3000


async def test_piper_is_preferred_where_it_has_a_voice(start: Start, make_voice: MakeVoice) -> None:
    make_voice("ru_RU-irina-low")
    mouth = await start(languages=("ru", "en"))
    assert mouth.voice_for("ru", "female") == Voice(
        "piper", "ru_RU-irina-low", "ru", parameters=(("gender", "female"),)
    )
    assert mouth.voice_for("en", "female").engine == "espeak"
    assert [each.state for each in mouth.parts()] == [State.READY, State.DEGRADED]
    frames, marks = await speak(mouth, "Добрый день", mouth.voice_for("ru", "male"))
    assert frames
    assert not marks


async def test_a_broken_piper_voice_leaves_espeak_and_is_named(start: Start, make_voice: MakeVoice) -> None:
    make_voice("ru_RU-irina-low").write_bytes(b"")
    mouth = await start()
    part = mouth.parts()[0]
    assert mouth.voice_for("ru", "female").engine == "espeak"
    assert "irina" in part.remedy
    assert "not an ONNX model" in part.remedy


async def test_a_killed_piper_is_replaced_in_mid_call(start: Start, make_voice: MakeVoice) -> None:
    make_voice("ru_RU-irina-low")
    mouth = await start()
    voice = mouth.voice_for("ru", "female")
    for child in workers_here():
        if "services.tts.piper_worker" in " ".join(child.cmdline()):
            child.kill()
    frames, _ = await speak(mouth, "Добрый день", voice)
    assert frames


async def test_espeak_alone_that_dies_in_mid_sentence_finishes_it(start: Start) -> None:
    text = "Раз, два, три, четыре, пять, шесть, семь, восемь, девять, десять. " * 20
    mouth = await start(espeak.ENGINE)
    voice = mouth.voice_for("ru", "female")
    whole, _ = await speak(mouth, text, voice)
    frames: list[Frame] = []
    marks: list[WordMark] = []
    async with aclosing(mouth.synthesize(text, voice, 8000)) as pieces:
        async for piece in pieces:
            if isinstance(piece, WordMark):
                marks.append(piece)
                continue
            frames.append(piece)
            if len(frames) == 200:
                for child in workers_here():
                    child.kill()
    words = [text[each.start : each.start + each.length] for each in marks]
    assert words[-1] == "десять"
    assert 0.97 < len(frames) / len(whole) < 1.1
    assert [each.position for each in frames] == [index * 160 for index in range(len(frames))]


async def test_leaving_in_the_middle_stops_the_engine(start: Start) -> None:
    mouth = await start(espeak.ENGINE)
    voice = mouth.voice_for("ru", "female")
    for _ in range(40):
        pieces = mouth.synthesize("Это очень длинная речь. " * 1000, voice, 8000)
        await anext(pieces)
        await pieces.aclose()
    frames, _ = await speak(mouth, "Да", voice)
    assert frames
    await mouth.close()
    assert not workers_here()
