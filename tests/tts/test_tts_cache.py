"""Speech that is the same for every caller is spoken once, with the real espeak-ng and the real piper-tts."""

import asyncio
import os
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from speech_cache import GREETING, MakeVoice, Noted, Start, files, same, speak, written

from services.audio.frame import Frame
from services.errors import EngineError
from services.parts import State
from services.tts import espeak
from services.tts.cache_file import FORMAT
from services.tts.protocol import Voice


async def test_the_same_marks_and_frames_come_from_the_cache(start: Start) -> None:
    engine = Noted(espeak.ENGINE)
    mouth = await start(engine)
    plain = await speak(mouth, fixed=False)
    assert sum(not isinstance(piece, Frame) for piece in plain) == len(GREETING.split())
    spoken = await speak(mouth)
    kept = await speak(mouth)
    assert len(engine.asked) == 2
    assert same(spoken, kept)
    # espeak breathes differently each time; its words and its pace are the same.
    assert len(plain) == len(spoken)
    assert [each for each in plain if not isinstance(each, Frame)] == [
        each for each in kept if not isinstance(each, Frame)
    ]


async def test_every_part_of_the_request_counts(start: Start) -> None:
    engine = Noted(espeak.ENGINE)
    mouth = await start(engine)
    woman, man = mouth.voice_for("ru", "female"), mouth.voice_for("ru", "male")
    high = Voice(woman.engine, woman.name, "ru", parameters=(("pitch", "90"),))
    quick = Voice(woman.engine, woman.name, "ru", 1.5, woman.parameters)
    requests = [(GREETING, woman, 8000), ("Алло.", woman, 8000), (GREETING, woman, 16000)]
    requests += [(GREETING, each, 8000) for each in (man, high, quick)]
    first = [await speak(mouth, text, rate, voice=voice) for text, voice, rate in requests]
    assert len(engine.asked) == len(requests)
    again = [await speak(mouth, text, rate, voice=voice) for text, voice, rate in requests]
    assert len(engine.asked) == len(requests)
    assert all(same(one, other) for one, other in zip(first, again, strict=True))


async def test_what_is_found_in_memory_comes_without_a_wait(start: Start) -> None:
    mouth = await start(espeak.ENGINE)
    await speak(mouth)
    pieces = mouth.synthesize(GREETING, mouth.voice_for("ru", "female"), 8000, fixed=True)
    with pytest.raises(StopIteration) as first:
        pieces.__anext__().send(None)  # one step of the coroutine: it ends where it would wait
    assert first.value.value is not None
    await pieces.aclose()


