"""The two tiers of the speech cache by themselves: the file's form, the bounds, what goes first."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audio.frame import Frame
from services.tts.cache import CacheKey, SpeechCache
from services.tts.cache_file import decode, encode, storable
from services.tts.cache_folder import CacheFolder
from services.tts.protocol import SpeechPiece, WordMark

RATE = 8000
SIZE = 160


def speech(frames: int, value: int = 7) -> list[SpeechPiece]:
    return [Frame(np.full(SIZE, value, np.int16), RATE, at * SIZE) for at in range(frames)]


def told(pieces: Sequence[SpeechPiece]) -> list[object]:
    return [(each.position, each.samples.tobytes()) if isinstance(each, Frame) else each for each in pieces]


MARKS = st.builds(WordMark, st.integers(0, 10_000), st.integers(0, 100), st.integers(0, 2**31 - 1))


@given(st.lists(st.one_of(MARKS, st.integers(-32768, 32767)), max_size=30))
def test_pieces_come_back_in_their_order(script: list[WordMark | int]) -> None:
    pieces: list[SpeechPiece] = []
    for each in script:
        frames = sum(isinstance(piece, Frame) for piece in pieces)
        if isinstance(each, WordMark):
            pieces.append(each)
        else:
            pieces.append(Frame(np.arange(SIZE, dtype=np.int16) ^ np.int16(each), RATE, frames * SIZE))
    assert storable(pieces, RATE) == any(isinstance(piece, Frame) for piece in pieces)
    if storable(pieces, RATE):
        assert told(decode(encode(pieces, RATE), RATE)) == told(pieces)


@given(st.data())
def test_any_damage_is_noticed(data: st.DataObject) -> None:
    whole = encode([WordMark(0, 3, 0), *speech(2)], RATE)
    at = data.draw(st.integers(0, len(whole) - 1))
    harmed = data.draw(
        st.sampled_from([whole[:at], whole + b"x", whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :]])
    )
    with pytest.raises(ValueError, match="the file is"):
        decode(harmed, RATE)


@given(st.binary(max_size=200))
def test_foreign_content_with_a_right_digest_is_refused(content: bytes) -> None:
    head = b"AISPEECH" + (1).to_bytes(4, "little") + hashlib.blake2b(content, digest_size=16).digest()
    with pytest.raises(ValueError, match="the file is"):
        decode(head + content, 22050)


def test_a_file_of_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="rate"):
        decode(encode(speech(2), RATE), 16000)


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [WordMark(0, 1, 0)],
        speech(3)[1:],
        [*speech(1), *speech(1)],
        [Frame(np.zeros(SIZE, np.int16), 16000)],
        [Frame(np.zeros(SIZE - 1, np.int16), RATE)],
    ],
)
def test_what_is_no_whole_speech_is_not_stored(pieces: list[SpeechPiece]) -> None:
    assert not storable(pieces, RATE)


def opened(path: Path, limit: int) -> CacheFolder:
    folder = CacheFolder(path, limit)
    folder.open()
    return folder


def names(path: Path) -> set[str]:
    return {each.name for each in path.iterdir()}


def test_the_least_used_file_makes_room(tmp_path: Path) -> None:
    folder = opened(tmp_path, 350)
    for name in ("a", "b", "c"):
        folder.write(name, bytes(100))
    assert folder.read("a") == bytes(100)
    folder.touch("b")
    folder.write("d", bytes(100))
    assert names(tmp_path) == {"a.speech", "b.speech", "d.speech"}
    folder.write("a", bytes(150))
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) == 350
    folder.write("huge", bytes(351))
    assert not folder.has("huge")
    assert names(tmp_path) == {"a.speech", "b.speech", "d.speech"}


def test_use_is_remembered_over_a_restart(tmp_path: Path) -> None:
    folder = opened(tmp_path, 300)
    for at, name in enumerate("abc"):
        folder.write(name, bytes(100))
        os.utime(tmp_path / f"{name}.speech", ns=(at, at))
    folder.touch("a")
    folder.close()
    folder = opened(tmp_path, 300)
    folder.write("d", bytes(100))
    assert names(tmp_path) == {"a.speech", "c.speech", "d.speech"}
    assert opened(tmp_path, 100).has("d")
    assert names(tmp_path) == {"d.speech"}


def test_what_a_crash_left_unfinished_is_removed(tmp_path: Path) -> None:
    (tmp_path / "half.tmp").write_bytes(b"half")
    (tmp_path / "note.txt").write_text("not ours")
    folder = opened(tmp_path, 300)
    assert names(tmp_path) == {"note.txt"}
    with pytest.raises(FileNotFoundError):
        folder.read("half")


def test_a_file_that_somebody_removed_is_not_counted_any_more(tmp_path: Path) -> None:
    folder = opened(tmp_path, 200)
    folder.write("a", bytes(100))
    folder.write("b", bytes(100))
    (tmp_path / "a.speech").unlink()
    with pytest.raises(FileNotFoundError):
        folder.read("a")
    folder.write("c", bytes(100))
    assert names(tmp_path) == {"b.speech", "c.speech"}


async def test_memory_is_bounded_and_keeps_what_is_used(tmp_path: Path) -> None:
    room = 3 * 10 * (2 * SIZE + 256)
    cache = SpeechCache(tmp_path, room, 0)
    await cache.open()
    keys = [CacheKey(name, RATE, on_disk=False) for name in "abcd"]
    for key in keys[:3]:
        cache.keep(key, speech(10))
    assert await cache.find(keys[0]) is not None
    cache.keep(keys[3], speech(10))
    assert [await cache.find(key) is not None for key in keys] == [True, False, True, True]
    cache.keep(keys[1], speech(31))
    assert await cache.find(keys[1]) is None
    assert (cache.hits, cache.misses) == (4, 2)
    await cache.close()
