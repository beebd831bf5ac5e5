"""The house keeps its shape: top level, floors, and what the conversation core may import."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = {
    "orchestrator.py", "services", "api", "telephony", "telegram_bot", "widget", "admin", "models", "data", "tests",
    "bench", "docs", "requirements", "start_gpu.sh", "start_cpu.sh", "run_tests.sh", "docker-compose.yml",
    "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE",
}  # fmt: skip


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(name) for name in listed.stdout.split("\0") if name]


def test_the_top_level_is_what_the_owner_fixed() -> None:
    found = {path.parts[0] for path in _tracked() if not path.parts[0].startswith(".")}
    assert found == TOP_LEVEL


def test_nothing_imports_the_orchestrator() -> None:
    importers = []
    for path in _tracked():
        if path.suffix != ".py" or path.name == "orchestrator.py":
            continue
        for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if any(name.split(".")[0] == "orchestrator" for name in names):
                importers.append(str(path))
    assert importers == []


# Outside the standard library, what `import services.voice.reception, services.dialogue.secretary` may load.
# rich and pygments come with structlog, greenlet is looked for by it.
CORE_MAY_IMPORT = set(
    "services numpy pydantic pydantic_core annotated_types typing_extensions typing_inspection structlog rich pygments "
    "greenlet rapidfuzz cython_runtime snowballstemmer".split()
)


def test_the_conversation_core_imports_only_what_is_listed() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "import services.voice.reception, services.dialogue.secretary\n"
        "print('\\n'.join(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split()) - set(sys.stdlib_module_names)
    private = {name for name in loaded if name.startswith("_")}
    assert loaded - private <= CORE_MAY_IMPORT


def test_no_file_names_this_machine_or_a_registry() -> None:
    words = [
        b"/work/" + b"main",
        b"files.python" + b"hosted",
        b"registry.npm" + b"js",
        b"pypi." + b"org",
        b"/ro" + b"ot/",
    ]
    named = [
        str(path) for path in _tracked()
        if (ROOT / path).is_file() and any(word in (ROOT / path).read_bytes() for word in words)
    ]  # fmt: skip
    assert named == []
