"""Wrong input and broken surroundings: one clear sentence and a non-zero exit, or a degraded part, no traceback."""

import os
from pathlib import Path

import numpy as np
import pytest
from front_door import ROOT, secretary

from services.audio.files import write_audio

CALLER = str(ROOT / "tests" / "speech" / "hours-slt.wav")


def one_sentence(done: object, *words: str) -> None:
    """Expect exit 1 and one line on stderr that holds `words`."""
    assert getattr(done, "returncode", None) == 1, done
    error = getattr(done, "stderr", "")
    assert "Traceback" not in error, error
    lines = [line for line in error.strip().splitlines() if line.startswith("secretary:")]
    assert len(lines) == 1, error
    for word in words:
        assert word in lines[0], lines[0]


def test_a_missing_recording(tmp_path: Path) -> None:
    one_sentence(secretary("call", "--wav", "nowhere.wav", cwd=tmp_path), "nowhere.wav")


def test_an_unreadable_recording(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(os.urandom(2000))
    one_sentence(secretary("call", "--wav", "broken.wav", cwd=tmp_path), "broken.wav")
    one_sentence(secretary("transcribe", "broken.wav", "--language", "en", cwd=tmp_path), "broken.wav")


def test_a_recording_without_sound(tmp_path: Path) -> None:
    write_audio(tmp_path / "some.wav", np.zeros(8, np.int16), 8000)
    header = (tmp_path / "some.wav").read_bytes()[:44]
    (tmp_path / "empty.wav").write_bytes(header[:40] + bytes(4))
    one_sentence(secretary("call", "--wav", "empty.wav", cwd=tmp_path), "empty.wav", "holds no sound")


def test_a_file_that_cannot_be_written_is_refused_before_the_call(tmp_path: Path) -> None:
    one_sentence(secretary("call", "--out", "call.mp3", cwd=tmp_path), ".mp3", ".ogg")
    one_sentence(secretary("say", "hello", "--out", "hello.mp3", cwd=tmp_path), ".mp3", ".ogg")
    assert not (tmp_path / "data").exists()


def test_an_address_that_is_not_this_machines(tmp_path: Path) -> None:
    done = secretary("serve", "--host", "192.0.2.1", cwd=tmp_path)
    one_sentence(done, "http://192.0.2.1:8002", "SECRETARY_HOST")
    assert "Stop the program" not in done.stderr


def test_an_unknown_language(tmp_path: Path) -> None:
    one_sentence(secretary("call", "--language", "xx", cwd=tmp_path), "SECRETARY_LANGUAGE", "'ru' or 'en'")


def test_an_unknown_fault(tmp_path: Path) -> None:
    done = secretary("call", "--fault", "gremlins", cwd=tmp_path)
    one_sentence(done, "gremlins", "junk")


def test_say_without_a_voice_the_ears_understand(tmp_path: Path) -> None:
    one_sentence(secretary("call", "--say", "hello", "--language", "en", cwd=tmp_path), "espeak", "--wav")


def test_transcribing_russian_without_ears(tmp_path: Path) -> None:
    done = secretary("transcribe", CALLER, "--language", "ru", cwd=tmp_path)
    one_sentence(done, "vosk-model-small-ru-0.22")


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    one_sentence(secretary("doctor", cwd=tmp_path), "data")


def test_a_damaged_database_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    damaged = tmp_path / "data" / "secretary.db"
    damaged.write_bytes(b"this is no database" * 100)
    before = damaged.read_bytes()
    one_sentence(secretary("doctor", cwd=tmp_path), "secretary.db")
    assert damaged.read_bytes() == before


def test_a_corrupt_model_folder_is_a_degraded_part(tmp_path: Path) -> None:
    for inner in ("am", "conf", "graph"):
        (tmp_path / "models" / "vosk" / "vosk-model-small-ru-0.22" / inner).mkdir(parents=True)
    (tmp_path / "models" / "piper").mkdir()
    (tmp_path / "models" / "piper" / "ru_RU-irina-medium.onnx").write_bytes(b"garbage")
    (tmp_path / "models" / "piper" / "ru_RU-irina-medium.onnx.json").write_text("{")
    done = secretary("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "vosk-model-small-ru-0.22" in done.stdout.replace("\n", "")


@pytest.mark.parametrize("port", ["/dev/does-not-exist", "/dev/null"])
def test_a_missing_or_wrong_serial_port_is_a_degraded_part(tmp_path: Path, port: str) -> None:
    given = {"SECRETARY_TELEPHONY__AT_PORT": port, "SECRETARY_TELEPHONY__AUDIO_PORT": port}
    done = secretary("doctor", "--json", cwd=tmp_path, settings=given)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    if port != "/dev/null":
        assert "does not exist" in done.stdout


def test_chat_answers_and_ends_with_its_input(tmp_path: Path) -> None:
    done = secretary("chat", "--language", "en", cwd=tmp_path, typed="what are your opening hours\n")
    assert done.returncode == 0, done.stderr
    assert "9:00" in done.stdout


def test_an_unknown_persona(tmp_path: Path) -> None:
    one_sentence(secretary("chat", "--persona", "nobody", cwd=tmp_path), "nobody", "anna")


def test_an_unknown_command_and_option(tmp_path: Path) -> None:
    for arguments in (["dance"], ["call", "--loud"]):
        done = secretary(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command", ["serve", "call", "chat", "say", "transcribe", "messages", "doctor", "demo", "settings"]
)
def test_every_command_has_help(tmp_path: Path, command: str) -> None:
    done = secretary(command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage" in done.stdout
