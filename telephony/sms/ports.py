"""What text messages need from outside: a store for one line, and a gate that keeps the modem quiet."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Protocol

from services.storage.texts.records import (
    NewPart,
    OutgoingPart,
    ReceivedText,
    StoredPart,
    TextCounts,
    TextMessage,
)


class SmsStore(Protocol):
    """The text messages of one line of one company. What returned is on the disk; every method raises StorageError."""

    # -- received ----------------------------------------------------------------------------------------------------

    async def add_part(self, part: StoredPart) -> bool:
        """Store a received part; return False when it is there and belongs to a message that was put together."""
        ...

    async def loose_parts(self) -> Sequence[StoredPart]:
        """Return the received parts that belong to no message yet, oldest first."""
        ...

    async def add_received(self, message: ReceivedText, fingerprints: Sequence[str]) -> TextMessage | None:
        """Make a message of stored parts; None when they have become one before, or were deleted."""
        ...

    # -- answered ----------------------------------------------------------------------------------------------------

    async def unanswered(self) -> Sequence[TextMessage]:
        """Return the received messages that nobody has dealt with, oldest first."""
        ...

    async def begin_answer(self, message_id: str) -> int:
        """Count an attempt at answering and return how many there have been; 0 when it has been dealt with."""
        ...

    async def leave_unanswered(self, message_id: str, why: str) -> None:
        """Note that a received message is dealt with, and that it gets no answer."""
        ...

    async def answer(
        self, message_id: str, text: str, parts: Sequence[NewPart], conversation_id: str
    ) -> TextMessage | None:
        """Queue the answer and mark the message answered, both or neither; None when it was answered before."""
        ...

    async def recent(self, number: str, since: datetime) -> Sequence[TextMessage]:
        """Return the messages from and to `number` since then, oldest first."""
        ...

    # -- sent --------------------------------------------------------------------------------------------------------

    async def queue(self, number: str, text: str, parts: Sequence[NewPart], purpose: str) -> TextMessage:
        """Store a message to send."""
        ...

    async def due(self, now: datetime) -> TextMessage | None:
        """Return the message that is to be sent or sent on now, the one that waits longest; None when there is none."""
        ...

    async def next_try(self) -> datetime | None:
        """Return when the next message is due; None when nothing waits."""
        ...

    async def parts(self, message_id: str) -> Sequence[OutgoingPart]:
        """Return the parts of a message that goes out, in order."""
        ...

    async def part_trying(self, part_id: str) -> None:
        """Note, before it is given to the modem, that a part is being sent."""
        ...

    async def part_sent(self, part_id: str, mr: int | None) -> None:
        """Note that the network has taken a part; with the last part its message is sent."""
        ...

    async def part_refused(self, part_id: str, at: datetime, why: str, *, counted: bool = False) -> None:
        """Note that a part was not sent, count the try (`counted`: also as a refusal), and put its message off."""
        ...

    async def part_doubtful(self, part_id: str, at: datetime, why: str) -> None:
        """Note that nobody knows whether a part was sent, count the doubt and the try, and put its message off."""
        ...

    async def try_later(self, message_id: str, at: datetime, why: str) -> None:
        """Put a message off that was not tried."""
        ...

    async def give_up(self, message_id: str, why: str) -> None:
        """Note that a message will not be sent."""
        ...

    async def report(self, mr: int, number: str, *, delivered: bool, why: str = "") -> bool:
        """Note a final delivery report (`why` says what failed); False when no part of the last week fits it.

        A report for a doubtful part to that number settles the doubt.
        """
        ...

    async def counts(self, since: datetime) -> TextCounts:
        """Return how the messages stand, with the parts sent since then."""
        ...


class QuietGate(Protocol):
    """Keeps the modem free while a call is being set up: a message takes it for up to 40 s."""

    def sending(self) -> AbstractAsyncContextManager[None]:
        """Enter when a part may be sent, waiting while a call rings or is dialled; left when it was sent."""
        ...


class AlwaysQuiet:
    """The QuietGate of a modem that takes no calls."""

    def sending(self) -> AbstractAsyncContextManager[None]:
        """Enter at once."""
        return nullcontext()
