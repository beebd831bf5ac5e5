"""The model's part of an answer: a stream of text that ends honestly even when the model does not."""

from collections.abc import AsyncGenerator

import structlog

from services.dialogue.prompt import messages_for
from services.dialogue.scripted.scene import Scene
from services.dialogue.shapes import AnsweredBy, ReplyText
from services.errors import EngineError
from services.llm.protocol import Finish, LanguageModel, Options, TextDelta, Usage
from services.llm.thinking import ThinkingFilter

log = structlog.get_logger()


class ModelFailedError(Exception):
    """The model said nothing at all; inside the dialogue only, the script answers instead."""


async def improvise(model: LanguageModel, scene: Scene) -> AsyncGenerator[ReplyText | AnsweredBy, None]:
    """Stream the model's answer: AnsweredBy before the first word, and again at the end with model and tokens.

    Raises ModelFailedError when there is no word of answer; a stream that breaks later ends with a short apology
    instead.
    """
    persona = scene.conversation.persona
    request = messages_for(scene.conversation, scene.utterance, scene.language, scene.now)
    options = Options(temperature=persona.temperature, max_tokens=persona.max_tokens)
    usage, name, detail, begun = Usage(0, 0), "", "", False
    stream, speech = model.stream(request, (), options), ThinkingFilter()
    try:
        async for event in stream:
            if isinstance(event, TextDelta | Finish):
                text = speech.push(event.text) if isinstance(event, TextDelta) else speech.flush()
                text = text if begun else text.lstrip()
                if text and not begun:
                    begun = True
                    yield AnsweredBy("model")  # an interrupted answer never reaches its end
                if text:
                    yield ReplyText(text)
            if isinstance(event, Finish):
                name = event.model
            elif isinstance(event, Usage):
                usage = event
    except EngineError as error:
        log.warning("the language model failed: %s", error)
        if not begun:
            raise ModelFailedError from error
        detail = "cut"
        yield ReplyText(scene.say("model_cut"))
    finally:
        await stream.aclose()
    if not begun:
        log.warning("the language model answered nothing")
        raise ModelFailedError
    yield AnsweredBy("model", detail, None, name, usage.tokens_in, usage.tokens_out)
