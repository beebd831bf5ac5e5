"""The interface of OpenAI's clients, below /v1, and the text chats: all that answers in writing or speaks a file.

Personas and voices are the models and voices. `usage` is what the provider counted; where none was asked (the FAQ, the
script), it counts words and marks.
"""

from functools import lru_cache, partial

from fastapi import FastAPI

from api.chats.chats import chats_router
from api.openai.answers import Answers
from api.openai.completions import completions_router
from api.openai.errors import add_error_shape, too_large
from api.openai.models import models_router
from api.openai.speech import speech_router
from api.openai.transcriptions import LARGEST_REQUEST, PATH, transcriptions_router
from api.openai.voices import voices_router
from services.chats.desk import ChatDesk
from services.chats.recent import RecentStates
from services.chats.writer import Writer
from services.installation import Installation
from services.voice.hearing.vad import SileroModel, VadFactory

__all__ = ["LARGER_BODIES", "add_speech_api", "too_large"]

LARGER_BODIES = {PATH: LARGEST_REQUEST}
"""Paths whose requests may be larger than all others, in bytes."""

STOP = "stop chat"
"""The note by which one process asks the others to stop the answer of a chat."""


def add_speech_api(app: FastAPI, installation: Installation) -> None:
    """Add the routes of /v1 and /admin/chats; what errors below /v1 look like is settled here, too."""
    books, clock, mind = installation.books, installation.clock, installation.mind
    writer = Writer(installation.faq, books.conversations, books.messages, clock, installation.errands)
    relay = installation.platform.relay
    stop_elsewhere = partial(relay.note, STOP)
    desk = ChatDesk(books.chats, writer, lambda: mind.model, clock, installation.errands, stop_elsewhere)
    relay.hear(STOP, desk.stop)
    language = installation.settings.language
    for router in (
        chats_router(books, desk),
        completions_router(books, mind, Answers(writer, RecentStates(), clock), clock),
        models_router(books, clock.now()),
        voices_router(installation.mouth),
        speech_router(books, installation.mouth, language),
        transcriptions_router(installation.ears, _voice_detection, language),
    ):
        app.include_router(router)
    add_error_shape(app)


@lru_cache(maxsize=1)
def _voice_detection() -> VadFactory:
    return SileroModel().detector
