"""`secretary say`: text to a sound file."""

import asyncio
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from services.audio.files import expect_format, write_audio
from services.audio.frame import Frame
from services.installation import OpenInstallation
from services.text.clean import strip_markup
from services.text.spoken import to_spoken

_RATE = 24_000


def add_command(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add the command."""

    @cli.command()
    def say(
        text: Annotated[str, typer.Argument(help="what to say")],
        out: Annotated[Path, typer.Option(help="sound file: .wav, .ogg or .flac")] = Path("say.wav"),
        language: Annotated[str, typer.Option(help="ru or en; empty: the installation's")] = "",
        voice: Annotated[str, typer.Option(help="engine:voice; empty: the best there is")] = "",
    ) -> None:
        """Speak TEXT into a sound file with the secretary's voice."""
        seconds = asyncio.run(_say(open_installation, text, out, language, voice))
        typer.echo(f"{out}: {seconds:.1f} s")


async def _say(open_installation: OpenInstallation, text: str, out: Path, language: str, wanted: str) -> float:
    expect_format(out, _RATE)
    async with open_installation(language=language) as installation:
        language = installation.settings.language
        voice = installation.mouth.voice_for(language, "female", wanted)
        spoken = to_spoken(strip_markup(text), language)
        pieces = [np.zeros(0, np.int16)]
        async for piece in installation.mouth.synthesize(spoken, voice, _RATE):
            if isinstance(piece, Frame):
                pieces.append(piece.samples)  # noqa: PERF401  # marks come between the frames
        samples = np.concatenate(pieces)
        await asyncio.to_thread(write_audio, out, samples, _RATE)
        return len(samples) / _RATE
