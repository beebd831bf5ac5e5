#!/usr/bin/env bash
# Makes the hashed requirement lists anew from pyproject.toml (needs uv). Pass --upgrade to take newer releases.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() { # lock OUTPUT ARGUMENTS...
    local out="requirements/$1"; shift
    uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --custom-compile-command requirements/compile.sh --quiet --output-file "$out" "$@"
    echo "$out: $(grep -c '==' "$out") packages"
}

light=(--overrides requirements/overrides.txt)
lock main.txt pyproject.toml --group build "${light[@]}" "$@"
lock dev.txt pyproject.toml --group build --group dev "${light[@]}" --constraints requirements/main.txt "$@"
# The peers that are measured beside us want an older protobuf and soundfile than we have; all else is as in dev.txt.
same=requirements/.dev-without-two.txt
trap 'rm -f "$same"' EXIT
grep -E '^[a-zA-Z0-9].*==' requirements/dev.txt | sed 's/ *\\$//' | grep -vE '^(protobuf|soundfile)==' >"$same"
lock bench.txt pyproject.toml --group build --group dev --group bench "${light[@]}" --constraints "$same" "$@"
sed -i "s|-c $same|-c requirements/dev.txt|" requirements/bench.txt
lock ui-build.txt pyproject.toml --extra ui-build "${light[@]}" --constraints requirements/main.txt "$@"
lock sip.txt pyproject.toml --group build --extra sip "${light[@]}" --constraints requirements/main.txt "$@"
lock vllm.txt --group vllm "$@"
lock xtts.txt --group xtts "$@"
