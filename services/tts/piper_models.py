"""Piper voices as they lie in a folder: `<voice>.onnx` and `<voice>.onnx.json`, checked without loading them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

FEMALE, MALE = "female", "male"
_SPEAKERS = {
    FEMALE: {"irina", "amy", "hfc_female", "kathleen", "kristin", "ljspeech", "cori", "jenny_dioco", "alba", "lessac"},
    MALE: {"denis", "dmitri", "ruslan", "ryan", "joe", "john", "bryce", "danny", "hfc_male", "kusal", "norman", "alan"},
}
_GRAPH_FIELD = 7
_MAX_CONFIG_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class PiperModel:
    """One voice: `name` is the file's name without .onnx, `rate` in Hz, `gender` "" when it is not known.

    `stamp` changes with the voice's files: their sizes and times.
    """

    name: str
    path: Path
    language: str
    rate: int
    gender: str
    speakers: tuple[tuple[str, int], ...]
    stamp: str


@dataclass(frozen=True, slots=True)
class BrokenModel:
    """A voice that cannot be offered and why, as the end of a sentence."""

    name: str
    reason: str


def find(folder: Path) -> tuple[list[PiperModel], list[BrokenModel]]:
    """Look at every voice in `folder`, by name; a folder that is not there holds none."""
    good, broken = [], []
    names = {path.name.removesuffix(".json").removesuffix(".onnx") for path in folder.glob("*.onnx*")}
    for name in sorted(names):
        try:
            good.append(_read(folder / f"{name}.onnx"))
        except (OSError, ValueError) as error:
            broken.append(BrokenModel(name, str(error)))
    return good, broken


def _read(path: Path) -> PiperModel:
    config_path = _config_of(path)
    if not path.is_file():
        raise ValueError(f"{path.name} is missing")
    if not config_path.is_file():
        raise ValueError(f"{config_path.name} is missing")
    if config_path.stat().st_size > _MAX_CONFIG_BYTES:
        raise ValueError(f"{config_path.name} is far too large")
    with path.open("rb") as file:
        _check_onnx(file, path.stat().st_size, path.name)
    try:
        config = json.loads(config_path.read_text("utf-8"))
        return _describe(path, config)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{config_path.name} is not a Piper configuration ({error})") from None


def _describe(path: Path, config: dict[str, Any]) -> PiperModel:
    kind = config.get("phoneme_type", "espeak")
    if kind not in ("espeak", "text"):
        raise ValueError(f"phonemes of type {kind} would need a download")
    language = str(config.get("language", {}).get("code") or config["espeak"]["voice"])
    if not isinstance(config["phoneme_id_map"], dict) or not isinstance(config["num_symbols"], int):
        raise ValueError("its phoneme map is malformed")
    rate = int(config["audio"]["sample_rate"])
    speakers = config.get("speaker_id_map", {}) if int(config["num_speakers"]) > 1 else {}
    words = set(path.stem.lower().split("-"))
    gender = next((each for each, known in _SPEAKERS.items() if words & known), "")
    numbers = tuple(sorted((str(name), int(number)) for name, number in speakers.items()))
    stamp = " ".join(f"{stat.st_size}/{stat.st_mtime_ns}" for stat in (path.stat(), _config_of(path).stat()))
    return PiperModel(path.stem, path, language.replace("_", "-").split("-")[0].lower(), rate, gender, numbers, stamp)


def _config_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _check_onnx(file: BinaryIO, size: int, name: str) -> None:
    """Walk the top level of the protobuf without reading its content: a cut or foreign file does not come out even."""
    position, fields = 0, set()
    while position < size:
        tag = _varint(file)
        number, wire = (tag >> 3, tag & 7) if tag is not None else (0, -1)
        fields.add(number)
        if wire == 0:
            length = 0 if _varint(file) is not None else size
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            length = (_varint(file) or 0) if wire == 2 else size
        position = file.tell() + length
        if number == 0 or position > size:
            raise ValueError(f"{name} is damaged or not completely downloaded")
        file.seek(position)
    if _GRAPH_FIELD not in fields:
        raise ValueError(f"{name} is not an ONNX model")


def _varint(file: BinaryIO) -> int | None:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None
