"""Mouths, and a tiny Piper voice that the real piper-tts loads: it hums, longer for longer texts."""

import gc
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, save_model
from speech_cache import Noted

from services.engines import EngineContext
from services.tts import piper
from services.tts.manager import Mouth
from services.tts.protocol import TextToSpeechEngine
from services.tts.settings import TtsSettings

SAMPLES_A_PHONEME = 512
MakeVoice = Callable[..., Path]
Start = Callable[..., Awaitable[Mouth]]


def tiny_model(path: Path, *, speakers: int) -> None:
    """The inputs and the output of a Piper model; speaker n hums n + 1 times as high."""
    constants: dict[str, NDArray[Any]] = {
        "one": np.array([1], np.int64),
        "two": np.array([2], np.int64),
        "zero": np.array(0, np.float32),
        "step": np.array(1, np.float32),
        "hop": np.array(SAMPLES_A_PHONEME, np.float32),
        "pitch": np.array(0.06, np.float32),
        "shape": np.array([1, 1, 1, -1], np.int64),
        "empty": np.array([], np.int64),
    }
    nodes = [
        helper.make_node("Shape", ["input"], ["size"]),
        helper.make_node("Slice", ["size", "one", "two"], ["count"]),
        helper.make_node("Cast", ["count"], ["phonemes"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["scales", "one", "two"], ["length_scale"]),
        helper.make_node("Mul", ["phonemes", "hop"], ["natural"]),
        helper.make_node("Mul", ["natural", "length_scale"], ["length"]),
        helper.make_node("Reshape", ["length", "empty"], ["end"]),
        helper.make_node("Range", ["zero", "end", "step"], ["time"]),
        helper.make_node("Mul", ["time", "pitch"], ["phase"]),
    ]
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, ["batch", "phonemes_in"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, ["batch"]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    phase = "phase"
    if speakers > 1:
        inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, ["batch"]))
        nodes += [
            helper.make_node("Add", ["sid", "one"], ["number"]),
            helper.make_node("Cast", ["number"], ["factor"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["phase", "factor"], ["own_phase"]),
        ]
        phase = "own_phase"
    nodes += [
        helper.make_node("Sin", [phase], ["wave"]),
        helper.make_node("Reshape", ["wave", "shape"], ["output"]),
    ]
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 1, "samples"])]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "hum", inputs, outputs, initializers)
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), str(path))


@pytest.fixture
def make_voice(tmp_path: Path) -> MakeVoice:
    """Put a tiny voice into the models folder; returns the path of its model."""

    def make(name: str, *, code: str = "ru_RU", espeak: str = "ru", rate: int = 22050, speakers: int = 1) -> Path:
        folder = tmp_path / "piper"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.onnx"
        tiny_model(path, speakers=speakers)
        alphabet = "_^$ !'(),-.:;?abcdefghijklmnopqrstuvwxyzæçðøħŋœɐɑɒɓɔɕɖɗɘəɚɛɜɡɣɨɪɭɯɲɵʃʊʌʒʔʲˈˌːθ"
        config = {
            "audio": {"sample_rate": rate, "quality": "low"},
            "espeak": {"voice": espeak},
            "language": {"code": code, "family": code[:2]},
            "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
            "phoneme_type": "espeak",
            "phoneme_id_map": {letter: [index] for index, letter in enumerate(alphabet)},
            "num_symbols": len(alphabet),
            "num_speakers": speakers,
            "speaker_id_map": {f"s{index}": index for index in range(speakers)} if speakers > 1 else {},
        }
        path.with_name(f"{name}.onnx.json").write_text(json.dumps(config), "utf-8")
        return path

    return make


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    mouths: list[Mouth] = []

    async def make(
        *engines: TextToSpeechEngine,
        engine: str = "auto",
        languages: Sequence[str] = ("ru",),
        timeout: float = 3.0,
        **more: object,
    ) -> Mouth:
        settings = TtsSettings.model_validate({"engine": engine, "first_audio_timeout": timeout, **more})
        named = {each.info.name: each for each in engines} if engines else None
        mouths.append(Mouth(EngineContext(tmp_path, tmp_path), settings, named))
        await mouths[-1].start(languages)
        return mouths[-1]

    yield make
    for mouth in mouths:
        await mouth.close()
    gc.collect()


@pytest.fixture
def natural(make_voice: MakeVoice) -> Noted:
    make_voice("ru_RU-irina-low")
    return Noted(piper.ENGINE)