async def test_it_outlives_a_restart_and_is_nobody_elses_to_read(start: Start, natural: Noted, tmp_path: Path) -> None:
    mouth = await start(natural)
    spoken = await speak(mouth)
    await mouth.close()
    (file,) = files(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert GREETING.encode() not in file.read_bytes()
    mouth = await start(natural)
    assert same(await speak(mouth), spoken)
    assert same(await speak(mouth), spoken)
    assert natural.asked == [GREETING]
    await speak(mouth, rate=16000)
    assert len(natural.asked) == 2


async def test_a_text_of_one_caller_is_kept_nowhere(start: Start, natural: Noted, tmp_path: Path) -> None:
    mouth = await start(natural)
    for _ in range(2):
        await speak(mouth, "Ваш заказ на имя Петровой готов.", fixed=False)
    await mouth.close()
    assert files(tmp_path) == []
    assert len(natural.asked) == 2


async def test_an_instant_engine_writes_no_files(start: Start, tmp_path: Path) -> None:
    mouth = await start(espeak.ENGINE)
    await speak(mouth)
    await mouth.close()
    assert files(tmp_path) == []


async def test_without_disk_or_without_memory(start: Start, natural: Noted, tmp_path: Path) -> None:
    mouth = await start(natural, cache_disk_mb=0)
    spoken = await speak(mouth)
    await speak(mouth)
    await mouth.close()
    assert natural.asked == [GREETING]
    assert not (tmp_path / "speech-cache").exists()
    mouth = await start(natural, cache_memory_mb=0)
    await speak(mouth)
    await written(mouth, tmp_path, 1)
    assert same(await speak(mouth), spoken)
    assert len(natural.asked) == 2
    await mouth.close()
    mouth = await start(natural, cache_memory_mb=0, cache_disk_mb=0)
    await speak(mouth)
    await speak(mouth)
    assert len(natural.asked) == 4


def cut(data: bytes) -> bytes:
    return data[:-1000]


def flip(data: bytes) -> bytes:
    return data[:500] + bytes([data[500] ^ 1]) + data[501:]


def older(data: bytes) -> bytes:
    return data[:8] + (FORMAT - 1).to_bytes(4, "little") + data[12:]


@pytest.mark.parametrize("harm", [cut, flip, older, lambda _: b"", lambda _: b"RIFF" * 500])
async def test_a_damaged_file_is_removed_and_the_text_spoken_anew(
    start: Start, natural: Noted, tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    mouth = await start(natural)
    spoken = await speak(mouth)
    await mouth.close()
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(harm(whole))
    mouth = await start(natural)
    assert same(await speak(mouth), spoken)
    assert natural.asked == [GREETING] * 2
    await mouth.close()
    assert file.read_bytes() == whole


async def test_a_new_model_of_the_same_name_speaks_for_itself(
    start: Start, natural: Noted, tmp_path: Path, make_voice: MakeVoice
) -> None:
    mouth = await start(natural)
    await speak(mouth)
    await mouth.close()
    os.utime(make_voice("ru_RU-irina-low"), ns=(1, 1))
    mouth = await start(natural)
    await speak(mouth)
    assert len(natural.asked) == 2
    await mouth.close()
    assert len(files(tmp_path)) == 2


async def test_what_was_interrupted_is_not_kept(start: Start, natural: Noted, tmp_path: Path) -> None:
    mouth = await start(natural)
    async with aclosing(mouth.synthesize(GREETING, mouth.voice_for("ru", "female"), 8000, fixed=True)) as pieces:
        async for _ in pieces:
            break
    await speak(mouth, fixed=False)
    assert len(natural.asked) == 2
    whole = await speak(mouth)
    assert len(natural.asked) == 3
    assert same(await speak(mouth), whole)
    await mouth.close()
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("breaks_at", [0, 5])
async def test_what_another_engine_spoke_or_finished_is_not_kept(
    start: Start, natural: Noted, tmp_path: Path, breaks_at: int
) -> None:
    stand_in = Noted(espeak.ENGINE)
    mouth = await start(natural, stand_in)
    natural.breaks_at = breaks_at
    try:
        await speak(mouth)
    except EngineError:
        assert breaks_at  # nobody knows which words a voice without word times has said
    await speak(mouth)  # piper rests: espeak speaks from the beginning
    await speak(mouth)
    assert len(natural.asked) == 1
    assert len(stand_in.asked) == (2 if breaks_at else 3)
    await mouth.close()
    assert files(tmp_path) == []


async def test_what_was_mended_in_the_middle_is_not_kept(start: Start) -> None:
    engine = Noted(espeak.ENGINE)
    mouth = await start(engine)
    engine.breaks_at = 30
    mended = await speak(mouth)
    assert engine.asked[0] == GREETING
    assert GREETING.endswith(engine.asked[1])
    whole = await speak(mouth)
    assert len(engine.asked) == 3
    assert len(whole) < len(mended)
    assert same(await speak(mouth), whole)


async def test_what_is_kept_needs_no_engine(start: Start, natural: Noted) -> None:
    stand_in = Noted(espeak.ENGINE)
    mouth = await start(natural, stand_in)
    spoken = await speak(mouth)
    natural.breaks_at = 0
    await speak(mouth, "Да.", fixed=False)  # piper rests now
    assert same(await speak(mouth), spoken)
    assert stand_in.asked == ["Да."]
    assert mouth.cache_figures() == {"hits": 1, "misses": 1}


async def test_two_who_ask_at_once_both_hear_it(start: Start, natural: Noted, tmp_path: Path) -> None:
    mouth = await start(natural)
    async with asyncio.timeout(20):
        several = await asyncio.gather(*(speak(mouth) for _ in range(4)))
    assert all(same(each, several[0]) for each in several)
    asked = len(natural.asked)
    await speak(mouth)
    assert len(natural.asked) == asked
    await mouth.close()
    assert len(files(tmp_path)) == 1


async def test_without_a_folder_it_speaks_and_says_so(start: Start, natural: Noted, tmp_path: Path) -> None:
    (tmp_path / "speech-cache").write_text("in the way")
    mouth = await start(natural)
    (part,) = [each for each in mouth.parts() if each.name == "speech cache"]
    assert part.state is State.DEGRADED
    assert "SECRETARY_DATA_DIR" in part.remedy
    await speak(mouth)
    await speak(mouth)
    assert len(natural.asked) == 1


async def test_a_disk_that_hangs_costs_nobody_the_voice(start: Start, natural: Noted, tmp_path: Path) -> None:
    mouth = await start(natural)
    spoken = await speak(mouth)
    await mouth.close()
    (file,) = files(tmp_path)
    mouth = await start(natural)
    file.unlink()
    os.mkfifo(file)  # whoever reads it waits for ever
    async with asyncio.timeout(10):
        assert same(await speak(mouth), spoken)
    assert len(natural.asked) == 2
    file.open("wb").close()
    assert [each.state for each in mouth.parts() if each.name == "speech cache"] == [State.DEGRADED]
