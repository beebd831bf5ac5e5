"""What importing each conversation core costs, in a fresh process each time; run by the contender's own Python.

python -m bench.conversation.imports CONTENDER CORE
"""

import json
import os
import statistics
import subprocess
import sys
from typing import Any

from bench.conversation.alone import take_core

CORES = {
    "bare": "import asyncio, numpy",
    "ours": "import services.voice.reception, services.dialogue.secretary",
    "pipecat_peer": (
        "from pipecat.pipeline.worker import PipelineWorker; from pipecat.pipeline.pipeline import Pipeline;"
        "from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair;"
        "from pipecat.services.llm_service import LLMService; from pipecat.services.stt_service import STTService;"
        "from pipecat.services.tts_service import TTSService;"
        "from pipecat.transports.base_output import BaseOutputTransport"
    ),
    "livekit_peer": "from livekit.agents import Agent, AgentSession, llm, stt, tokenize, tts",
}

_TIMED = """
import sys, time
began, before = time.perf_counter(), len(sys.modules)
{core}
took = time.perf_counter() - began
pages = int(open('/proc/self/statm').read().split()[1])
print(took, len(sys.modules) - before, pages)
"""


def measure(contender: str, times: int = 5) -> dict[str, Any]:
    """Return the median seconds, the modules and the process's MB after the import."""
    seconds, modules, pages = [], 0, 0
    for number in range(times + 1):
        run = subprocess.run(
            [sys.executable, "-c", _TIMED.format(core=CORES[contender])], capture_output=True, text=True, check=True
        )
        took, modules_text, pages_text = run.stdout.split()[-3:]
        modules, pages = int(modules_text), int(pages_text)
        if number:  # the first one may write byte code
            seconds.append(float(took))
    size = os.sysconf("SC_PAGE_SIZE") / 2**20
    return {"seconds": round(statistics.median(seconds), 3), "modules": modules, "mb": round(pages * size, 1)}


if __name__ == "__main__":
    take_core(int(sys.argv[2]))
    print(json.dumps(measure(sys.argv[1])))
