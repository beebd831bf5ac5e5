"""What an answer does on the line when its last word was played."""

from collections.abc import Sequence
from dataclasses import replace

from services.dialogue.shapes import Effect, EndCall, SendDigits, Transfer
from services.voice.line import AudioLine


def ending(effects: Sequence[Effect]) -> str | None:
    """Return the reason for which the call ends, None when it goes on."""
    return next((effect.reason for effect in effects if isinstance(effect, EndCall)), None)


async def connect(line: AudioLine, effects: Sequence[Effect]) -> None:
    """Transfer the call and send digits, in the order of `effects`. Raises LineError."""
    for effect in effects:
        match effect:
            case Transfer(to, number):
                if number:  # told in the call: the line knows it from now on
                    line.info = replace(line.info, number=number)
                await line.transfer(to)
            case SendDigits(digits):
                await line.send_digits(digits)
            case _:
                pass
