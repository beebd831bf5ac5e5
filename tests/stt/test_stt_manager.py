"""Which ears are chosen, and what is said when there are none. Real engines, real broken folders."""

from pathlib import Path

import pytest

from services.engines import EngineContext
from services.errors import EngineUnavailableError
from services.parts import State
from services.stt.manager import Ears
from services.stt.pocketsphinx_hints import Phrasebook
from services.stt.settings import SttSettings
from services.stt.vosk import Vosk
from services.stt.vosk_worker import joined
from services.stt.whisper import Whisper


def broken_vosk(context: EngineContext, name: str) -> Path:
    folder = context.models_dir / "vosk" / name
    for file in ("am/final.mdl", "conf/mfcc.conf", "conf/model.conf", "graph/HCLG.fst"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"this is no model")
    return folder


def broken_whisper(context: EngineContext, config: str = "{}") -> Path:
    folder = context.models_dir / "whisper" / "faster-whisper-tiny"
    folder.mkdir(parents=True)
    for file in ("model.bin", "vocabulary.txt", "tokenizer.json"):
        (folder / file).write_bytes(b"this is no model")
    (folder / "config.json").write_text(config)
    return folder


def test_without_models_the_reason_and_the_folder_are_named(context: EngineContext) -> None:
    for engine, folder in ((Vosk(), "vosk"), (Whisper(), "whisper")):
        available = engine.availability(context)
        assert not available.usable
        assert available.reason
        assert str(context.models_dir / folder) in available.remedy


def test_a_folder_that_is_not_whole_is_not_offered(context: EngineContext) -> None:
    (broken_vosk(context, "vosk-model-small-ru-0.22") / "am" / "final.mdl").unlink()
    (broken_whisper(context) / "model.bin").write_bytes(b"")
    assert "am/final.mdl" in Vosk().availability(context).reason
    assert "model.bin" in Whisper().availability(context).reason


def test_a_whisper_folder_with_a_broken_config_is_not_offered(context: EngineContext) -> None:
    broken_whisper(context, "{")
    assert "config.json" in Whisper().availability(context).reason


def test_the_language_of_a_vosk_model_is_read_from_its_name_or_its_file(context: EngineContext) -> None:
    broken_vosk(context, "vosk-model-small-ru-0.22")
    (broken_vosk(context, "mine") / "language").write_text("en\n")
    assert Vosk().availability(context).languages == ("en", "ru")
    broken_vosk(context, "nameless")
    assert Vosk().availability(context).languages == ("en", "ru")


async def test_a_corrupt_vosk_model_is_refused_and_harms_nothing(context: EngineContext) -> None:
    broken_vosk(context, "vosk-model-small-ru-0.22")
    with pytest.raises(EngineUnavailableError):
        await Vosk().load(context)


async def test_a_corrupt_whisper_model_is_refused_with_a_remedy(context: EngineContext) -> None:
    broken_whisper(context)
    with pytest.raises(EngineUnavailableError) as refused:
        await Whisper().load(context)
    assert refused.value.remedy


async def test_a_corrupt_model_makes_way_for_the_next_engine(context: EngineContext) -> None:
    broken_vosk(context, "vosk-model-small-en-us-0.15")
    ears = Ears(context, SttSettings(engine="vosk"))
    try:
        await ears.start(["en"])
        assert ears.serves("en")
        (part,) = ears.parts()
        assert part.state is State.DEGRADED
        assert "Pocketsphinx listens to English" in part.detail
        assert "vosk was asked for" in part.detail
        assert part.remedy
    finally:
        await ears.close()


async def test_no_russian_ears_is_said_plainly(ears: Ears, context: EngineContext) -> None:
    assert ears.serves("en")
    assert not ears.serves("ru")
    english, russian = ears.parts()
    assert "low accuracy" in english.detail
    assert russian.detail == "There are no ears for Russian: callers can leave a recorded message and use keys."
    assert str(context.models_dir / "vosk" / "vosk-model-small-ru-0.22") in russian.remedy


def test_vosk_pieces_are_joined() -> None:
    pieces: list[dict[str, object]] = [
        {"text": "one", "result": [{"word": "one", "start": 0.1, "end": 0.4, "conf": 0.5}]},
        {"text": ""},
        {"text": "two", "result": [{"word": "two", "start": 1.1, "end": 1.4, "conf": 1.0}]},
    ]
    assert joined([*pieces]) == ("one two", [["one", 0.1, 0.4, 0.5], ["two", 1.1, 1.4, 1.0]])


def test_a_phrasebook_says_its_phrases_and_nothing_between_them() -> None:
    book = Phrasebook.of(["Where are you?", "What are your prices?", "Xyzzy"], lambda word: word != "xyzzy")
    assert book.says(("where", "are", "you"))
    assert book.says(("hello", "what", "are", "your", "prices"))
    assert not book.says(("where", "are", "your", "prices"))
    assert not book.says(("xyzzy",))
