"""The mouth is cheap to import: no engine's package comes along."""

import subprocess
import sys

PACKAGES = ("piper", "onnxruntime", "espeakng_loader", "sqlalchemy", "fastapi", "torch")


def test_importing_and_discovering_loads_no_engine_package() -> None:
    code = (
        "import sys; from services.tts.roster import discovered; import services.tts.manager; "
        f"print(sorted(discovered()), [each for each in {PACKAGES} if each in sys.modules])"
    )
    path = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True, timeout=60
    )
    engines, loaded = done.stdout.strip().split("] [")
    assert loaded == "]"
    assert "'espeak'" in engines
    assert "'piper'" in engines
