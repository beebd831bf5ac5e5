"""Telling the house of callers who were not answered: each of them once, however often the modem speaks of them."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from telephony.answering import Answering

REMEMBERED_SECONDS = 90.0
"""So long the modem may still tell of a caller who was sent away."""

log = structlog.get_logger()


class CallReports:
    """Reports missed and rejected calls to `answering`; `own` runs each report as a task."""

    def __init__(self, answering: Callable[[], Answering], own: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        self._answering = answering
        self._own = own
        self._away: dict[str, float] = {}  # who was sent away, and until when the modem may still speak of it

    def called_anew(self, number: str) -> None:
        """A caller ("" withheld) rings again: what was is forgotten."""
        self._away.pop(number, None)

    def sent_away(self, number: str, reason: str, shown: str = "") -> None:
        """A caller is not answered; `shown` is how the number is written, where that differs from the modem's."""
        now = asyncio.get_running_loop().time()
        self._away = {each: until for each, until in self._away.items() if until > now}
        told = number in self._away  # the modem repeats who waits
        self._away[number] = now + REMEMBERED_SECONDS
        if not told and (rejected := self._answering().rejected) is not None:
            self._own(_report(rejected(shown or number, reason)))

    def missed(self, number: str) -> None:
        """A caller gave up, or the modem tells once more of one who was sent away."""
        now = asyncio.get_running_loop().time()
        if self._away.pop(number, 0.0) <= now and (missed := self._answering().missed) is not None:
            self._own(_report(missed(number)))


async def _report(report: Awaitable[object]) -> None:
    try:
        await report
    except Exception:  # a watcher's fault is not the modem's
        log.exception("a call that came to nothing could not be reported")
