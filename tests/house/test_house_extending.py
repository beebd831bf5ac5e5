"""The examples of docs/extending.md run as they stand, are short, and need no other file edited."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "extending.md").read_text("utf-8")
EXAMPLES = {
    code.splitlines()[0].removeprefix("# "): code for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
}

USES = {
    "services/tts/beep.py": """
import services.tts; services.tts.__path__.append(HERE)
from services.tts.manager import Mouth; from services.tts.settings import TtsSettings
async def main():
    mouth = Mouth(CONTEXT, TtsSettings(engine="beep"))
    await mouth.start(["en"])
    pieces = [p async for p in mouth.synthesize("hello you", mouth.voice_for("en", "female"), 8000)]
    await mouth.close()
    frames = [p for p in pieces if hasattr(p, "samples")]
    assert len(frames) == 2 * 8 + 6 and len(pieces) - len(frames) == 2, len(frames)
""",
    "services/llm/parrot.py": """
import services.llm; services.llm.__path__.append(HERE)
from services.llm.manager import Mind; from services.llm.settings import LlmSettings
from services.llm.protocol import Message, TextDelta
async def main():
    mind = Mind(CONTEXT, LlmSettings(backend="parrot"))
    await mind.start()
    events = [e async for e in mind.model.stream([Message("user", "good day")])]
    await mind.close()
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "You said: good day "
""",
    "a_file_channel/line.py": """
import sys; sys.path.insert(0, HERE)
import numpy as np
from line import FileLine
from services.audio.frame import silence
from services.voice.line import Closed
async def main():
    line = FileLine(np.zeros(1600, np.int16))
    heard = []
    line.tap(heard.append)
    await line.answer()
    await line.send(silence(8000))
    events = [event async for event in line.events()]
    assert isinstance(events[-1], Closed) and len(events) == 11 and len(heard) == 10 and line.played == 160
""",
}


def test_every_example_is_used() -> None:
    assert set(EXAMPLES) == set(USES)


@pytest.mark.parametrize("name", sorted(USES))
def test_an_example_works(name: str, tmp_path: Path) -> None:
    (tmp_path / Path(name).name).write_text(EXAMPLES[name], "utf-8")
    script = (
        "import asyncio\nfrom pathlib import Path\nfrom services.engines import EngineContext\n"
        f"HERE = {str(tmp_path)!r}\nCONTEXT = EngineContext(Path(HERE), Path(HERE))\n{USES[name]}\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted(USES))
def test_an_example_is_under_40_lines(name: str) -> None:
    lines = [line for line in EXAMPLES[name].splitlines() if line.strip()]
    assert len(lines) < 40, len(lines)
