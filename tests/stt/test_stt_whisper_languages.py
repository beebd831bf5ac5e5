"""Which language an utterance is written down in, and how a model that does not name its languages is helped."""

import json
from pathlib import Path

import pytest

from services.stt.whisper_languages import chosen, language_ids, with_language_ids

TOKENS = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|ru|>", "<|yue|>", "<|translate|>", "<|xx|>"]


def a_model(folder: Path, config: dict[str, object], tokens: list[str]) -> Path:
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    (folder / "config.json").write_text(json.dumps(config))
    added = [{"id": 50257 + number, "content": token} for number, token in enumerate(tokens)]
    (folder / "tokenizer.json").write_text(json.dumps({"added_tokens": added}))
    return folder


@pytest.mark.parametrize(
    ("found", "given", "language"),
    [
        ([("<|ru|>", 0.9), ("<|en|>", 0.1)], "en", "ru"),
        ([("<|ru|>", 0.6), ("<|en|>", 0.4)], "en", "en"),
        ([("<|ru|>", 0.6), ("<|en|>", 0.4)], "ru", "ru"),
        ([("<|uk|>", 0.85), ("<|ru|>", 0.12), ("<|en|>", 0.01)], "en", "ru"),
        ([("<|uk|>", 1.0), ("<|ru|>", 0.0), ("<|en|>", 0.0)], "en", "en"),
        ([("<|uk|>", 1.0)], "en", "en"),
        ([], "ru", "ru"),
    ],
)
def test_only_a_sure_and_wanted_language_takes_the_place_of_the_calls(
    found: list[tuple[str, float]], given: str, language: str
) -> None:
    assert chosen(found, ("en", "ru"), given) == language


def test_a_model_without_language_ids_is_given_those_of_its_tokenizer(tmp_path: Path) -> None:
    folder = a_model(tmp_path / "model", {"lang_ids": [], "suppress_ids": [1]}, TOKENS)
    folder.chmod(0o500)
    before = (folder / "config.json").read_bytes()
    with with_language_ids(folder) as whole:
        assert whole != folder
        assert json.loads((whole / "config.json").read_text()) == {
            "lang_ids": [50259, 50260, 50261],
            "suppress_ids": [1],
        }
        assert (whole / "model.bin").read_bytes() == b"weights"
    assert not whole.exists()
    assert (folder / "config.json").read_bytes() == before
    assert (folder / "model.bin").read_bytes() == b"weights"


@pytest.mark.parametrize(("config", "tokens"), [({"lang_ids": [7]}, TOKENS), ({}, []), ({}, TOKENS[:2])])
def test_a_model_that_needs_nothing_or_cannot_be_helped_is_used_as_it_is(
    tmp_path: Path, config: dict[str, object], tokens: list[str]
) -> None:
    folder = a_model(tmp_path / "model", config, tokens)
    with with_language_ids(folder) as whole:
        assert whole == folder


def test_language_tokens_are_those_between_a_transcript_and_a_translation(tmp_path: Path) -> None:
    assert language_ids(a_model(tmp_path / "model", {}, TOKENS) / "tokenizer.json") == [50259, 50260, 50261]
