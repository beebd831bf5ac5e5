"""What the secretary remembers of conversations that another program keeps and sends anew each time.

A message being taken lives over several turns, and such a program knows only texts. So the secretary's state is found
by the conversation's own words; in memory only: where it is forgotten, the secretary asks anew.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from services.domain import PastTurn

MOST = 2000


class RecentStates:
    """The states after the newest answers, by whose conversation it is and all that was said in it."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._states: OrderedDict[bytes, dict[str, Any]] = OrderedDict()

    def find(self, whose: tuple[str, ...], history: Sequence[PastTurn]) -> dict[str, Any]:
        """Return a copy of the state behind these turns, {} when it is not known."""
        return deepcopy(self._states.get(_key(whose, history), {}))

    def keep(self, whose: tuple[str, ...], history: Sequence[PastTurn], state: Mapping[str, Any]) -> None:
        """Remember the state behind these turns; the oldest one is forgotten for it."""
        key = _key(whose, history)
        self._states[key] = deepcopy(dict(state))
        self._states.move_to_end(key)
        while len(self._states) > self._most:
            self._states.popitem(last=False)


def _key(whose: tuple[str, ...], history: Sequence[PastTurn]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in (*whose, "", *(f"{turn.role} {turn.text.strip()}" for turn in history)):
        digest.update(part.encode("utf-8", "replace") + b"\0")
    return digest.digest()
