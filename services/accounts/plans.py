"""Plans: the limits of a company, as its plan has them and as they are laid down for it alone."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from services.errors import RefusedError

STANDARD = "standard"
HIGHEST = 10**12
NOUNS: Mapping[str, str] = MappingProxyType(
    {
        "requests": "requests",
        "api_requests": "API requests",
        "sign_ins": "requests to the sign-in",
        "calls": "outgoing calls",
        "texts": "text messages",
        "chat_messages": "chat messages",
        "speech_characters": "characters of speech",
    }
)
"""Every kind that can be limited, and how it is called to a person."""

_NAME = re.compile(rf"(user_)?({'|'.join(NOUNS)})_per_(minute|day)(?:\.([a-z0-9_-]{{1,32}}))?")


@dataclass(frozen=True, slots=True)
class LimitName:
    """A limit by its parts: `user_calls_per_day.gsm` is of each user, of calls, by day, on the channel gsm."""

    kind: str
    per_day: bool
    of_user: bool = False
    channel: str = ""

    @classmethod
    def parse(cls, name: str) -> "LimitName | None":
        """Return the parts of a name, None when it names no limit."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        return cls(found[2], found[3] == "day", bool(found[1]), found[4] or "")

    @property
    def counted_as(self) -> str:
        """The kind under which it is counted: by channel, too."""
        return f"{self.kind}.{self.channel}" if self.channel else self.kind


@dataclass(frozen=True, slots=True)
class CompanyLimits:
    """What a company may use: limits by name; one that is not there is none."""

    plan: str
    most: Mapping[str, int] = field(default_factory=dict)

    def of(self, name: str, channel: str = "") -> list[tuple[str, LimitName, int]]:
        """Return the limits that apply to `calls_per_day`: of the company and of each user, on all channels or one."""
        names = [name, f"user_{name}"]
        if channel:
            names += [f"{each}.{channel}" for each in names]
        return [
            (each, parts, self.most[each])
            for each in names
            if each in self.most and (parts := LimitName.parse(each)) is not None
        ]


def plans() -> Mapping[str, Mapping[str, int]]:
    """Return every plan with its limits."""
    return _plans()


@cache
def _plans() -> Mapping[str, Mapping[str, int]]:
    with (Path(__file__).parent / "plans.toml").open("rb") as file:
        return tomllib.load(file)


def limits_of(plan: str, settings: Mapping[str, Any]) -> CompanyLimits:
    """Return the limits of a company by its plan and its settings; what cannot be read there counts as not said."""
    known = _plans()
    plan = plan if plan in known else STANDARD
    most = dict(known[plan])
    own = settings.get("limits")
    for name, value in own.items() if isinstance(own, dict) else ():
        if LimitName.parse(name) is None:
            continue
        if value is None:
            most.pop(name, None)
        elif _is_count(value):
            most[name] = value
    return CompanyLimits(plan, MappingProxyType(most))


def checked_limits(given: Mapping[str, Any]) -> dict[str, int | None]:
    """Return what is to be stored as settings["limits"]; None lifts the plan's limit. Raises RefusedError."""
    for name, value in given.items():
        if LimitName.parse(name) is None:
            raise RefusedError(
                f"{name[:64]!r} is not a limit.", f"The standard plan has {', '.join(_plans()[STANDARD])}."
            )
        if value is not None and not _is_count(value):
            raise RefusedError(f"The limit {name} is no whole number from 0 to {HIGHEST}.", "null lifts it.")
    return dict(given)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= HIGHEST
