"""What is done for a caller whom our own modem has lost: called back or written to, as the line's owner wishes."""

from typing import TYPE_CHECKING

import structlog

from services.errors import SecretaryError
from services.voice.directory import CallOrder
from services.voice.line import LineInfo

if TYPE_CHECKING:
    from telephony.gsm import GsmService

OPENING = {
    "ru": "Это {name}, {company}. Наш разговор прервался из-за неполадки у нас, поэтому я перезваниваю.",
    "en": "This is {name} from {company}. Our call was cut off by a fault on our side, so I am calling back.",
}
"""What is said to who is called back."""

log = structlog.get_logger()


async def make_up(service: "GsmService", lost: LineInfo) -> None:
    """Do what the policy of the line says about a call that the modem has failed. Nothing is raised."""
    door, texts = service.answering.door, service.answering.texts
    if door is None or not lost.number or lost.direction == "out":
        return
    try:
        wish, words = await door.lost_call(lost.line, lost.company_id, lost.language)
        if wish == "call_back":
            order = CallOrder(
                lost.company_id, lost.number, lost.line, lost.persona, opening=OPENING.get(lost.language, "")
            )
            call_id = await service.dial(order)
            log.info("a lost caller is called back", call=call_id)
        elif wish == "sms" and texts is not None:
            await texts.send(lost.number, words, "lost_call")
            log.info("a lost caller was written to")
    except SecretaryError as error:
        log.warning("a lost caller could not be called back", problem=str(error))
