"""What is done with the modem between two calls, so that the next one finds it whole."""

import asyncio

import structlog

from services.errors import LineError, ModemError
from telephony.call_state import Phase
from telephony.doubts import Doubts
from telephony.line import GsmLine
from telephony.modem import Sim7600

log = structlog.get_logger()


async def make_ready(modem: Sim7600, line: GsmLine, doubts: Doubts) -> None:
    """Leave no call and no audio of `line` behind, and reset a modem that failed the call.

    Raises LineError after a reset, or when the modem is silent.
    """
    if modem.call.phase in (Phase.TALKING, Phase.DIALLING):
        await modem.hang_up()
    await _audio_off(modem)
    now = asyncio.get_running_loop().time()
    if line.fault is not None:
        doubts.settled(now)
        await modem.reset()
        raise line.fault
    if line.info.direction == "in":
        talked = None if line.answered_at is None else now - line.answered_at
        doubts.after_call(modem.audio_tries, talked, by_caller=not line.ended_by_us)


async def reset_in_doubt(modem: Sim7600, doubts: Doubts) -> None:
    """Reset a modem whose call audio is doubtful, now that nobody calls. Raises ModemError."""
    doubts.settled(asyncio.get_running_loop().time())
    await modem.reset()
    raise ModemError("The modem's call audio is doubtful.", "It is being reset as a precaution.")


async def _audio_off(modem: Sim7600) -> None:
    """Switch call audio off; asked once more when the modem was stuck. Raises ModemError when it stays so."""
    try:
        await modem.audio_off()
    except LineError as error:
        log.warning("the modem was stuck after a call", problem=str(error))
        await modem.audio_off()
