"""The secretary's own voice on the way back: real espeak speech, real Silero, WebRTC's real canceller, real ears."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.echo_line import Line, cleaned, fit, frames, secretary, speaking, to_int16
from services.audio.files import read_audio
from services.audio.frame import Samples, silence
from services.engines import EngineContext
from services.errors import AudioError
from services.stt.manager import Ears
from services.stt.settings import SttSettings
from services.voice.echo.canceller import EchoCanceller
from services.voice.echo.history import History
from services.voice.hearing.vad import SileroModel

SPEECH = Path(__file__).parents[1] / "speech"
LINES = [
    (8000, Line(0.06, -20)),
    (8000, Line(0.12, -12, "gsm")),
    (8000, Line(0.1703, -30)),
    (8000, Line(0.25, -20, "gsm")),
    (16000, Line(0.12, -20, "ulaw")),
    (16000, Line(0.25, -12)),
]


@pytest.fixture(scope="module")
def silero() -> SileroModel:
    return SileroModel()


@pytest.fixture(scope="module")
def spoken() -> dict[tuple[str, int], Samples]:
    """The secretary's speech by voice and rate."""

    async def both() -> dict[tuple[str, int], Samples]:
        return {(name, rate): sound for rate in (8000, 16000) for name, sound in (await secretary(rate)).items()}

    return asyncio.run(both())


def caller(*names: str, rate: int, gap: float = 1.0, begin: float = 2.0) -> tuple[Samples, list[float]]:
    """Recorded sentences with silence between them; where each begins, in seconds."""
    parts, begins, at = [np.zeros(round(begin * rate), np.int16)], [], begin
    for name in names:
        sentence = read_audio(SPEECH / f"{name}.wav", rate)
        begins.append(at)
        parts += [sentence, np.zeros(round(gap * rate), np.int16)]
        at += (len(sentence) + len(parts[-1])) / rate
    return np.concatenate(parts), begins


