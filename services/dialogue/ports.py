"""What the dialogue needs from below, as small protocols: it imports no database and no provider."""

from collections.abc import Mapping
from typing import Any, Protocol

from services.domain import TakenMessage


class ConversationMemory(Protocol):
    """Where a conversation's state is kept between turns and calls."""

    async def save_state(self, company_id: str, conversation_id: str, state: Mapping[str, Any]) -> None:
        """Persist the secretary's own memory of a conversation."""
        ...


class MessageBook(Protocol):
    """Where taken messages are kept for the owner."""

    async def save(self, message: TakenMessage) -> None:
        """Insert the message, or overwrite the one with the same id (a correction)."""
        ...

    async def discard(self, company_id: str, message_id: str) -> None:
        """Forget a message that its caller took back; nothing happens when there is none."""
        ...
