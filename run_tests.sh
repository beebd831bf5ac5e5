#!/usr/bin/env bash
# Sets up what the tests need and passes them.
#   ./run_tests.sh          style, types, architecture, tests: what waits beside what computes
#   ./run_tests.sh heavy    also the tests of engines that take minutes to install
#   ./run_tests.sh soak     the long runs at full length
# Further arguments go to pytest, e.g. ./run_tests.sh -k g711.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source requirements/environment.sh

marks="not heavy and not soak"
case ${1:-} in
heavy) marks="not soak"; shift ;;
soak) marks="soak"; shift ;;
esac

folder=.venv-test
if [ "$marks" = "not soak" ]; then folder=.venvs/test-heavy; fi
prepare_environment "$folder" requirements/dev.txt
if [ "$marks" = "not soak" ] && ! "$folder/bin/python" -c 'import torch, transformers' 2>/dev/null; then
    step "Torch and transformers for the heavy tests"
    # Every package of the list keeps its version; only what these two need is added.
    if command -v uv >/dev/null; then
        pip=(uv pip)
        at=(--python "$folder/bin/python")
    else
        pip=("$folder/bin/python" -m pip)
        at=()
    fi
    "${pip[@]}" freeze ${at[@]+"${at[@]}"} | grep == >"$folder/locked.txt"
    "${pip[@]}" install ${at[@]+"${at[@]}"} torch==2.13.0 transformers -c "$folder/locked.txt" 2>&1 | short_pip
fi

# The tests start servers of their own; where the programs are missing those tests are skipped, and say so.
missing=()
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    step "Servers for the tests: ${missing[*]}"
    # In run level 1 Debian's packages start no service.
    install_servers() { RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null; }
    install_servers || { apt-get update -qq && install_servers; } || echo "not to be had: their tests are skipped"
fi

bin=$folder/bin
step "Style"
$bin/ruff check .
$bin/ruff format --check .
step "Types"
$bin/mypy
step "Architecture"
$bin/lint-imports
step "Tests"
if [ "$marks" = "not heavy and not soak" ] && [ $# -eq 0 ]; then
    exec $bin/python tests/side_by_side.py -m "$marks"
fi
exec $bin/python -m pytest -m "$marks" "$@"