def whole(samples: Samples, rate: int) -> Samples:
    return samples[: len(samples) // (rate // 50) * (rate // 50)]


@pytest.mark.parametrize(("rate", "line"), LINES)
def test_the_secretarys_own_voice_is_never_taken_for_a_caller(
    rate: int, line: Line, spoken: dict[tuple[str, int], Samples], silero: SileroModel
) -> None:
    for name in ("en+f3", "ru+m3"):
        played = whole(spoken[name, rate][: 10 * rate], rate)
        heard = line.heard(played, rate)
        assert speaking(silero, heard, rate), "without the canceller the echo is speech"
        canceller = EchoCanceller(rate)
        assert speaking(silero, cleaned(canceller, played, heard, rate), rate) == []
        assert canceller.delay == pytest.approx(line.delay, abs=0.002)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_caller_over_the_echo_is_noticed_as_soon_as_without_it(
    rate: int, spoken: dict[tuple[str, int], Samples], silero: SileroModel
) -> None:
    said, begins = caller("hours-slt", "address-rms", "football-slt", "message-rms", "name-slt", rate=rate)
    said = whole(said, rate)
    played = fit(spoken["en+f3", rate], len(said)).astype(np.int16)
    quiet = speaking(silero, Line(0.12, -200).heard(played, rate, said), rate)
    left = cleaned(EchoCanceller(rate), played, Line(0.12, -20).heard(played, rate, said), rate)
    noticed = speaking(silero, left, rate)
    for begin, end in zip(begins, [*begins[1:], len(said) / rate], strict=True):
        alone = next(on for on, _ in quiet if begin <= on < end)
        over = next(on for on, _ in noticed if begin <= on < end)
        assert over - alone <= 0.1001, f"{begin:.1f} s: {over:.2f} instead of {alone:.2f}"
    assert all(any(begin <= on < begin + 3 for begin in begins) for on, _ in noticed)


async def test_a_caller_over_the_echo_is_understood(
    tmp_path: Path, spoken: dict[tuple[str, int], Samples], ears: Ears
) -> None:
    rate = 8000
    names = ["hours-slt", "address-rms", "prices-slt"]
    said, begins = caller(*names, rate=rate)
    said = whole(said, rate)
    played = fit(spoken["en+f3", rate], len(said)).astype(np.int16)
    left = cleaned(EchoCanceller(rate), played, Line(0.12, -20).heard(played, rate, said), rate)
    hints = ["What are your opening hours?", "What are your prices?", "Where is your office?", "Where are you located?"]
    stream = await ears.open_stream("en", rate, hints)
    texts = []
    async with asyncio.timeout(60):
        for begin, end in zip(begins, [*begins[1:], len(said) / rate], strict=True):
            for frame in frames(left[round((begin - 0.2) * rate) : round((end - 0.6) * rate)], rate):
                await stream.push(frame)
            await stream.end_utterance()
            texts.append(await anext(each.text async for each in stream if each.final))
    await stream.aclose()
    for text, words in zip(texts, ({"opening", "hours"}, {"located"}, {"prices"}), strict=True):
        assert words <= set(text.split()), texts


@pytest.fixture
async def ears(tmp_path: Path) -> AsyncIterator[Ears]:
    made = Ears(EngineContext(models_dir=tmp_path / "models", data_dir=tmp_path / "data"), SttSettings())
    await made.start(["en"])
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(made.close)
        yield made


@pytest.mark.parametrize("rate", [8000, 16000])
def test_without_an_echo_every_frame_passes_as_it_is(rate: int, spoken: dict[tuple[str, int], Samples]) -> None:
    """The caller interrupts, repeats the secretary's words, and has music behind; she speaks all the while."""
    said, _ = caller("hours-slt", "long-rms", "number-slt", "matter-rms", rate=rate, gap=0.3, begin=0.4)
    chord = sum(np.sin(2 * np.pi * pitch * np.arange(len(said)) / rate) for pitch in (220.0, 277.2, 329.6))
    repeated = np.roll(spoken["en+m3", rate], rate)[: len(said)]
    for heard in (said, to_int16(said + 1500 * chord), repeated):
        canceller = EchoCanceller(rate)
        for out, back in zip(frames(spoken["en+f3", rate], rate), frames(heard, rate), strict=False):
            canceller.played(out)
            assert canceller.clean(back) is back
        assert canceller.delay is None


def test_a_caller_who_repeats_her_words_in_her_own_voice_is_heard(
    spoken: dict[tuple[str, int], Samples], silero: SileroModel
) -> None:
    """Another machine with the same voice, two seconds later: no delay of a line."""
    played = whole(spoken["en+f3", 8000][: 10 * 8000], 8000)
    heard = np.concatenate((np.zeros(16000, np.int16), played))[: len(played)]
    left = cleaned(EchoCanceller(8000), played, heard, 8000)
    before, after = (sum(off - on for on, off in speaking(silero, each, 8000)) for each in (heard, left))
    assert after > 0.9 * before


def test_the_delay_may_change_in_mid_call(spoken: dict[tuple[str, int], Samples], silero: SileroModel) -> None:
    played = whole(spoken["en+f3", 8000][: 14 * 8000], 8000)
    change = 7 * 8000
    for first, then in ((0.12, 0.18), (0.2, 0.09)):
        heard = np.concatenate(
            (Line(first, -20).heard(played, 8000)[:change], Line(then, -20).heard(played, 8000)[change:])
        )
        canceller = EchoCanceller(8000)
        assert speaking(silero, cleaned(canceller, played, heard, 8000), 8000) == []
        assert canceller.delay == pytest.approx(then, abs=0.002)


def test_ducking_a_late_tap_and_a_noisy_street(spoken: dict[tuple[str, int], Samples], silero: SileroModel) -> None:
    played = whole(spoken["en+f3", 8000][: 12 * 8000], 8000)
    played = to_int16(fit(played, len(played)) * np.where((np.arange(len(played)) // 4000) % 3 == 1, 0.25, 1.0))
    canceller = EchoCanceller(8000)
    waiting, left = [], []
    for out, back in zip(frames(played, 8000), frames(Line(0.06, -20).heard(played, 8000), 8000), strict=True):
        left.append(canceller.clean(back).samples)
        waiting.append(out)
        if len(waiting) == 2:  # the tap is a frame behind the caller
            canceller.played(waiting.pop(0))
    assert speaking(silero, np.concatenate(left), 8000) == []
    noisy = cleaned(EchoCanceller(8000), played, Line(0.12, -20, noise=60).heard(played, 8000), 8000)
    assert all(on < 0.6 for on, _ in speaking(silero, noisy, 8000)), "found late, but found"


def test_positions_may_jump(spoken: dict[tuple[str, int], Samples], silero: SileroModel) -> None:
    """Half a second of both directions is missing: the line stood still."""
    played = whole(spoken["en+f3", 8000][: 12 * 8000], 8000)
    heard = Line(0.12, -20).heard(played, 8000)
    canceller = EchoCanceller(8000)
    left = []
    for out, back in zip(frames(played, 8000), frames(heard, 8000), strict=True):
        if not 5.0 <= out.seconds < 5.5:
            canceller.played(out)
            left.append(canceller.clean(back))
    assert [each.position for each in left] == [160 * n for n in range(600) if not 5.0 <= n / 50 < 5.5]
    assert speaking(silero, np.concatenate([each.samples for each in left]), 8000) == []


def test_when_she_is_silent_the_line_is_given_back(spoken: dict[tuple[str, int], Samples]) -> None:
    played = fit(spoken["en+f3", 8000][: 4 * 8000], 8 * 8000).astype(np.int16)
    said, _ = caller("long-slt", rate=8000, begin=5.5)
    heard = Line(0.12, -20).heard(played, 8000, said)
    canceller = EchoCanceller(8000)
    same = []
    for out, back in zip(frames(played, 8000), frames(heard, 8000), strict=True):
        canceller.played(out)
        same.append(canceller.clean(back) is back)
    assert canceller.delay is not None
    assert not any(same[50:200])
    assert all(same[230:])
    assert canceller.clean(silence(8000, 10**6)).position == 10**6


def test_another_rate_is_refused() -> None:
    canceller = EchoCanceller(8000)
    for give in (canceller.played, canceller.clean):
        with pytest.raises(AudioError):
            give(silence(16000))


def test_without_the_package_the_echo_is_muted_and_the_caller_heard(tmp_path: Path) -> None:
    """In a process of its own where the package cannot be imported."""
    program = f"""
import asyncio, sys
sys.modules["pywebrtc_audio"] = None
sys.path[:0] = [{str(Path(__file__).parents[2])!r}]
import numpy as np
from bench.echo_line import Line, cleaned, fit, secretary, speaking
from services.audio.files import read_audio
from services.voice.echo.canceller import EchoCanceller
from services.voice.hearing.vad import SileroModel
from pathlib import Path
played = asyncio.run(secretary(8000, ("en+f3",)))["en+f3"][:64000]
silero, line = SileroModel(), Line(0.12, -20)
assert speaking(silero, cleaned(EchoCanceller(8000), played, line.heard(played, 8000), 8000), 8000) == []
said = np.concatenate((np.zeros(24000, np.int16), read_audio(Path({str(SPEECH)!r}) / "hours-slt.wav", 8000)))
left = cleaned(EchoCanceller(8000), played, line.heard(played, 8000, said), 8000)
spans = speaking(silero, left, 8000)
assert spans and 3.0 < spans[0][0] < 3.6, spans
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "pywebrtc-audio is not installed" in done.stdout + done.stderr


@given(
    st.lists(st.tuples(st.integers(-60, 90), st.lists(st.integers(1, 9), min_size=1, max_size=20)), max_size=8),
    st.integers(-60, 40),
)
def test_a_history_reads_what_was_last_written(writes: list[tuple[int, list[int]]], start: int) -> None:
    """Beside a dictionary: nothing is invented, and after writes that only went forward the last 32 are all there."""
    history: History[np.int16] = History(32, np.int16)
    known: dict[int, int] = {}
    forward = True
    for step, values in writes:
        position = max(0, history.end + step)
        forward = forward and position >= history.end
        history.write(position, np.array(values, np.int16))
        known = {at: value for at, value in known.items() if at < position}
        known |= {position + offset: value for offset, value in enumerate(values)}
        assert history.end == position + len(values)
        first = history.end - 32 + start
        for at, value in enumerate(history.read(first, 40), first):
            assert value in (known.get(at, 0), 0)
            if forward and at >= history.end - 32:
                assert value == known.get(at, 0)
