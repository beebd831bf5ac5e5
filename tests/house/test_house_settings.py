"""Settings are typed, refused with a sentence, and `.env.example` tells the truth."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from front_door import ROOT, environment, secretary


def test_env_example_lists_every_setting_with_its_default(tmp_path: Path) -> None:
    printed = secretary("settings", cwd=tmp_path)
    assert printed.returncode == 0, printed.stderr
    assert (ROOT / ".env.example").read_text("utf-8") == printed.stdout, "run: secretary settings > .env.example"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SECRETARY_PROT", "8003", ["SECRETARY_PROT", "not a setting", "SECRETARY_PORT"]),
        ("SECRETARY_PORT", "eight", ["SECRETARY_PORT", "integer", "SECRETARY_PORT=8002"]),
        ("SECRETARY_LANGUAGE", "xx", ["SECRETARY_LANGUAGE", "'ru' or 'en'", "SECRETARY_LANGUAGE=ru"]),
        ("SECRETARY_STT__ENGINE", "telepathy", ["SECRETARY_STT__ENGINE", "telepathy", "pocketsphinx"]),
        ("SECRETARY_TTS__ENGINE", "telepathy", ["SECRETARY_TTS__ENGINE", "telepathy", "espeak"]),
        ("SECRETARY_LLM__BACKEND", "telepathy", ["SECRETARY_LLM__BACKEND", "telepathy", "openai_compatible"]),
        ("SECRETARY_TELEPHONY__ANSWER_AFTER_RINGS", "0", ["ANSWER_AFTER_RINGS", "greater than or equal to 1"]),
        ("SECRETARY_TIME_ZONE", "Mars/Olympus", ["SECRETARY_TIME_ZONE", "Mars/Olympus", "Europe/Moscow"]),
        ("SECRETARY_TELEPHONY__SIM_PIN", '1234";+CHUP', ["SECRETARY_TELEPHONY__SIM_PIN", "4 to 8 digits"]),
        ("SECRETARY_SIP__ACCEPT_FROM", "10.0.0.0/8, 999.1", ["SECRETARY_SIP__ACCEPT_FROM", "999.1"]),
        ("SECRETARY_SIP__ACCEPT_FROM", '["10.0.0.0/8', ["SECRETARY_SIP__ACCEPT_FROM", "with commas"]),
        ("SECRETARY_SIP__CODECS", "opus", ["SECRETARY_SIP__CODECS", "SECRETARY_SIP__CODECS=pcma,pcmu"]),
        ("SECRETARY_SIP__SERVER", "sip:a server", ["SECRETARY_SIP__SERVER", "sip.example.com"]),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_sentence(
    tmp_path: Path, name: str, value: str, words: list[str]
) -> None:
    done = secretary("doctor", cwd=tmp_path, settings={name: value})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word.casefold() in done.stderr.casefold(), done.stderr
    assert not (tmp_path / "data").exists(), "a refused start must leave nothing behind"


def test_every_setting_at_its_default_is_a_good_env_file(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    done = secretary("users", "list", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("networks", ["10.0.0.0/8", "10.0.0.0/8, 192.0.2.1", '["10.0.0.0/8"]'])
def test_networks_are_written_with_commas_or_as_json(tmp_path: Path, networks: str) -> None:
    given = {"SECRETARY_SIP__ENABLED": "true", "SECRETARY_SIP__ACCEPT_FROM": networks}
    done = secretary("users", "list", cwd=tmp_path, settings=given)
    assert done.returncode == 0, done.stderr


def test_a_wrong_name_in_the_env_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SECRETARY_LANGAUGE=en\n")
    done = secretary("doctor", cwd=tmp_path)
    assert done.returncode == 1
    assert "SECRETARY_LANGUAGE" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\xff\xfe\x00", "cannot be read"),
        (b"# a comment\nSECRETARY_PORT 8111\n", "Line 2"),
        (b"SECRETARY_PORT\n", "Line 1"),
        (b'\xef\xbb\xbfSECRETARY_PORT="eight"\r\n', "SECRETARY_PORT is wrong"),
    ],
)
def test_an_env_file_that_would_be_passed_over_is_refused(tmp_path: Path, text: bytes, words: str) -> None:
    (tmp_path / ".env").write_bytes(text)
    done = secretary("messages", cwd=tmp_path)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_an_env_file_of_windows_and_empty_values_and_capitals(tmp_path: Path) -> None:
    text = "\ufeffexport SECRETARY_LANGUAGE=' EN'\r\nSECRETARY_PORT=\r\nOTHER=1 # not ours\r\n"
    (tmp_path / ".env").write_bytes(text.encode())
    done = secretary("doctor", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"ears en"' in done.stdout


def test_a_new_installation_beside_an_older_one_is_told(tmp_path: Path) -> None:
    copy = tmp_path / "house"
    copy.mkdir()
    for name in ("orchestrator.py", "api", "services", "telephony"):
        (copy / name).symlink_to(ROOT / name)
    (copy / "orchestrator.py").unlink()
    shutil.copy(ROOT / "orchestrator.py", copy)
    (copy / "data").mkdir()
    (copy / "data" / "secretary.db").touch()
    (tmp_path / "elsewhere").mkdir()
    command = [sys.executable, str(copy / "orchestrator.py"), "messages"]
    done = subprocess.run(
        command, cwd=tmp_path / "elsewhere", env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert str(copy) in done.stderr
    again = subprocess.run(
        command, cwd=tmp_path / "elsewhere", env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert again.stderr == ""


def test_a_secret_is_never_printed(tmp_path: Path) -> None:
    wrong = {"SECRETARY_LLM__API_KEY": "very-secret-key", "SECRETARY_LLM__BASE_URL": "not a url"}
    done = secretary("doctor", cwd=tmp_path, settings=wrong)
    assert done.returncode == 1
    assert "very-secret-key" not in done.stderr + done.stdout
