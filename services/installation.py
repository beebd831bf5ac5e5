"""The composed installation: what the orchestrator builds once and hands to channels, routers and commands."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.accounts.accounts import Accounts
from services.clock import Clock
from services.dialogue.secretary import Secretary
from services.errands import Errands
from services.events import EventBus
from services.knowledge.faq import FaqMatcher
from services.llm.manager import Mind
from services.parts import Part, State
from services.platform import PartsOf, Platform
from services.settings import HouseSettings
from services.storage.books import Books
from services.stt.manager import Ears
from services.telemetry.telemetry import Telemetry
from services.tts.manager import Mouth
from services.voice.directory import LineDirectory
from services.voice.reception import Reception


@dataclass(slots=True)
class Installation:
    """The built services. `watched` are the sources of part states; a channel adds its own when it is mounted."""

    platform: Platform
    settings: HouseSettings
    faq: FaqMatcher
    ears: Ears
    mouth: Mouth
    mind: Mind
    secretary: Secretary
    reception: Reception
    telemetry: Telemetry
    directory: LineDirectory
    company_id: str
    watched: list[PartsOf] = field(default_factory=list)

    @property
    def books(self) -> Books:
        """What is kept, a repository per kind of record."""
        return self.platform.books

    @property
    def accounts(self) -> Accounts:
        """Who may sign in."""
        return self.platform.accounts

    @property
    def clock(self) -> Clock:
        """The house's time."""
        return self.platform.clock

    @property
    def bus(self) -> EventBus:
        """What happens in calls."""
        return self.platform.bus

    @property
    def errands(self) -> Errands:
        """What is finished behind a call's back."""
        return self.platform.errands

    def parts(self) -> list[Part]:
        """Return the state of every part now."""
        return [part for source in (*self.platform.watched, *self.watched) for part in source()]

    @property
    def ready(self) -> bool:
        """True when no required part is down."""
        return not any(part.required and part.state is State.DOWN for part in self.parts())


class OpenInstallation(Protocol):
    """Builds an installation for the length of a command."""

    def __call__(
        self, *, speech: bool = True, channels: bool = False, **overrides: Any
    ) -> AbstractAsyncContextManager[Installation]:
        """Open it; everything is closed again at the end of the context.

        Without `speech` no engine is loaded; with `channels` the parts tell the channels' state, too (channels are
        looked at, not started); `overrides` are settings that win over the environment.
        """
        ...
