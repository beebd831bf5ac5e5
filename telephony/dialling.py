"""Calling out: ATD, what the network says while it rings, and why a call came to nothing."""

import asyncio
import re
from typing import TYPE_CHECKING

from services.errors import LineError, NotTakenError
from telephony.at.results import AtResult, Final, explain, parse_cause, parse_clcc
from telephony.at.urcs import CallBegin
from telephony.call_state import Phase

if TYPE_CHECKING:
    from telephony.modem import Sim7600

DIAL_TIMEOUT = 40.0
"""Seconds ATD may take; it says OK at once, except where the network is asked first."""
RING_SECONDS = 60.0
"""How long the other side is rung."""
LOOK_SECONDS = 3.0
"""How often the modem is asked where the call is: its messages can be lost."""

_NUMBER = re.compile(r"\+?[0-9]{2,20}")
_CAUSES = (  # words of AT+CEER -> outcome; the first that is found counts
    ("busy", "busy"),
    ("no user responding", "no_answer"),
    ("no answer", "no_answer"),
    ("not answer", "no_answer"),
    ("alerting", "no_answer"),
    ("rejected", "rejected"),
    ("normal call clearing", "rejected"),
)
_SENTENCES = {
    "busy": "The other side is busy.",
    "no_answer": "The other side did not answer.",
    "rejected": "The other side did not take the call.",
    "cancelled": "The call was ended before it was answered.",
}


def not_taken(outcome: str, detail: str = "") -> NotTakenError:
    """Return the error of an outgoing call that came to nothing."""
    sentence = _SENTENCES.get(outcome) or f"The call could not be placed{f': {detail}' if detail else ''}."
    return NotTakenError(sentence, outcome=outcome)


def outcome_of(word: str, cause: str) -> str:
    """Return busy, no_answer, rejected or failed from the modem's word and its cause (the text of AT+CEER)."""
    known = {"BUSY": "busy", "NO ANSWER": "no_answer"}.get(word)
    if known:
        return known
    return next((outcome for words, outcome in _CAUSES if words in cause.lower()), "failed")


async def dial(modem: "Sim7600", number: str, seconds: float = RING_SECONDS) -> None:
    """Call `number` and return when the other side has taken it; rings for `seconds`.

    Raises NotTakenError with its outcome, LineError for something that is no number, ModemError when the modem fails.
    """
    if not _NUMBER.fullmatch(number):
        raise LineError(f"{number!r} is not a number that can be dialled.", "Use digits, with + before the country.")
    if _phase(modem) is not Phase.IDLE:
        raise not_taken("failed", "the line has a call already")
    modem.call.dialling(number)
    modem.not_taken, modem.hung_up = "", False
    result = await modem.channel.request(f"ATD{number};", DIAL_TIMEOUT)  # unanswered, it may ring: still DIALLING
    if not result.ok:
        word = str(result.final)
        modem.call_vanished()
        raise await _refusal(modem, word, result)
    if not await _taken(modem, seconds):
        if _phase(modem) is Phase.DIALLING:
            await modem.hang_up()
            raise not_taken("no_answer")
        raise await _refusal(modem, modem.not_taken)


def _phase(modem: "Sim7600") -> Phase:
    return modem.call.phase


async def _taken(modem: "Sim7600", seconds: float) -> bool:
    """Wait for the answer; False when there is none in time, or there will be none."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    absent = 0
    while _phase(modem) is Phase.DIALLING and (left := until - loop.time()) > 0:
        await modem.wait_while(Phase.DIALLING, min(LOOK_SECONDS, left))
        if _phase(modem) is not Phase.DIALLING:
            break
        listed = await modem.channel.request("AT+CLCC")
        ours = [call for call in parse_clcc(listed.lines) if call.voice and not call.incoming]
        if any(call.up for call in ours):
            modem.take_note(CallBegin())  # it was answered, only the message was lost
        absent = 0 if ours or not listed.ok else absent + 1
        if absent == 2:
            modem.call_vanished()
    return _phase(modem) is Phase.TALKING


async def _refusal(modem: "Sim7600", word: str, result: AtResult | None = None) -> NotTakenError:
    if modem.hung_up:
        return not_taken("cancelled")
    if result is not None and result.final not in (Final.NO_CARRIER, Final.BUSY, Final.NO_ANSWER):
        sentence, remedy = explain(result)
        return NotTakenError(sentence, remedy, outcome="failed")
    cause = parse_cause((await modem.channel.request("AT+CEER")).lines) if word == "NO CARRIER" else ""
    return not_taken(outcome_of(word, cause), cause)
