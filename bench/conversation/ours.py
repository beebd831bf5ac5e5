"""This project, at the settings that make the workload the same for all.

A call is a VoiceConversation fitted out by a Desk, as Reception makes it, with the real Secretary over the fake
language model: the prompt, the scripted answers that are looked through before a model is asked, the FAQ (empty), the
chunker, the spoken form, the journal (its store forgets) and the playout queue are all in the figures. The ears decide
the turn: a detector that looks at one sample stands for the VAD, and a turn is over at the first silence. Recording and
the echo canceller are off, since the peers have neither; `serve_whole` has Silero and the canceller, `serve_paced` the
clocked writer of a real line in place of the line that takes a frame at once.
"""

import functools
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from bench.conversation.far_end import FarEnd
from bench.conversation.ours_engines import BenchEars, BenchModel, BenchMouth, Forgetful, LoudDetector
from bench.conversation.ours_line import BenchLine, paced_line
from services.clock import LoopClock
from services.dialogue.secretary import Secretary
from services.dialogue.shapes import Conversation
from services.domain import CompanyProfile, Persona
from services.events import EventBus
from services.knowledge.faq import FaqMatcher
from services.stt.protocol import TranscriptStream
from services.voice.call import Call
from services.voice.conversation import VoiceConversation
from services.voice.desk import Desk
from services.voice.endpointing.policy import TurnSoFar
from services.voice.hearing.listener import Listener, ListenerEvent, SpeechSustained
from services.voice.hearing.vad import SileroModel, VadFactory
from services.voice.journal import CallJournal
from services.voice.settings import VoiceSettings

_SETTINGS = VoiceSettings(no_input=60, echo_canceller=False)
_PERSONA = Persona("emma", "Emma", "en", "female", "", "calm")
_COMPANY = CompanyProfile("default", "Bakery", "en", "UTC")


class AtOnce:
    """The ears decide the turn: no silence is waited for."""

    def wait(self, turn: TurnSoFar) -> float:  # noqa: ARG002
        """Return no time at all."""
        return 0.0


class EarsOf:
    """Gives a call its ears."""

    def __init__(self, ears: BenchEars) -> None:
        self._ears = ears

    def serves(self, language: str) -> bool:  # noqa: ARG002
        """Understand everything."""
        return True

    def streams(self, language: str) -> bool:  # noqa: ARG002
        """Give final transcripts only."""
        return False

    async def open_stream(
        self,
        language: str,  # noqa: ARG002
        rate: int,  # noqa: ARG002
        hints: Sequence[str] = (),  # noqa: ARG002
    ) -> TranscriptStream:
        """Open the ears."""
        return self._ears


def quiet() -> None:
    """Log errors only; each measurement is a process of its own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


async def serve(far: FarEnd) -> None:
    """Hold one call."""
    await _serve(far, _desk(lambda _rate: LoudDetector(), _SETTINGS))


async def serve_vad(far: FarEnd) -> None:
    """Hold one call with Silero on each frame."""
    await _serve(far, _desk(_silero().detector, _SETTINGS))


async def serve_paced(far: FarEnd) -> None:
    """Hold one call on a line with the paced writer of a real device: it writes on its own 20 ms ticks."""
    async with paced_line(far) as line:
        await _serve(far, _desk(lambda _rate: LoudDetector(), _SETTINGS), line)


async def serve_whole(far: FarEnd) -> None:
    """Hold one call with Silero and the echo canceller on each frame."""
    await _serve(far, _desk(_silero().detector, _SETTINGS.model_copy(update={"echo_canceller": True})))


@functools.cache
def _silero() -> SileroModel:
    return SileroModel()


@functools.cache
def _stores() -> Forgetful:
    return Forgetful(_COMPANY, _PERSONA)


def _desk(vad: VadFactory, settings: VoiceSettings) -> Desk:
    stores, clock = _stores(), LoopClock()
    return Desk(
        companies=stores,
        personas=stores,
        conversations=stores,
        calls=stores,
        sounds=stores,
        secretary=Secretary(FaqMatcher(stores), BenchModel(), stores, stores, clock),
        ears=EarsOf(BenchEars()),
        mouth=BenchMouth(),
        vad=vad,
        policy=AtOnce(),
        turn_model=None,
        hints=stores,
        bus=EventBus(),
        clock=clock,
        settings=settings,
        data_dir=Path(tempfile.gettempdir()),
    )


async def _serve(far: FarEnd, desk: Desk, line: BenchLine | None = None) -> None:
    ears = BenchEars()
    desk = replace(desk, ears=EarsOf(ears))
    far.on_transcript = ears.give
    conversation = Conversation("c", _COMPANY, _PERSONA, "en", "bench", call_id="c")
    journal = CallJournal("default", "c", desk.calls, desk.bus, desk.clock)
    tongues = await desk.tongues(conversation)
    call = Call(
        line or BenchLine(far), conversation, desk.secretary, desk.mouth, journal, desk.settings, desk.clock, tongues
    )

    def listener(emit: Callable[[ListenerEvent], None]) -> Listener:
        def noted(event: ListenerEvent) -> None:
            if isinstance(event, SpeechSustained):
                far.barged_in()
            emit(event)

        return desk.listener(call, noted)

    await VoiceConversation(call, listener, lambda _frame: None).run()
    await journal.close()
