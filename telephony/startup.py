"""Bringing a SIM7600 up: what is sent after every (re)appearance, and what it tells about itself."""

import asyncio
from dataclasses import dataclass

import structlog

from services.errors import ModemError
from telephony.at.channel import AtChannel
from telephony.at.fields import number_at, split_fields
from telephony.at.results import AtResult, Final, explain, parse_clcc, parse_cpin, parse_identity, values

SIM_BUSY = 14
SWITCH_TIMEOUT = 3.0
"""For the commands between calls: a caller may be ringing while one of them is stuck."""
SAFE_PIN_TRIES = 3
"""A card that has fewer left has seen a wrong PIN already."""
SIM_TRIES = 20
"""One second apart: after a start the SIM card is read for several seconds."""

log = structlog.get_logger()

# Each may be refused by one firmware or another without harm to a voice call.
_SETTINGS = (
    "AT+CREG=1",  # tell changes of registration
    "AT+CLIP=1",  # tell who calls
    "AT+CCWA=1",  # tell who calls during a call
    "AT+CVHU=0",  # let ATH end a call, too
    "AT+CMGF=0",  # messages as PDUs
    "AT+CNMI=2,1,0,1,0",  # tell arrived messages
    "AT+DDET=1",  # tell pressed keys
    "AT+CPCMFRM=0",  # call audio at 8 kHz
)

_SIM_STATES = {
    "SIM PIN": (
        "The SIM card asks for its PIN.",
        "Set SECRETARY_TELEPHONY__SIM_PIN and start again, or switch the PIN request off with a telephone.",
    ),
    "SIM PUK": ("The SIM card is blocked.", "Unlock it in a telephone with the PUK from its contract."),
    "SIM REMOVED": ("The SIM card was taken out.", "Insert the SIM card and plug the modem in again."),
}


class PinRefusedError(ModemError):
    """The SIM card did not take the PIN: it must not be given again by itself."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the modem says it is; "" for what it does not tell."""

    model: str
    firmware: str
    imei: str


async def start_up(channel: AtChannel, pin: str = "") -> Identity:
    """Bring the modem to the state in which it can take calls. Idempotent: run it after every reopening.

    `pin` unlocks a SIM card that asks for it; it is given once, for three wrong ones block the card. Raises ModemError
    when the modem is silent or its SIM card cannot be used. Refused settings are logged.
    """
    channel.leave_text()
    await channel.request("AT", 2.0)
    await _optional(channel, "ATZ")
    await _optional(channel, "ATE0")
    await _optional(channel, "AT+CMEE=1")
    identity = Identity(
        parse_identity((await channel.request("AT+CGMM")).lines),
        parse_identity((await channel.request("AT+CGMR")).lines),
        parse_identity((await channel.request("AT+CGSN")).lines),
    )
    await _unlock_sim(channel, pin)
    for command in _SETTINGS:
        await _optional(channel, command)
    await _end_stale_call(channel)
    return identity


async def audio_off(channel: AtChannel) -> bool:
    """Switch call audio off; returns False when the modem refuses both forms of the command.

    Left on, the next call has no sound. Some firmware only takes the form with a second parameter.
    """
    if (await channel.request("AT+CPCMREG=0", SWITCH_TIMEOUT)).ok:
        return True
    return (await channel.request("AT+CPCMREG=0,1", SWITCH_TIMEOUT)).ok


async def _optional(channel: AtChannel, command: str) -> AtResult:
    result = await channel.request(command)
    if not result.ok:
        log.info("the modem refused an optional setting", command=command, answer=str(result.final), code=result.code)
    return result


async def _unlock_sim(channel: AtChannel, pin: str) -> None:
    for _ in range(SIM_TRIES):
        result = await channel.request("AT+CPIN?")
        state = parse_cpin(result.lines)
        if result.ok and state in ("READY", ""):
            return
        if result.ok and state == "SIM PIN" and pin:
            await _enter_pin(channel, pin)
            pin = ""
            continue
        if result.ok and state in _SIM_STATES:
            raise ModemError(*_SIM_STATES[state])
        if not result.ok and not (result.final is Final.CME and result.code == SIM_BUSY):
            raise ModemError(*explain(result))
        await asyncio.sleep(1.0)
    raise ModemError(
        "The SIM card does not become ready.", "Take the SIM card out, clean it and insert it again; try a telephone."
    )


async def _enter_pin(channel: AtChannel, pin: str) -> None:
    left = values((await channel.request("AT+SPIC")).lines, "+SPIC")
    tries = number_at(split_fields(left[0]), 0) if left else None
    if tries is not None and tries < SAFE_PIN_TRIES:
        raise PinRefusedError(
            "A wrong PIN was given to the SIM card before: it is not tried again.",
            "Give the PIN in a telephone once, correct SECRETARY_TELEPHONY__SIM_PIN, and start again.",
        )
    if not (await channel.request(f'AT+CPIN="{pin}"', 10.0)).ok:
        raise PinRefusedError(
            "The SIM card refuses the PIN in the settings.",
            "Correct SECRETARY_TELEPHONY__SIM_PIN before the next start: the third wrong PIN blocks the card.",
        )


async def _end_stale_call(channel: AtChannel) -> None:
    """End what an earlier run of the program may have left: a call nobody talks in or still dials, and its audio.

    A call that only rings is left alone: it will be answered.
    """
    calls = await channel.request("AT+CLCC")
    left = [call for call in parse_clcc(calls.lines) if call.voice and (call.up or not call.incoming)]
    if left:
        log.info("a call that an earlier run has left is ended", state=left[0].state)
        if not (await channel.request("AT+CHUP", SWITCH_TIMEOUT)).ok:
            await channel.request("ATH")
    if not await audio_off(channel):
        log.info("the modem refused to switch call audio off; it was off, probably")
