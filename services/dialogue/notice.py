"""What everybody must have heard before anything else, by law or by the owner's wish."""

from services.dialogue.scripted.fixed import FixedText
from services.dialogue.scripted.scene import spoken_language
from services.dialogue.shapes import Conversation

NOTICE_FACT = "notice"


def notice_of(conversation: Conversation) -> str:
    """Return the notice that opens the conversation: its own, else the company's in the language spoken; "": none."""
    fact = conversation.company.fact(NOTICE_FACT, spoken_language(conversation, None))
    return FixedText((conversation.notice.strip() or fact).strip())
