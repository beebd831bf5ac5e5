#!/usr/bin/env bash
# Sets everything up and serves: environment, locked dependencies, database, what is ready and what is not.
#   ./start_cpu.sh                   serve on http://127.0.0.1:8002 (arguments go to `secretary serve`)
#   ./start_cpu.sh --prepare-only    stop before serving
#   ./start_cpu.sh --sip             with the package for calls over SIP; once is enough
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source requirements/environment.sh

prepare_only=no
list=$(main_list)
arguments=()
for argument in "$@"; do
    case $argument in
        --prepare-only) prepare_only=yes ;;
        --sip) list=requirements/sip.txt ;;
        *) arguments+=("$argument") ;;
    esac
done

prepare_environment .venv "$list"
if [ "$prepare_only" = yes ]; then
    step "Database and parts"
    exec .venv/bin/secretary doctor
fi
step "Serving"
exec .venv/bin/secretary serve ${arguments[@]+"${arguments[@]}"}
