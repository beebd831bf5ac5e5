#!/usr/bin/env bash
# The same as start_cpu.sh with a language model on the owner's GPU: checks the card, prepares vLLM in an environment of
# its own under .venvs/, starts it, waits until it answers, serves, and ends it together with the secretary.
#   SECRETARY_LLM__MODEL            the model vLLM loads (default Qwen/Qwen2.5-7B-Instruct-AWQ)
#   VLLM_MEMORY_SHARE               its share of the card's memory (default 0.55: the voice needs the rest)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source requirements/environment.sh

need_mb=8000
model=${SECRETARY_LLM__MODEL:-Qwen/Qwen2.5-7B-Instruct-AWQ}
share=${VLLM_MEMORY_SHARE:-0.55}
port=${VLLM_PORT:-8000}
log=data/vllm.log

check_card() {
    command -v nvidia-smi >/dev/null ||
        fail "No NVIDIA driver was found (nvidia-smi is missing)." "Install the driver, or run ./start_cpu.sh."
    local line name capability free
    line=$(nvidia-smi --query-gpu=name,compute_cap,memory.free --format=csv,noheader,nounits 2>/dev/null | head -n 1) || true
    [ -n "$line" ] || fail "The NVIDIA driver answers, but there is no usable GPU." "Check nvidia-smi, or run ./start_cpu.sh."
    IFS=, read -r name capability free <<<"$line"
    capability=$(tr -d ' ' <<<"$capability") free=$(tr -d ' ' <<<"$free")
    awk -v c="$capability" 'BEGIN { exit !(c >= 7.0) }' ||
        fail "$name has compute capability $capability; 7.0 or newer is needed." "Run ./start_cpu.sh."
    [ "$free" -ge "$need_mb" ] ||
        fail "$name has $free MB of free memory; $need_mb MB are needed." "End what uses the card, or run ./start_cpu.sh."
    echo "$name, compute capability $capability, $free MB free"
}

wait_for_vllm() {
    local waited=0
    until .venv/bin/python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$port/health', timeout=2)" 2>/dev/null; do
        kill -0 "$vllm" 2>/dev/null || { tail -n 20 "$log" >&2; fail "vLLM ended before it was ready." "The log is $log."; }
        [ "$waited" -lt 1800 ] || fail "vLLM was not ready within 30 minutes." "The log is $log."
        printf '\r  loading %s: %d s, %s' "$model" "$waited" "$(tail -n 1 "$log" | cut -c1-80)"
        sleep 2
        waited=$((waited + 2))
    done
    printf '\n  ready after %d s\n' "$waited"
}

step "Graphics card"
check_card
prepare_environment .venv "$(main_list)"
prepare_environment .venvs/vllm requirements/vllm.txt no-project
prepare_environment .venvs/xtts requirements/xtts.txt no-project

step "Language model"
mkdir -p data
.venvs/vllm/bin/python -m vllm.entrypoints.openai.api_server --host 127.0.0.1 --port "$port" --model "$model" \
    --gpu-memory-utilization "$share" --enable-auto-tool-choice --tool-call-parser hermes >"$log" 2>&1 &
vllm=$!
trap 'kill "$vllm" 2>/dev/null; wait "$vllm" 2>/dev/null || true' EXIT
wait_for_vllm

step "Serving"
SECRETARY_LLM__BACKEND=vllm SECRETARY_LLM__BASE_URL="http://127.0.0.1:$port/v1" SECRETARY_LLM__MODEL="$model" \
    .venv/bin/secretary serve "$@"
