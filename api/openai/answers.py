"""How a request of /v1/chat/completions is answered: by the secretary, or by the language model in her name.

The secretary answers a plain conversation as on any written channel. Where tools or a system message are given, the
caller leads: the language model is asked directly, with the persona's own prompt before the caller's.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from api.openai.completion_shapes import CompletionRequest
from api.openai.errors import ApiError
from services.chats.patient import PatientModel
from services.chats.recent import RecentStates
from services.chats.stopping import StopCutter
from services.chats.writer import Wishes, Writer, Written, conversation_in_writing, counted
from services.clock import Clock
from services.dialogue.prompt import system_prompt
from services.domain import CompanyProfile, PastTurn, Persona
from services.llm.protocol import LanguageModel, Message, Options, TextDelta, ToolCall, Usage
from services.llm.thinking import ThinkingFilter


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of an answer: `reason` is stop, length, tool_calls or content_filter."""

    reason: str
    usage: Usage


AnswerEvent = str | ToolCall | Ended


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and who is to answer whom."""

    request: CompletionRequest
    company: CompanyProfile
    persona: Persona
    user_id: str


class Answers:
    """Answers requests; the conversation itself is the client's to keep."""

    def __init__(self, writer: Writer, states: RecentStates, clock: Clock) -> None:
        self._writer = writer
        self._states = states
        self._clock = clock

    def answer(self, asked: Asked, model: LanguageModel | None) -> AsyncGenerator[AnswerEvent, None]:
        """Begin the answer. Raises ApiError for a request that cannot be answered."""
        request = asked.request
        texts = [message.text(place) for place, message in enumerate(request.messages)]
        if request.wants_json and model is None:
            raise ApiError(
                400,
                "Answers in JSON need a language model, and this installation has none.",
                param="response_format",
                code="unsupported_parameter",
            )
        led = request.tools or request.wants_json or request.messages[-1].role != "user"
        if model is not None and (led or any(each.role not in ("user", "assistant") for each in request.messages)):
            return self._directly(asked, model)
        return self._as_secretary(asked, texts, model)

    async def _as_secretary(
        self, asked: Asked, texts: Sequence[str], model: LanguageModel | None
    ) -> AsyncGenerator[AnswerEvent, None]:
        request, now = asked.request, self._clock.now()
        last = _last_of_user(request)
        history = [
            PastTurn("caller" if message.role == "user" else "secretary", text, now)
            for message, text in zip(request.messages[:last], texts, strict=False)
            if message.role in ("user", "assistant") and text.strip()
        ]
        whose = (asked.company.id, asked.user_id, asked.persona.slug)
        state = self._states.find(whose, history)
        conversation = conversation_in_writing("api", asked.company, asked.persona, history, state)
        wishes = Wishes(request.temperature, request.longest, request.stops, request.extra())
        written, said = Written(), list[str]()
        async with aclosing(self._writer.answer(conversation, texts[last], model, written, wishes)) as pieces:
            async for piece in pieces:
                said.append(piece)
                yield piece
        turns = [*history, PastTurn("caller", texts[last], now), PastTurn("secretary", "".join(said), now)]
        self._states.keep(whose, turns, conversation.state)
        yield Ended(written.finish, Usage(written.tokens_in, written.tokens_out))

    async def _directly(self, asked: Asked, model: LanguageModel) -> AsyncGenerator[AnswerEvent, None]:
        request, persona = asked.request, asked.persona
        conversation = conversation_in_writing("api", asked.company, persona, (), {})
        prompt = system_prompt(conversation, _prompt_language(persona), self._clock.now())
        messages = _after(prompt, [each.for_model(place) for place, each in enumerate(request.messages)])
        warmth = persona.temperature if request.temperature is None else request.temperature
        options = Options(temperature=warmth, max_tokens=request.longest or 0)
        patient = PatientModel(model, request.extra())
        tools = tuple(each.spec() for each in request.tools or ())
        thoughts, cutter, calls, said = ThinkingFilter(), StopCutter(request.stops), 0, 0
        async with aclosing(patient.stream(messages, tools, options)) as events:
            async for event in events:
                if isinstance(event, ToolCall):
                    calls += 1
                    yield event
                elif isinstance(event, TextDelta) and (text := cutter.push(thoughts.push(event.text))):
                    said += counted(text)
                    yield text
                if cutter.stopped:
                    break
        if rest := cutter.push(thoughts.flush()) + cutter.flush():
            yield rest
        reason = patient.finish.reason if patient.finish is not None else "stop"
        usage = patient.usage or Usage(sum(counted(each.content) for each in messages), said)
        yield Ended("tool_calls" if calls else "stop" if cutter.stopped else reason, usage)


def _last_of_user(request: CompletionRequest) -> int:
    """Return where the last message of the user stands. Raises ApiError when there is none."""
    for place in range(len(request.messages) - 1, -1, -1):
        if request.messages[place].role == "user":
            return place
    raise ApiError(400, "There is no message of the user to answer.", param="messages")


def _after(prompt: str, messages: Sequence[Message]) -> list[Message]:
    """Put the persona's prompt first, in one message with the caller's: many models take one system message only."""
    rest = list(messages)
    leading = []
    while rest and rest[0].role == "system":
        leading.append(rest.pop(0).content)
    return [Message("system", "\n\n".join(filter(None, [prompt, *leading]))), *rest]


def _prompt_language(persona: Persona) -> str:
    return persona.language if persona.language in ("ru", "en") else "en"
