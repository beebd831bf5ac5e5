"""The composed installation: what the orchestrator builds once and hands to channels, routers and commands."""

from collections.abc import Callable, Sequence
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
from services.retention.eraser import Eraser
from services.retention.retention import Retention
from services.retention.sounds import SoundFiles
from services.settings import HouseSettings
from services.storage.call_counts import CallCounts
from services.storage.calls import CallStore
from services.storage.companies import Companies
from services.storage.conversations import Conversations
from services.storage.line_counts import Tallies
from services.storage.lines import Lines
from services.storage.messages import Messages
from services.storage.personas import Personas
from services.storage.text_messages import TextMessages
from services.stt.manager import Ears
from services.telemetry.telemetry import Telemetry
from services.tts.manager import Mouth
from services.voice.directory import LineDirectory
from services.voice.reception import Reception

PartsOf = Callable[[], Sequence[Part]]


@dataclass(slots=True)
class Installation:
    """The built services. `watched` are the sources of part states; a channel adds its own when it is mounted."""

    settings: HouseSettings
    clock: Clock
    bus: EventBus
    companies: Companies
    personas: Personas
    conversations: Conversations
    calls: CallStore
    call_counts: CallCounts
    messages: Messages
    texts: TextMessages
    lines: Lines
    faq: FaqMatcher
    ears: Ears
    mouth: Mouth
    mind: Mind
    secretary: Secretary
    reception: Reception
    telemetry: Telemetry
    directory: LineDirectory
    accounts: Accounts
    sound_files: SoundFiles
    eraser: Eraser
    retention: Retention
    tallies: Tallies
    errands: Errands
    company_id: str
    watched: list[PartsOf] = field(default_factory=list)

    def parts(self) -> list[Part]:
        """Return the state of every part now."""
        return [part for source in self.watched for part in source()]

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
