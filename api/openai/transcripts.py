"""The forms in which a transcript is given: json, text, srt, vtt, verbose_json."""

import math
import zlib
from collections.abc import Sequence
from typing import Any, Literal

from api.openai.listening import Listened, Segment

TranscriptFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]
LANGUAGE_NAMES = {"en": "english", "ru": "russian"}


def plain(heard: Listened) -> dict[str, Any]:
    """Return the text alone, with the seconds that were listened to."""
    return {"text": heard.text, "usage": {"type": "duration", "seconds": math.ceil(heard.seconds)}}


def verbose(heard: Listened, language: str, granularities: Sequence[str]) -> dict[str, Any]:
    """Return the text with its segments and, where they are asked for, its words.

    What our ears do not tell (tokens, the seek position, the probability of silence) is empty or zero; the compression
    ratio is Whisper's: the length of the text over its length when deflated.
    """
    body: dict[str, Any] = {
        "task": "transcribe",
        "language": LANGUAGE_NAMES.get(language, language),
        "duration": round(heard.seconds, 3),
        "text": heard.text,
        "usage": {"type": "duration", "seconds": math.ceil(heard.seconds)},
    }
    if "segment" in granularities or not granularities:
        body["segments"] = [_segment(number, each) for number, each in enumerate(heard.segments)]
    if "word" in granularities:
        words = [word for segment in heard.segments for word in segment.words]
        body["words"] = [{"word": each.text, "start": each.start, "end": each.end} for each in words]
    return body


def srt(heard: Listened) -> str:
    """Return SubRip subtitles."""
    blocks = [
        f"{number}\n{_time(each.start, ',')} --> {_time(each.end, ',')}\n{each.text}\n"
        for number, each in enumerate(heard.segments, start=1)
    ]
    return "\n".join(blocks)


def vtt(heard: Listened) -> str:
    """Return WebVTT subtitles. A cue's text may hold no arrow and no tag of its own."""
    cues = [f"{_time(each.start, '.')} --> {_time(each.end, '.')}\n{_cue(each.text)}\n" for each in heard.segments]
    return "\n".join(["WEBVTT\n", *cues])


def _segment(number: int, segment: Segment) -> dict[str, Any]:
    data = segment.text.encode()
    return {
        "id": number,
        "seek": 0,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(max(segment.confidence, 1e-6)), 4) if segment.confidence is not None else 0.0,
        "compression_ratio": round(len(data) / len(zlib.compress(data)), 4),
        "no_speech_prob": 0.0,
    }


def _time(seconds: float, mark: str) -> str:
    thousandths = round(seconds * 1000)
    minutes, thousandths = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{thousandths // 1000:02}{mark}{thousandths % 1000:03}"


def _cue(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
