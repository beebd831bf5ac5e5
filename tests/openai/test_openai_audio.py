"""Speech out and in with the official Python client: real espeak and pocketsphinx behind a real socket."""

import base64
import io
import json
import re
import time
import wave
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import openai
import pytest
from served_house import OWNER, ServedHouse

from api.openai.listening import SoundFile
from api.openai.voices import language_of, voice_called
from services.errors import AudioError

TEXT = "We are open from nine to six."
HOURS = "What are your opening hours?"
SPEECH = Path(__file__).parents[1] / "speech"


def decoded(sound: bytes) -> tuple[float, np.ndarray[Any, Any]]:
    """Return the seconds and the samples of a sound file."""
    pieces, rate = [], 1
    with av.open(io.BytesIO(sound), "r") as container:
        for frame in container.decode(audio=0):
            pieces.append(frame.to_ndarray().astype(np.float64).reshape(-1))
            rate = frame.sample_rate
    samples = np.concatenate(pieces)
    return len(samples) / rate, samples


def spoken(client: openai.OpenAI, /, **more: Any) -> bytes:
    given: dict[str, Any] = {"model": "tts-1", "voice": "nova", "input": TEXT, **more}
    return client.audio.speech.create(**given).content


def test_every_format_is_the_same_speech(voice: openai.OpenAI) -> None:
    plain = spoken(voice, response_format="pcm")
    seconds = len(plain) / 2 / 24_000
    assert 1.2 < seconds < 5
    for form, kind in (("mp3", "mpeg"), ("wav", "wav"), ("opus", "ogg"), ("flac", "flac"), ("aac", "aac")):
        answer = voice.audio.speech.with_raw_response.create(
            model="tts-1-hd",
            voice="nova",
            input=TEXT,
            response_format=form,  # type: ignore[arg-type]
        )
        assert answer.headers["content-type"] == f"audio/{kind}"
        length, samples = decoded(answer.content)
        assert abs(length - seconds) < 0.15, form
        assert np.abs(samples).max() > 0.05 * (32768 if samples.max() > 2 else 1), form
    assert spoken(voice)[:3] in (b"ID3", b"\xff\xf3\x84", b"\xff\xf3\x64") or decoded(spoken(voice))


@pytest.mark.parametrize(("speed", "longer"), [(0.25, 4.0), (0.5, 2.0), (2.0, 0.5), (4.0, 0.25)])
def test_the_speed_is_what_was_asked_for(voice: openai.OpenAI, speed: float, longer: float) -> None:
    natural = len(spoken(voice, response_format="pcm"))
    other = len(spoken(voice, response_format="pcm", speed=speed))
    assert 0.65 * longer < other / natural < 1.4 * longer


def test_openais_names_are_the_best_voice_of_that_kind(speaking: ServedHouse, voice: openai.OpenAI) -> None:
    with speaking.client() as client:
        listed = client.get("/v1/voices").json()["data"]
        named = client.get("/v1/audio/voices").json()["voices"]
        models = client.get("/v1/audio/models").json()["models"]
    assert {each["id"] for each in listed} == {each["id"] for each in named}
    assert {"id": "tts-1"} in models
    own = {each["gender"]: each["id"] for each in reversed(listed) if each["language"] == "en"}
    mouth = speaking.installation.mouth
    for name, gender in (("onyx", "male"), ("nova", "female")):
        wanted = voice_called(mouth, name, TEXT, "ru", None)
        assert wanted == mouth.voice_for("en", gender)
        assert f"{wanted.engine}:{wanted.name}" == own[gender]
    assert spoken(voice, voice="emma", response_format="pcm")


def test_the_file_begins_while_the_rest_is_spoken(speaking: ServedHouse) -> None:
    body = {"model": "tts-1", "voice": "nova", "input": f"{TEXT} " * 60, "response_format": "wav"}
    with speaking.client() as client:
        began = time.monotonic()
        with client.stream("POST", "/v1/audio/speech", json=body) as answer:
            sizes, first = [], 0.0
            for piece in answer.iter_bytes():
                first = first or time.monotonic() - began
                sizes.append(len(piece))
            whole = time.monotonic() - began
    assert first < whole / 2
    assert sum(sizes) > 60 * 24_000 * 2


def test_the_stream_may_be_events(speaking: ServedHouse) -> None:
    body = {"model": "tts-1", "voice": {"id": "nova"}, "input": TEXT, "response_format": "pcm", "stream_format": "sse"}
    with speaking.client() as client:
        answer = client.post("/v1/audio/speech", json=body)
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [each["type"] for each in events[-2:]] == ["speech.audio.delta", "speech.audio.done"]
    assert events[-1]["usage"]["input_tokens"] == 8
    sound = b"".join(base64.b64decode(each["audio"]) for each in events[:-1])
    assert len(sound) > 24_000


