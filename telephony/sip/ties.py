"""What a SIP line needs of the service it belongs to."""

from typing import Protocol

from telephony.sip.media import MediaSocket
from telephony.sip.messages import Order


class Ties(Protocol):
    """What a line needs of the service it belongs to; `codecs` are 8 and 0 in the order of preference."""

    codecs: tuple[int, ...]
    media_timeout: float
    ring_seconds: float

    def order(self, order: Order) -> None:
        """Pass an order to the signalling."""
        ...

    async def permitted(self, to: str) -> str:
        """Return the number to connect the other side with. Raises LineError for one that may not be called."""
        ...

    async def media(self, peer: str) -> tuple[MediaSocket, str]:
        """Open a socket for sound, and tell the address at which `peer` reaches it. Raises LineError."""
        ...
