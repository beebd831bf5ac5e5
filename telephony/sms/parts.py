"""Putting received parts together to messages, without input and output: parts and time in, messages out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.storage.texts.records import ReceivedText
from telephony.sms.pdu import ReceivedPart

PATIENCE = timedelta(minutes=15)
"""How long the parts that came wait for one that does not."""
SAME_MESSAGE = timedelta(hours=1)
"""Parts whose service centre times are further apart belong to two messages that share a reference."""
GAP = "[...]"
MOST_OPEN = 200


@dataclass(frozen=True, slots=True)
class Assembled:
    """A message, and the fingerprints of the parts it was made of."""

    message: ReceivedText
    fingerprints: tuple[str, ...]


@dataclass(slots=True)
class _Group:
    """The parts of one message that have come so far, by sequence."""

    since: datetime
    waits_since: datetime
    parts: dict[int, ReceivedPart] = field(default_factory=dict)

    def takes(self, part: ReceivedPart) -> bool:
        """Say whether `part` is of this message: its place is free or holds a copy of it, and the times fit."""
        there = self.parts.get(part.sequence)
        if there is not None:
            return there.fingerprint == part.fingerprint or (there.text, there.sent_at) == (part.text, part.sent_at)
        times = [each.sent_at for each in self.parts.values() if each.sent_at is not None]
        return part.sent_at is None or all(abs(part.sent_at - time) <= SAME_MESSAGE for time in times)


class Assembler:
    """Collects the parts of long messages: any order, copies, gaps, references that are used again.

    A part of a message is known by sender, reference and total. What is incomplete after `patience` is given out with
    a mark in place of what is missing. More than 200 open messages push out the oldest.
    """

    def __init__(self, patience: timedelta = PATIENCE) -> None:
        self._patience = patience
        self._open: dict[tuple[str, int, int], list[_Group]] = {}

    @property
    def deadline(self) -> datetime | None:
        """When the oldest incomplete message is given up; None when none is open."""
        oldest = min((group.waits_since for group in self._groups()), default=None)
        return None if oldest is None else oldest + self._patience

    def add(self, part: ReceivedPart, received_at: datetime, waits_since: datetime | None = None) -> list[Assembled]:
        """Take a part that came at `received_at`; return the messages that this finishes.

        `waits_since` is given for a part of an earlier run: the others may wait in the modem since, however long ago.
        """
        waits_since = waits_since or received_at
        if part.reference is None:
            return [_assembled(_Group(received_at, waits_since, {1: part}), 1)]
        key = (part.sender, part.reference, part.total)
        groups = self._open.setdefault(key, [])
        group = next((each for each in groups if each.takes(part)), None)
        if group is None:
            group = _Group(received_at, waits_since)
            groups.append(group)
        group.parts.setdefault(part.sequence, part)
        if len(group.parts) == part.total:
            return [self._close(key, group)]
        return self._overflow()

    def give_up(self, now: datetime) -> list[Assembled]:
        """Return what waited in vain for its missing parts."""
        late = [
            (key, group)
            for key, groups in self._open.items()
            for group in groups
            if now - group.waits_since >= self._patience
        ]
        return [self._close(key, group) for key, group in late]

    def _overflow(self) -> list[Assembled]:
        if sum(len(groups) for groups in self._open.values()) <= MOST_OPEN:
            return []
        key, group = min(
            ((key, group) for key, groups in self._open.items() for group in groups), key=lambda each: each[1].since
        )
        return [self._close(key, group)]

    def _groups(self) -> Iterable[_Group]:
        return (group for groups in self._open.values() for group in groups)

    def _close(self, key: tuple[str, int, int], group: _Group) -> Assembled:
        groups = self._open[key]
        groups.remove(group)
        if not groups:
            del self._open[key]
        return _assembled(group, key[2])


def _assembled(group: _Group, total: int) -> Assembled:
    parts = [part for _, part in sorted(group.parts.items())]
    pieces: list[str] = []
    for sequence in range(1, total + 1):
        part = group.parts.get(sequence)
        if part is not None:
            pieces.append(part.text)
        elif not pieces or pieces[-1] != GAP:
            pieces.append(GAP)
    sent = [part.sent_at for part in parts if part.sent_at is not None]
    missing = total - len(parts)
    message = ReceivedText(
        number=parts[0].sender,
        text=_joined(pieces),
        kind=parts[0].kind,
        received_at=group.since,
        sent_at=min(sent, default=None),
        error=f"{missing} of {total} parts of this message never came." if missing else "",
    )
    return Assembled(message, tuple(part.fingerprint for part in parts))


def _joined(pieces: Iterable[str]) -> str:
    """Join the texts of parts; a character that the sender cut in two between them becomes whole again."""
    return "".join(pieces).encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")