def test_who_leaves_stops_the_speech(speaking: ServedHouse) -> None:
    body = {"model": "tts-1", "voice": "nova", "input": f"{TEXT} " * 130, "response_format": "wav", "speed": 0.25}
    mouth: Any = speaking.installation.mouth
    with speaking.client() as client, client.stream("POST", "/v1/audio/speech", json=body) as answer:
        next(answer.iter_bytes())
        assert mouth._speaking == 1
    deadline = time.monotonic() + 5
    while mouth._speaking and time.monotonic() < deadline:
        time.sleep(0.02)
    assert mouth._speaking == 0


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"voice": "nobody"}, 400, "voice"),
        ({"input": ""}, 400, "input"),
        ({"input": "x" * 4097}, 400, "input"),
        ({"speed": 5}, 400, "speed"),
        ({"response_format": "midi"}, 400, "response_format"),
        ({"model": "emma-9"}, 404, "model"),
    ],
)
def test_what_cannot_be_spoken_is_refused(voice: openai.OpenAI, change: Any, status: int, param: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        spoken(voice, **change)
    assert (caught.value.status_code, caught.value.param) == (status, param)


def test_what_is_said_is_written_down_in_every_form(voice: openai.OpenAI) -> None:
    speech = (SPEECH / "hours-slt.wav").read_bytes()

    def written(form: Any, **more: Any) -> Any:
        return voice.audio.transcriptions.create(
            model="whisper-1", file=("t.wav", speech), prompt=HOURS, language="en", response_format=form, **more
        )

    verbose = written("verbose_json", timestamp_granularities=["word", "segment"])
    assert "opening hours" in verbose.text.lower()
    assert verbose.language == "english"
    with wave.open(io.BytesIO(speech)) as file:
        length = file.getnframes() / file.getframerate()
    assert float(verbose.duration) == pytest.approx(length, abs=0.05)
    assert " ".join(each.word for each in verbose.words) == verbose.text
    assert 0 <= verbose.segments[0].start < verbose.segments[0].end <= length + 0.05
    assert 0 <= verbose.words[0].start < verbose.words[-1].end <= length + 0.1
    assert written("text").strip() == verbose.text
    srt = written("srt")
    assert re.fullmatch(r"1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\n.+\n", srt)
    assert srt.split("\n")[2] == verbose.segments[0].text
    assert re.match(r"WEBVTT\n\n00:00:0\d\.\d{3} --> 00:00:0\d\.\d{3}\n.+\n", written("vtt"))


def test_what_the_house_has_said_it_understands(voice: openai.OpenAI) -> None:
    sound = spoken(voice, input=HOURS, voice="onyx", response_format="mp3")
    heard = voice.audio.transcriptions.create(model="whisper-1", file=("say.mp3", sound), prompt=HOURS)
    assert {"opening", "hours"} <= set(heard.text.lower().rstrip("?").split())


def test_silence_says_nothing(voice: openai.OpenAI) -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(44_100)
        sound.writeframes(bytes(4 * 44_100))
    heard = voice.audio.transcriptions.create(model="whisper-1", file=("still.wav", file.getvalue()))
    assert heard.text == ""


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize("content", [b"no sound at all", PLAYLIST, b"\x00" * 5000, b"RIFF\xff\xff\xff\xffWAVEfmt "])
def test_what_is_no_sound_is_refused(voice: openai.OpenAI, content: bytes) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        voice.audio.transcriptions.create(model="whisper-1", file=("x.m3u8", content))
    assert caught.value.param == "file"


def test_a_file_that_is_longer_than_an_hour_is_refused_by_what_it_holds() -> None:
    sink = io.BytesIO()
    with av.open(sink, "w", format="flac") as container:
        stream: Any = container.add_stream("flac", rate=8000)
        stream.layout, stream.format = "mono", "s16"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000 * 20), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        for number in range(185):
            frame.pts = number * 8000 * 20
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert len(sink.getvalue()) < 1_000_000
    sink.seek(0)
    sound = SoundFile(sink)
    try:
        with pytest.raises(AudioError, match="longer than 60 minutes"):
            list(iter(sound.block, []))
    finally:
        sound.close()


@pytest.mark.parametrize(("text", "language"), [("Привет, Bob", "ru"), ("Hello", "en"), ("42", ""), ("Ёж", "ru")])
def test_the_language_of_a_text_is_that_of_its_letters(text: str, language: str) -> None:
    assert language_of(text) == language


def test_refusals_of_transcriptions(speaking: ServedHouse, voice: openai.OpenAI) -> None:
    speech = (SPEECH / "yes-slt.wav").read_bytes()
    with pytest.raises(openai.BadRequestError) as caught:
        voice.audio.transcriptions.create(model="whisper-1", file=("t.wav", speech), language="ja")
    assert (caught.value.param, caught.value.code) == ("language", "unsupported_language")
    with pytest.raises(openai.NotFoundError):
        voice.audio.transcriptions.create(model="parrot", file=("t.wav", speech))
    with speaking.client() as client:
        refused = client.post("/v1/audio/translations", files={"file": speech}, data={"model": "whisper-1"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "unsupported_endpoint")
        assert client.post("/v1/audio/transcriptions", json={}).status_code == 400
        assert client.post("/v1/audio/transcriptions", files={"other": b"x"}).json()["error"]["param"] == "file"


def test_a_file_beyond_25_megabytes_is_refused_and_no_stranger_is_read(speaking: ServedHouse) -> None:
    form = {"model": "whisper-1"}
    with speaking.client() as client:
        answer = client.post(
            "/v1/audio/transcriptions", files={"file": ("big.wav", bytes(25 * 1024 * 1024 + 1))}, data=form
        )
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    stranger = httpx.post(f"{speaking.url}/v1/audio/transcriptions", files={"file": ("a.wav", b"x")}, data=form)
    assert stranger.status_code == 401
    assert OWNER not in stranger.text
