"""The audio turn model: its front end against transformers' numbers, and a tiny network that onnxruntime runs."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, save_model

from services.audio.files import read_audio
from services.errors import EngineUnavailableError
from services.parts import State
from services.voice.endpointing import log_mel
from services.voice.endpointing.turn_model import TurnModel, features_of, find_turn_model, open_turn_model

SPEECH = Path(__file__).resolve().parents[1] / "speech"

# hours-slt.wav at 16 kHz, padded in front, by transformers 5.23: WhisperFeatureExtractor(chunk_length=8), do_normalize.
REFERENCE = {
    (0, 0): 0.32261,
    (0, 790): 0.32261,
    (5, 700): 1.80201,
    (20, 600): -0.07666,
    (20, 650): 1.48286,
    (40, 640): 0.84303,
    (40, 700): 0.43673,
    (60, 620): -0.07666,
    (60, 720): 0.65543,
    (79, 799): -0.07666,
    (10, 655): 1.38927,
}


def tiny_network(path: Path, *, frames: int | str = 800, filters: int = 80, batch: int | str = "batch") -> Path:
    """The shape of smart-turn v3; its answer is the sigmoid of the mean of the last tenth of a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    constants: dict[str, NDArray[np.int64]] = {
        "first": np.array([-10], np.int64),
        "last": np.array([2**31], np.int64),
        "time": np.array([2], np.int64),
    }
    nodes = [
        helper.make_node("Slice", ["input_features", "first", "last", "time"], ["newest"]),
        helper.make_node("ReduceMean", ["newest"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Sigmoid", ["mean"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "turn",
        [helper.make_tensor_value_info("input_features", TensorProto.FLOAT, [batch, filters, frames])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), str(path))
    return path


class Scripted:
    """A network that waits for `go`, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.asked = 0
        self._fails = fails

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="input_features", shape=[1, 80, 800])]

    def run(self, _names: None, _inputs: dict[str, Any]) -> list[NDArray[np.float32]]:
        self.asked += 1
        self.begun.set()
        if self._fails:
            raise ValueError("the network is broken")
        assert self.go.wait(30)
        return [np.array([[0.75]], np.float32)]


@pytest.fixture
async def scripted() -> AsyncIterator[tuple[Scripted, TurnModel]]:
    network = Scripted()
    model = TurnModel(network, "scripted.onnx")
    yield network, model
    network.go.set()
    await model.close()


def speech(name: str = "hours-slt", rate: int = 16000) -> NDArray[np.int16]:
    return read_audio(SPEECH / f"{name}.wav", rate)


def test_the_spectrogram_is_the_one_that_whisper_was_trained_on() -> None:
    features = features_of(speech(), 16000)
    assert features.shape == (1, 80, 800)
    assert features.dtype == np.float32
    for (band, frame), value in REFERENCE.items():
        assert features[0, band, frame] == pytest.approx(value, abs=2e-5), (band, frame)


def test_the_end_of_a_long_turn_is_looked_at_and_a_short_one_padded_in_front() -> None:
    turn = speech("long-slt")
    assert len(turn) > 8 * 16000
    assert np.array_equal(features_of(turn, 16000), features_of(turn[-8 * 16000 :], 16000))
    padding = features_of(turn[:16000], 16000)[0, :, :695]
    assert np.ptp(padding, axis=1) == pytest.approx(0, abs=1e-6)


def test_a_line_of_8_khz_is_heard_like_one_of_16() -> None:
    narrow, wide = features_of(speech(rate=8000), 8000), features_of(speech(), 16000)
    assert np.abs(narrow - wide)[:, :60].mean() < 0.02


@pytest.mark.parametrize("turn", [np.zeros(0, np.int16), np.zeros(1600, np.int16), np.full(200000, 32767, np.int16)])
def test_no_sound_breaks_the_spectrogram(turn: NDArray[np.int16]) -> None:
    assert np.isfinite(features_of(turn, 16000)).all()


@pytest.mark.parametrize("frames", [800, 400, "frames"])
async def test_a_real_network_answers(tmp_path: Path, frames: int | str) -> None:
    model = TurnModel.load(tiny_network(tmp_path / "turn.onnx", frames=frames))
    try:
        turn = speech("long-slt")[: 7 * 16000]
        window = features_of(turn, 16000, frames if isinstance(frames, int) else 800)
        expected = 1 / (1 + np.exp(-window[0, :, -10:].mean()))
        assert await model.probability(turn, 16000) == pytest.approx(expected, abs=1e-4)
        assert await model.probability(turn[:0], 16000) is None
    finally:
        await model.close()
    assert await model.probability(turn, 16000) is None


async def test_the_call_goes_on_while_the_network_thinks(scripted: tuple[Scripted, TurnModel]) -> None:
    network, model = scripted
    question = asyncio.create_task(model.probability(speech(), 16000))
    assert await asyncio.to_thread(network.begun.wait, 30)
    network.go.set()
    assert await question == 0.75


async def test_an_answer_that_is_late_is_none(scripted: tuple[Scripted, TurnModel]) -> None:
    assert await scripted[1].probability(speech(), 16000) is None


async def test_only_a_few_questions_wait_and_one_is_worked_on(scripted: tuple[Scripted, TurnModel]) -> None:
    network, model = scripted
    turn = speech()
    questions = [asyncio.create_task(model.probability(turn, 16000)) for _ in range(9)]
    done, waiting = await asyncio.wait(questions, timeout=0.05)
    assert [task.result() for task in done] == [None] * 5
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert network.asked <= 1
    network.go.set()
    assert await model.probability(turn, 16000) == 0.75
    assert network.asked == 2  # those that were cancelled while they waited never reached the network


async def test_a_network_that_fails_is_not_asked_again() -> None:
    network = Scripted(fails=True)
    model = TurnModel(network, "broken.onnx")
    assert [await model.probability(speech(), 16000) for _ in range(3)] == [None] * 3
    assert network.asked == 1
    await model.close()


def test_a_file_that_is_no_network_is_told_from_one_that_is_another(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")
    with pytest.raises(EngineUnavailableError, match=r"broken\.onnx cannot be loaded"):
        TurnModel.load(broken)
    with pytest.raises(EngineUnavailableError, match="80 mel filters"):
        TurnModel.load(tiny_network(tmp_path / "other.onnx", filters=128))


async def test_the_newest_model_in_its_folder_is_opened(tmp_path: Path) -> None:
    tiny_network(tmp_path / "turn" / "smart-turn-v3.1-cpu.onnx")
    newest = tiny_network(tmp_path / "turn" / "smart-turn-v3.2-cpu.onnx")
    assert find_turn_model(tmp_path) == newest
    model, part = await open_turn_model(tmp_path)
    assert model is not None
    assert model.name == newest.name
    assert part.state is State.READY
    assert newest.name in part.detail
    await model.close()


async def test_without_a_model_the_owner_is_told_how_to_get_one(tmp_path: Path) -> None:
    model, part = await open_turn_model(tmp_path)
    assert (model, part.state) == (None, State.READY)
    assert "smart-turn-v3.2-cpu.onnx" in part.remedy
    assert "MODELS_DIR/turn" in part.remedy


async def test_a_damaged_model_and_an_unwanted_one_are_not_used(tmp_path: Path) -> None:
    tiny_network(tmp_path / "turn" / "smart-turn.onnx").write_bytes(b"half a downl")
    model, part = await open_turn_model(tmp_path)
    assert (model, part.state) == (None, State.DEGRADED)
    assert "Delete smart-turn.onnx" in part.remedy
    model, part = await open_turn_model(tmp_path, wanted=False)
    assert (model, part.state) == (None, State.READY)


def test_each_filter_has_an_area_of_one() -> None:
    assert log_mel.mel_filters().shape == (80, 201)
    areas = log_mel.mel_filters().sum(axis=1) * 40  # 40 Hz from bin to bin
    assert areas[20:] == pytest.approx(1, abs=0.12)
