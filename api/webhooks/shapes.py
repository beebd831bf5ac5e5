"""What a service that sends something in must be able to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from services.storage.calls.messages import Messages
from services.storage.delivery.arrivals import ArrivalRecord
from services.storage.people.companies import Companies


@dataclass(frozen=True, slots=True)
class Desk:
    """What an arrival may be made into."""

    companies: Companies
    messages: Messages


class WebhookService(Protocol):
    """One kind of sender: how it signs, how it writes, what its events do."""

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> str:
        """Return the sender's id of this delivery, over the raw body. Raises SignInError when it is not proven."""
        ...

    def read(self, body: bytes) -> tuple[str, dict[str, Any]]:
        """Return the type and the payload of a verified body. Raises RefusedError."""
        ...

    async def accept(self, arrival: ArrivalRecord, desk: Desk) -> str:
        """Do what the event asks for, harmless when done twice; return the number it is about, "" when about none.

        Raises RefusedError for what no second try would mend, StorageError.
        """
        ...
