"""What a Whisper model needs to tell languages apart, and when its guess counts."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

SURE = 0.75
"""The probability among the wanted languages from which on another one than the call's is believed."""

_LANGUAGE = re.compile(r"<\|[a-z]{2,3}\|>")


@contextmanager
def with_language_ids(folder: Path) -> Iterator[Path]:
    """Yield a folder with the same model whose config names its language tokens.

    CTranslate2 detects languages by `lang_ids` in config.json, which its converter leaves empty for many models. The
    model's own folder, which may be read-only, stays as it is: the rest of the yielded one are links. It is the own
    folder where the ids are there, or nobody knows them.
    """
    config = json.loads((folder / "config.json").read_bytes())
    ids = [] if config.get("lang_ids") else language_ids(folder / "tokenizer.json")
    if not ids:
        yield folder
        return
    with TemporaryDirectory(prefix="secretary-whisper-") as name:
        for file in folder.absolute().iterdir():
            if file.name != "config.json":
                (Path(name) / file.name).symlink_to(file)
        (Path(name) / "config.json").write_text(json.dumps(config | {"lang_ids": ids}), "utf-8")
        yield Path(name)


def language_ids(tokenizer: Path) -> list[int]:
    """Return the ids of the language tokens: they lie between those that begin a transcript and a translation."""
    tokens = {each["content"]: each["id"] for each in json.loads(tokenizer.read_bytes()).get("added_tokens", ())}
    first, last = tokens.get("<|startoftranscript|>"), tokens.get("<|translate|>")
    if first is None or last is None:
        return []
    return sorted(number for token, number in tokens.items() if first < number < last and _LANGUAGE.fullmatch(token))


def chosen(found: Iterable[tuple[str, float]], wanted: Iterable[str], given: str) -> str:
    """Return the language to write down: `given` unless another one that is `wanted` is surely spoken.

    `found` are CTranslate2's pairs of token ("<|ru|>") and probability, of all languages that the model knows.
    """
    among = {token[2:-2]: probability for token, probability in found if token[2:-2] in {*wanted, given}}
    total, best = sum(among.values()), max(among, key=among.__getitem__, default=given)
    return best if total > 0 and among[best] / total >= SURE else given
