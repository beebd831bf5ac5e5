"""Text chats: a message comes, the secretary answers piece by piece, and both are kept.

The user's message is on the disk before anything of the answer is given out, but the model is asked at the moment when
it is written: storing costs no time of the answer's. What was said of an answer is kept when its reader leaves, too.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog

from services.chats.writer import Writer, Written, conversation_in_writing
from services.clock import Clock
from services.dialogue.shapes import Conversation
from services.domain import PastTurn, Reach
from services.errands import Errands
from services.errors import ConflictError, SecretaryError
from services.llm.protocol import LanguageModel
from services.storage.chats.chats import ANSWER_SECONDS, Chats, busy
from services.storage.chats.records import ChatMessage, ChatThread

HISTORY = 24
_AHEAD = 1000  # pieces that may wait for a slow reader
_KEEPING_SECONDS = 30.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Piece:
    """Some more of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The end: `message` is the stored answer, None when nothing was said or the chat is gone."""

    message: ChatMessage | None
    written: Written


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer broke off, or could not be kept."""

    error: SecretaryError


ChatEvent = Piece | Done | Failed


class Answering:
    """One answer while it is written; `question` is what the user has said."""

    def __init__(self, question: ChatMessage | None) -> None:
        self.question = question
        self._events: asyncio.Queue[ChatEvent] = asyncio.Queue(_AHEAD)
        self._task: asyncio.Task[None] | None = None
        self._writing = True

    async def events(self) -> AsyncGenerator[ChatEvent, None]:
        """Yield what happens, to the end; closing this before stops the answer."""
        try:
            while True:
                event = await self._events.get()
                yield event
                if not isinstance(event, Piece):
                    return
        finally:
            self.stop()

    def stop(self) -> None:
        """Let nothing more be written; what was is kept. Safe at any time."""
        if self._writing and self._task is not None:
            self._writing = False
            self._task.cancel()

    def begin(self, task: asyncio.Task[None]) -> None:
        """Note the task that writes."""
        self._task = task

    async def say(self, text: str) -> None:
        """Give a piece to the reader, waiting for a slow one."""
        await self._events.put(Piece(text))

    def end(self, event: ChatEvent) -> None:
        """Give the last event to the reader, in place of a piece where they are far behind."""
        self._writing = False
        if self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(event)

    def written(self) -> None:
        """The text is whole: nothing is left to be stopped."""
        self._writing = False


