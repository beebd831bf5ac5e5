"""What a deliverer is given and gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """A message to send. `id` is the same at every attempt (1, 2, ...): hand it to the receiver to know doubles by."""

    id: str
    company_id: str
    kind: str
    target: str
    payload: Mapping[str, Any]
    attempt: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver said: kept with the message and shown, so without anything secret."""

    detail: Mapping[str, Any] = field(default_factory=dict)


class Deliverer(Protocol):
    """Sends one kind of messages; a channel registers its own at start."""

    async def send(self, message: Message) -> Receipt:
        """Send it. Cancelled after the sender's time limit. Raises DeliveryError."""
        ...
