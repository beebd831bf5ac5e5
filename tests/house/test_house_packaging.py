"""Scripts, requirement lists and the wheel: what a stranger's machine is given."""

import os
import re
import stat
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from front_door import ROOT

LISTS = sorted((ROOT / "requirements").glob("*.txt"))
LOCKS = [path for path in LISTS if path.name != "overrides.txt"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).casefold()


def locked(path: Path) -> set[str]:
    return {
        normal(name)
        for name in re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==", path.read_text("utf-8"), re.MULTILINE)
    }


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_locked_package_is_hashed_and_no_host_is_named(path: Path) -> None:
    text = path.read_text("utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)
    unhashed = [entry.split()[0] for entry in entries if "==" in entry.split("\n")[0] and "--hash=sha256:" not in entry]
    assert unhashed == []
    assert "://" not in text
    assert "index-url" not in text.replace("--no-emit-index-url", "")


def test_the_main_list_holds_every_declared_package_and_no_torch_anywhere() -> None:
    declared = {normal(re.split(r"[\[<>=!~ ;]", each)[0]) for each in PROJECT["project"]["dependencies"]}
    main = (ROOT / "requirements" / "main.txt").read_text("utf-8")
    assert declared <= locked(ROOT / "requirements" / "main.txt")
    for line in main.splitlines():
        if line.startswith(("torch==", "torchaudio==")):
            assert "sys_platform == 'never'" in line


def test_the_test_list_contains_the_main_list_at_the_same_versions() -> None:
    pins = [set(re.findall(r"^\S+==[^ \\;]+", (ROOT / "requirements" / name).read_text("utf-8"), re.MULTILINE))
            for name in ("main.txt", "dev.txt")]  # fmt: skip
    assert pins[0] <= pins[1]


@pytest.mark.parametrize(
    "script", ["start_cpu.sh", "start_gpu.sh", "run_tests.sh", ".ci/run", "requirements/compile.sh"]
)
def test_scripts_can_be_run_and_parsed(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & stat.S_IXUSR
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_an_environment_that_was_interrupted_or_made_without_pip_is_made_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True, timeout=60)
    (tmp_path / "empty.txt").write_text("# nothing to install\n")
    script = (
        'set -euo pipefail; source requirements/environment.sh; prepare_environment "$1/env" "$1/empty.txt" no-project'
    )
    done = subprocess.run(
        ["bash", "-c", script, "test", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PATH": "/usr/bin:/bin", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "env" / ".prepared").exists()
    subprocess.run([str(tmp_path / "env" / "bin" / "python"), "-m", "pip", "--version"], check=True, timeout=60)


CARDS = {
    "no driver": (None, "nvidia-smi is missing"),
    "no card": ("exit 6", "no usable GPU"),
    "an old card": ('echo "GTX 1080, 6.1, 8000"', "compute capability 6.1"),
    "a full card": ('echo "RTX 3060, 8.6, 900"', "900 MB of free memory"),
}


@pytest.mark.parametrize("case", sorted(CARDS))
def test_start_gpu_refuses_what_it_cannot_use(case: str, tmp_path: Path) -> None:
    answer, words = CARDS[case]
    if answer is not None:
        fake = tmp_path / "nvidia-smi"
        fake.write_text(f"#!/bin/sh\n{answer}\n")
        fake.chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    done = subprocess.run(
        [str(ROOT / "start_gpu.sh")],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert "start_cpu.sh" in done.stderr


def test_the_wheel_holds_the_house_and_its_data(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "orchestrator.py",
        "api/pages/home.ru.html",
        "services/dialogue/personas/anna.toml",
        "services/knowledge/seed/en.toml",
        "services/storage/migrations/env.py",
        "telephony/simulator/speech/en/1-opening-hours.wav",
    ):
        assert needed in names
    assert not [name for name in names if name.startswith(("tests/", "data/", "bench/"))]
