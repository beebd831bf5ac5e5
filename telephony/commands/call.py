"""`secretary call`: phone this installation through the modem simulator and watch."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

from services.audio.files import expect_format, write_audio
from services.audio.frame import Frame
from services.domain import Turn
from services.errors import AudioError, EngineUnavailableError
from services.installation import Installation, OpenInstallation
from services.text.spoken import to_spoken
from telephony.commands.report import CallPrinter, latency_table
from telephony.commands.simulated import CallerTurn, PlacedCall, simulated_line
from telephony.simulator import FAULTS, RATE, SimulatorError, demo_turns, read_wav


def add_command(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add the command."""

    @cli.command(epilog="\n\n".join(["Faults:", *(f"{name}: {what}" for name, what in sorted(FAULTS.items()))]))
    def call(
        wav: Annotated[list[Path] | None, typer.Option(help="a recorded turn of the caller; repeat for more")] = None,
        say: Annotated[list[str] | None, typer.Option(help="a turn spoken by a voice here; repeat for more")] = None,
        language: Annotated[str, typer.Option(help="ru or en; empty: the installation's, en for the demo")] = "",
        number: Annotated[str, typer.Option(help='the caller\'s number, "" to withhold it')] = "+79990000001",
        fault: Annotated[list[str] | None, typer.Option(help="something that goes wrong (see below); repeat")] = None,
        out: Annotated[Path | None, typer.Option(help="stereo recording: left caller, right secretary")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="print JSON for scripts")] = False,
    ) -> None:
        """Place a phone call to this installation through the modem simulator.

        Without --wav or --say a shipped English caller asks two questions. Exit 0 when every turn was answered.
        """
        language = language or ("" if wav or say else "en")
        console = Console(quiet=as_json)
        answered = asyncio.run(
            _call(open_installation, console, wav or [], say or [], number, fault or [], out, as_json, language)
        )
        raise typer.Exit(0 if answered else 1)


async def _call(
    open_installation: OpenInstallation,
    console: Console,
    wavs: Sequence[Path],
    texts: Sequence[str],
    number: str,
    faults: Sequence[str],
    out: Path | None,
    as_json: bool,
    language: str,
) -> bool:
    if out is not None:
        expect_format(out, RATE)
    recorded = await asyncio.to_thread(_recorded_turns, wavs, demo=not wavs and not texts)
    async with AsyncExitStack() as stack:
        with console.status("Waking the ears and the voice ..."):
            installation = await stack.enter_async_context(open_installation(language=language))
            turns = [*recorded, *[await _spoken(installation, text) for text in texts]]
            line = await stack.enter_async_context(simulated_line(installation, faults))
        earlier = await installation.books.calls.last_call(installation.company_id, number) if number else None
        if earlier is not None:
            console.print(
                Text(f"{number} has called before, last on {earlier.started_at.astimezone():%Y-%m-%d %H:%M}.")
            )
        with CallPrinter(console) as printer:
            placed = await line.place(number, turns, on_event=printer.on_event)
        if out is not None:
            await asyncio.to_thread(write_audio, out, placed.recording, RATE)
        stored = await installation.books.calls.turns(installation.company_id, placed.call_id)
        _report(console, installation, placed, stored, out)
        if as_json:
            typer.echo(json.dumps(_summary(placed, stored, earlier is not None), ensure_ascii=False))
        return placed.answered


def _recorded_turns(wavs: Sequence[Path], *, demo: bool) -> list[CallerTurn]:
    help_out = "Give a WAV, FLAC or OGG file with speech."
    try:
        turns: list[CallerTurn] = list(demo_turns()) if demo else [read_wav(path) for path in wavs]
    except SimulatorError as error:
        raise AudioError(str(error), help_out) from None
    for path, turn in zip(wavs, turns, strict=False):
        if not len(turn):
            raise AudioError(f"{path} holds no sound.", help_out)
    return turns


async def _spoken(installation: Installation, text: str) -> CallerTurn:
    """Let a voice of this installation play the caller. Raises EngineUnavailableError where none is understood."""
    language = installation.settings.language
    voice = installation.mouth.voice_for(language, "male")
    if voice.engine == "espeak":
        raise EngineUnavailableError(
            "No voice here can play the caller: the only one is espeak-ng, which the ears do not understand.",
            "Put a Piper voice into MODELS_DIR/piper, or give a recording with --wav.",
        )
    pieces = [np.zeros(RATE // 5, np.int16)]
    async for piece in installation.mouth.synthesize(to_spoken(text, language), voice, RATE):
        if isinstance(piece, Frame):
            pieces.append(piece.samples)  # noqa: PERF401  # marks come between the frames
    return np.concatenate(pieces)


def _report(
    console: Console, installation: Installation, placed: PlacedCall, stored: Sequence[Turn], out: Path | None
) -> None:
    console.print()
    console.print(latency_table(stored, placed.exchanges))
    # Paths on one line, however narrow the terminal is, so that they can be copied.
    if placed.path:
        console.print(Text(f"Recording: {installation.settings.data_dir / placed.path}"), soft_wrap=True)
    if out is not None:
        console.print(Text(f"As both sides heard it: {out}"), soft_wrap=True)
    if not stored:
        console.print("[red]The call could not be stored.[/red]")
    if not placed.answered:
        missing = ", ".join(str(each.turn + 1) for each in placed.exchanges if not each.answered)
        console.print(f"[red]Without an answer: turn {missing} of the caller. The call's end: {placed.reason}.[/red]")


def _summary(placed: PlacedCall, stored: Sequence[Turn], returning: bool) -> dict[str, Any]:
    return {
        "call_id": placed.call_id,
        "outcome": placed.outcome,
        "reason": placed.reason,
        "returning": returning,
        "recording": placed.path,
        "answered": placed.answered,
        "exchanges": [asdict(exchange) for exchange in placed.exchanges],
        "turns": [asdict(turn) for turn in stored],
    }
