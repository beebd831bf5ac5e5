"""`secretary call`, as a person runs it: the shipped caller's questions get their answers, the files are there."""

import json
import sqlite3
from pathlib import Path

import soundfile
from front_door import secretary

from services.audio.levels import rms_dbfs


def test_the_demo_caller_is_answered_from_the_faq_and_everything_is_kept(tmp_path: Path) -> None:
    done = secretary("call", "--out", "call.ogg", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    call = json.loads(done.stdout)

    assert call["answered"]
    assert not call["returning"]
    questions = [turn["heard"] for turn in call["turns"] if turn["role"] == "caller"]
    answers = [turn for turn in call["turns"] if turn["role"] == "secretary"][1:]
    assert "hours" in questions[0]
    assert "located" in questions[1]
    assert [answer["source"] for answer in answers] == ["faq", "faq"]
    assert "9:00" in answers[0]["intended"]
    assert "Garden Street" in answers[1]["intended"]
    for answer in answers:
        marks = answer["stages"]
        assert list(marks.values()) == sorted(marks.values())
        assert {"end_of_turn", "final_transcript", "first_sound"} <= set(marks)

    for path in (tmp_path / "call.ogg", tmp_path / "data" / call["recording"]):
        sound, rate = soundfile.read(path, dtype="int16")
        assert rate == 8000
        assert sound.shape[1] == 2
        assert len(sound) > 15 * rate
        assert all(-45 < rms_dbfs(sound[:, side]) < -10 for side in (0, 1)), "both sides are heard"

    with sqlite3.connect(tmp_path / "data" / "secretary.db") as database:
        row = database.execute("select number, direction, outcome, ended_at is not null, recording_path from calls")
        assert row.fetchall() == [("+79990000001", "in", "answered", 1, call["recording"])]
    database.close()
