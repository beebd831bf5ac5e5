"""`secretary transcribe`: a sound file to text."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from services.audio.files import read_audio
from services.audio.framer import Framer
from services.errors import EngineError, EngineUnavailableError
from services.installation import OpenInstallation
from services.stt.protocol import Transcript, TranscriptStream

_RATE = 16_000


def add_command(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add the command."""

    @cli.command()
    def transcribe(
        file: Annotated[Path, typer.Argument(help="a sound file of any common kind")],
        language: Annotated[str, typer.Option(help="ru or en; empty: the installation's")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="print words with times and confidence")] = False,
    ) -> None:
        """Write down the speech in FILE."""
        transcript = asyncio.run(_transcribe(open_installation, file, language))
        typer.echo(json.dumps(asdict(transcript), ensure_ascii=False) if as_json else transcript.text)


async def _transcribe(open_installation: OpenInstallation, file: Path, language: str) -> Transcript:
    samples = await asyncio.to_thread(read_audio, file, _RATE)
    async with open_installation(language=language) as installation:
        language = installation.settings.language
        if not installation.ears.serves(language):
            part = next(part for part in installation.ears.parts() if part.remedy)
            raise EngineUnavailableError(part.detail, part.remedy)
        hints = await installation.faq.hints(installation.company_id, language)
        stream = await installation.ears.open_stream(language, _RATE, hints)
        framer = Framer(_RATE)
        try:
            for frame in [*framer.push(samples), *framer.flush()]:
                await stream.push(frame)
            await stream.end_utterance()
            return await _final(stream)
        finally:
            await stream.aclose()


async def _final(stream: TranscriptStream) -> Transcript:
    async for transcript in stream:
        if transcript.final:
            return transcript
    raise EngineError("The ears gave no transcript.")
