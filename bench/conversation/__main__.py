"""One conversation, four ways: this project, bare asyncio, pipecat and livekit-agents, on the same fake engines.

    python -m bench.conversation [--rows latency,cpu] [--only ours,bare] [--quick] [--json out.json]
                                 [--pipecat-python PATH] [--livekit-python PATH]

The engines (bench/conversation/workload.py): a language model with its first token after 100 ms and 200 tokens a
second, a voice with its first frame after 30 ms and 20 times real time, ears that decide the turn with a final
transcript 200 ms after the speech. 16 kHz, 20 ms frames both ways, every contender in a process of its own on one core
in real time where it may, asyncio's own loop, rounds interleaved. A peer that is not installed here is looked
for in .venvs/bench, and left out when it is not there either:

    python -m venv .venvs/bench && .venvs/bench/bin/pip install --no-deps --require-hashes -r requirements/bench.txt

Rows. `latency`: from the instant at which the final transcript is due to the first non-silent frame written at the
line, less the engines' 165 ms (100, 7 tokens of 5, 30). `latency_vad`, `cpu_vad`: the same with each contender's own
Silero on every frame of recorded speech and room noise. `latency_paced`: ours on a line with the clocked writer of
telephony, whose 20 ms ticks come on top. `cpu_whole`: ours with Silero and the echo canceller. `capacity`: the most
calls at once, their turns spread, with p95 of added latency below 50 ms, no turn lost and no gap over 60 ms; a search
upward that ends after two failures. `cpu`: process seconds for a minute of a call among 50, the least of the rounds.
`imports`: a fresh process. `memory`: the slope between 10 and 200 calls that have had a turn. `barge_in`: from the
interruption's being found to the last frame written. `growth`: after 1,000 short calls.

The line takes a frame at once when it is idle, so no phase of a 20 ms tick is measured (see FarEnd). Ours runs
VoiceConversation with the real Secretary in front of the fake model, so the prompt, the FAQ's look-up in an empty FAQ,
the journal and the playout queue are all in its figures; recording is not, no contender records.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console

from bench.conversation import plan, report


def main() -> None:
    """Run what is wanted and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(plan.ROWS), help="which figures, comma separated")
    parser.add_argument("--only", default="", help="which contenders: bare, ours, pipecat_peer, livekit_peer")
    parser.add_argument("--quick", action="store_true", help="one round, ten seconds a level, fewer levels")
    parser.add_argument("--levels", default="", help="the concurrent calls that are tried, comma separated")
    parser.add_argument("--core", type=int, default=(os.cpu_count() or 1) - 1)
    parser.add_argument("--pipecat-python", default="")
    parser.add_argument("--livekit-python", default="")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    interpreters = plan.pythons(plan.peers_python(args.pipecat_python), plan.peers_python(args.livekit_python))
    if args.only:
        interpreters = {name: interpreters[name] for name in args.only.split(",") if name in interpreters}
    levels = tuple(int(each) for each in args.levels.split(",")) if args.levels else plan.LEVELS
    bench = plan.Bench(
        pythons=interpreters,
        core=args.core,
        rounds=1 if args.quick else 3,
        seconds=10.0 if args.quick else 20.0,
        levels=levels[::3] if args.quick else levels,
        rows=tuple(args.rows.split(",")),
        tell=lambda line: print(line, file=sys.stderr, flush=True),
    )
    results = bench.run()
    found = plan.versions(interpreters)
    report.show(Console(width=140), results, found)
    if args.json:
        args.json.write_text(json.dumps({"versions": found, "results": results}, indent=1))


if __name__ == "__main__":
    main()