class ChatDesk:
    """Answers in the chats; one answer at a time in each.

    `model` tells the language model of the moment; `elsewhere` asks the other processes to stop the answer of a chat.
    """

    def __init__(
        self,
        chats: Chats,
        writer: Writer,
        model: Callable[[], LanguageModel | None],
        clock: Clock,
        errands: Errands,
        elsewhere: Callable[[str], None] = lambda _chat_id: None,
    ) -> None:
        self._elsewhere = elsewhere
        self._chats = chats
        self._writer = writer
        self._model = model
        self._clock = clock
        self._errands = errands
        self._under_way: dict[str, Answering] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, reach: Reach, chat_id: str, text: str) -> Answering:
        """Store what the user says and begin to answer.

        Raises NotFoundError, ConflictError while another answer is being written, StorageError.
        """
        thread = await self._open(reach, chat_id)
        return await self._begin(thread, text, text, dict(thread.state), ())

    async def again(self, reach: Reach, chat_id: str) -> Answering:
        """Answer the user's last message anew; the new answer takes the place of the one there is.

        Raises NotFoundError, ConflictError while an answer is being written or where there is nothing to answer.
        """
        thread = await self._open(reach, chat_id)
        answers = [each.id for each in thread.messages if each.role == "assistant"]
        asked = [each for each in thread.messages if each.role == "user"]
        if not asked:
            raise ConflictError("Nothing has been asked in this chat yet.", "Send a message.")
        behind = [each.id for each in thread.messages if each.number > asked[-1].number and each.id in answers]
        state = dict(thread.state_before if behind else thread.state)
        before = tuple(each for each in thread.messages if each.number < asked[-1].number)
        return await self._begin(
            replace(thread, messages=before), asked[-1].text, None, state, tuple(behind), question=asked[-1]
        )

    def stop(self, chat_id: str) -> bool:
        """Stop the answer that is being written here, False when there is none. Ask first whose chat it is."""
        answering = self._under_way.get(chat_id)
        if answering is None:
            return False
        answering.stop()
        return True

    async def stop_anywhere(self, company_id: str, chat_id: str) -> bool:
        """Stop the answer wherever it is being written, False when there is none. Ask first whose chat it is."""
        if self.stop(chat_id):
            return True
        if not await self._chats.answering(company_id, chat_id):
            return False
        self._elsewhere(chat_id)
        return True

    async def _open(self, reach: Reach, chat_id: str) -> ChatThread:
        thread = await self._chats.open(reach, chat_id, HISTORY)
        if thread.busy or chat_id in self._under_way:
            raise busy()
        return thread

    async def _begin(
        self,
        thread: ChatThread,
        text: str,
        stored: str | None,
        state: dict[str, object],
        instead_of: tuple[str, ...],
        question: ChatMessage | None = None,
    ) -> Answering:
        company_id, chat_id = thread.company.id, thread.chat.id
        answering = self._under_way[chat_id] = Answering(question)
        conversation = _conversation(thread, state)
        keeping = asyncio.ensure_future(self._chats.begin_answer(company_id, chat_id, stored))
        source = self._writer.answer(
            conversation, text, self._model(), written := Written(), faq_revision=thread.faq_revision
        )
        work = self._answer(answering, conversation, source, written, chat_id, keeping, instead_of)
        task = asyncio.create_task(work, name=f"chat {chat_id}")
        answering.begin(task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._over(chat_id, answering))
        try:
            message = await asyncio.shield(keeping)
        except BaseException:
            answering.stop()
            raise
        answering.question = question or message
        return answering

    async def _answer(
        self,
        answering: Answering,
        conversation: Conversation,
        source: AsyncGenerator[str, None],
        written: Written,
        chat_id: str,
        keeping: "asyncio.Future[ChatMessage | None]",
        instead_of: tuple[str, ...],
    ) -> None:
        """Write the answer, then keep it. Stopped by a cancellation while it writes, never while it keeps."""
        said, before = list[str](), dict(conversation.state)
        cut, error = False, None
        try:
            async with asyncio.timeout(ANSWER_SECONDS - _KEEPING_SECONDS):
                async with aclosing(source) as pieces:
                    async for piece in pieces:
                        said.append(piece)
                        await answering.say(piece)
        except asyncio.CancelledError:
            cut = True
        except TimeoutError:
            cut = True
        except SecretaryError as failure:
            cut, error = True, failure
        except Exception as failure:
            log.exception("an answer in a chat failed", chat=chat_id)
            cut, error = True, _unforeseen(failure)
        answering.written()
        answer = self._message("".join(said), written, cut) if said else None
        try:
            await keeping  # where the user's message could not be stored, there is nothing to answer
            ending = self._chats.end_answer(
                conversation.company.id, chat_id, answer, conversation.state, before, instead_of if answer else ()
            )
            kept = await self._errands.within(_KEEPING_SECONDS, ending)
            last: ChatEvent = Failed(error) if error is not None else Done(kept, written)
        except SecretaryError as failure:
            last = Failed(failure)
        except Exception as failure:
            log.exception("an answer in a chat cannot be kept", chat=chat_id)
            last = Failed(_unforeseen(failure))
        self._over(chat_id, answering)
        answering.end(last)

    def _over(self, chat_id: str, answering: Answering) -> None:
        if self._under_way.get(chat_id) is answering:
            del self._under_way[chat_id]

    def _message(self, text: str, written: Written, cut: bool) -> ChatMessage:
        return ChatMessage(
            id="",
            number=0,
            role="assistant",
            text=text,
            created_at=self._clock.now(),
            source=written.source,
            model=written.model,
            tokens_in=written.tokens_in,
            tokens_out=written.tokens_out,
            cut=cut,
        )


def _unforeseen(failure: Exception) -> SecretaryError:
    return SecretaryError("The secretary failed at this answer.", f"The log says why: {type(failure).__name__}.")


def _conversation(thread: ChatThread, state: dict[str, object]) -> Conversation:
    """Let the secretary be what the chat's own prompt says; the persona's rules hold all the same."""
    prompt = thread.chat.system_prompt.strip()
    persona = replace(thread.persona, character=prompt) if prompt else thread.persona
    history = [
        PastTurn("caller" if each.role == "user" else "secretary", each.text, each.created_at)
        for each in thread.messages
    ]
    return conversation_in_writing("chat", thread.company, persona, history, state)
