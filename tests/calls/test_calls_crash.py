"""A process killed in the middle of a call: what was said until then is there, and the next caller is served."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from front_door import ROOT, environment, secretary, serving

from services.audio.files import read_audio, write_audio

SPEECH = ROOT / "tests" / "speech"
NUMBER = "+79991112233"
TALKED_SECONDS = 4.0
LOST_SECONDS = 3.0
"""The second that is not synced yet, the one that the codec and the page still hold, and a slow machine."""


def row(folder: Path, query: str) -> dict[str, Any] | None:
    """Return the first row of `query`, None while there is none, or no database."""
    try:
        with closing(sqlite3.connect(f"file:{folder}/data/secretary.db?mode=ro", uri=True, timeout=5)) as database:
            database.row_factory = sqlite3.Row
            found = database.execute(query).fetchone()
    except sqlite3.OperationalError:
        return None
    return None if found is None else dict(found)


def wait_for(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    for _ in range(round(seconds / 0.1)):
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError("It never came.")


@contextmanager
def calling(folder: Path, speech: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `secretary call` in a process that is killed at the end at the latest."""
    command = [sys.executable, str(ROOT / "orchestrator.py"), "call", "--wav", str(speech), "--number", NUMBER]
    command += ["--language", "en"]
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=nowhere, stderr=nowhere)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_killed_call_leaves_all_but_its_last_seconds_and_the_next_is_answered(tmp_path: Path) -> None:
    speech = tmp_path / "long.wav"
    turn = read_audio(SPEECH / "long-slt.wav", 8000)
    write_audio(speech, np.concatenate([turn, turn]), 8000)
    with calling(tmp_path, speech) as process:
        answered = wait_for(lambda: row(tmp_path, "select id, answered_at from calls where answered_at is not null"))
        greeting = wait_for(lambda: row(tmp_path, "select * from turns where role = 'secretary'"))
        time.sleep(TALKED_SECONDS)
        workers = psutil.Process(process.pid).children(recursive=True)
        assert len(workers) >= 2, "the ears and the voice"
        process.kill()
        began = datetime.fromisoformat(answered["answered_at"]).replace(tzinfo=UTC)
        talked = (datetime.now(UTC) - began).total_seconds()
        process.wait()
        _, alive = psutil.wait_procs(workers, timeout=10)
        assert not alive, "no worker outlives its house"

    left = row(tmp_path, "select * from calls")
    assert left is not None
    assert left["ended_at"] is None
    recorded = read_audio(tmp_path / "data" / left["recording_path"], 8000)
    assert len(recorded) / 8000 >= talked - LOST_SECONDS
    assert np.abs(recorded[: round(greeting["end"] * 8000)]).max() > 1000, "the greeting is in it"

    question = str(SPEECH / "hours-slt.wav")
    again = secretary("call", "--json", "--number", NUMBER, "--wav", question, "--language", "en", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    summary = json.loads(again.stdout)
    assert summary["returning"]
    closed = row(tmp_path, f"select * from calls where id = '{left['id']}'")
    after = row(tmp_path, f"select * from calls where id = '{summary['call_id']}'")
    assert closed is not None
    assert after is not None
    assert (closed["outcome"], closed["end_reason"], after["outcome"]) == ("cut", "crash", "answered")
    assert closed["ended_at"] is not None
    assert closed["conversation_id"] == after["conversation_id"], "the earlier conversation was found"


def test_a_server_leaves_a_simulated_call_of_a_living_process_alone(tmp_path: Path) -> None:
    with calling(tmp_path, SPEECH / "long-slt.wav"):
        wait_for(lambda: row(tmp_path, "select id from calls where answered_at is not null"))
        with serving(tmp_path, {"SECRETARY_TELEPHONY__ENABLED": "false"}):
            other = row(tmp_path, "select outcome, ended_at from calls")
    assert other == {"outcome": "", "ended_at": None}
