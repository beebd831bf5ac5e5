"""The secretary: one utterance in, a stream of speech-ready text and effects out, on every channel alike.

Whatever is known before the first word is saved before the first word, so a caller who hangs up in the middle of an
answer has still left what they said. A part that fails costs an answer's quality, never the answer.
"""

from collections.abc import AsyncGenerator

import structlog

from services.clock import Clock
from services.dialogue.improvise import ModelFailedError, improvise
from services.dialogue.ports import ConversationMemory, MessageBook
from services.dialogue.scripted import answers, message, recording
from services.dialogue.scripted.draft import Draft
from services.dialogue.scripted.facts import FACTS, fact, fact_text
from services.dialogue.scripted.scene import Reply, Scene
from services.dialogue.shapes import Conversation, KeepAudio, ReplyEvent, ReplyText, Utterance
from services.errors import SecretaryError
from services.knowledge.faq import FaqMatcher
from services.knowledge.shapes import FaqMatch
from services.llm.protocol import LanguageModel

log = structlog.get_logger()


class Secretary:
    """Answers callers; holds nothing of a conversation itself, so a restart in the middle of one is not noticed."""

    def __init__(
        self,
        faq: FaqMatcher,
        model: LanguageModel | None,
        memory: ConversationMemory,
        messages: MessageBook,
        clock: Clock,
    ) -> None:
        self._faq = faq
        self._model = model
        self._memory = memory
        self._messages = messages
        self._clock = clock

    async def greet(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        """Open a call: the persona's greeting, a word to a returning caller, what can be done without ears."""
        scene = self._scene(conversation)
        scene.notes.begin_call()
        async for event in self._deliver(scene, answers.greeting(scene)):
            yield event

    async def reply(self, conversation: Conversation, utterance: Utterance) -> AsyncGenerator[ReplyEvent, None]:
        """Answer one utterance. Closing the generator (a barge-in) cancels what is still being written."""
        scene = self._scene(conversation, utterance)
        ready = await self._scripted(scene)
        events = self._free(scene) if ready is None else self._deliver(scene, ready)
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()

    async def no_input(self, conversation: Conversation, count: int) -> AsyncGenerator[ReplyEvent, None]:
        """React to silence, `count` times in a row (1 is the first): ask, ask again, part politely."""
        scene = self._scene(conversation)
        async for event in self._deliver(scene, answers.silence(scene, count)):
            yield event

    async def apology(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        """Say in human words that something failed, and offer to take a message."""
        scene = self._scene(conversation)
        async for event in self._deliver(scene, answers.apology(scene)):
            yield event

    async def time_is_up(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        """Part politely because the call has reached its longest time; a message being taken is kept as it is."""
        scene = self._scene(conversation)
        async for event in self._deliver(scene, answers.time_is_up(scene)):
            yield event

    async def hung_up(
        self, conversation: Conversation, utterance: Utterance | None
    ) -> AsyncGenerator[ReplyEvent, None]:
        """The caller is gone: keep what was being left, in words (`utterance`, unanswered) and in sound.

        Nobody listens any more, so no model is asked and only KeepAudio is yielded.
        """
        scene = self._scene(conversation, utterance)
        goes_on = scene.notes.draft is not None
        begins = utterance is not None and utterance.source == "speech" and not conversation.abilities.ears
        if utterance is not None and (goes_on or begins):
            reply = await self._scripted(scene)
            if reply is not None:
                async for event in self._deliver(scene, reply):
                    if isinstance(event, KeepAudio):
                        yield event
                return
        await self._remember(scene)

    def _scene(self, conversation: Conversation, utterance: Utterance | None = None) -> Scene:
        return Scene.of(conversation, utterance, self._clock.now())

    async def _scripted(self, scene: Scene) -> Reply | None:
        """Answer without a model, in the order of the house; None: ask the model."""
        draft = message.in_progress(scene)
        if draft is not None:
            return await self._in_flow(scene, draft)
        if scene.utterance.source == "digits":
            return answers.key(scene)
        if not scene.utterance.understood:
            able = scene.conversation.abilities
            return recording.begin(scene) if not able.ears and able.keep_audio else answers.not_heard(scene)
        scene.notes.misses = 0
        offered = scene.notes.offer
        ready = answers.by_offer(scene)
        if ready is None and scene.means("goodbye"):
            ready = answers.goodbye(scene)
        if ready is None and (found := await self._faq_matches(scene)) and not answers.wish(scene, found[0].score):
            ready = answers.known(scene, found)
        if ready is None:
            ready = answers.by_intent(scene)
        if ready is not None:
            scene.notes.unknowns = 0
        elif self._model is None:
            return answers.unaided(scene, offered)
        return ready

    async def _in_flow(self, scene: Scene, draft: Draft) -> Reply:
        """Go on with the message being taken; a question in between is answered and the flow goes on."""
        if message.may_be_question(scene, draft):
            if found := await self._faq_matches(scene):
                return message.interrupted(scene, draft, answers.told(found))
            if (asked := scene.intents.first(FACTS, scene.utterance.text)) and fact_text(scene, asked):
                return message.interrupted(scene, draft, fact(scene, asked))
        return message.step(scene, draft)

    async def _faq_matches(self, scene: Scene) -> list[FaqMatch]:
        try:
            return await self._faq.answers(scene.conversation.company.id, scene.utterance.text, scene.language)
        except SecretaryError as error:
            log.error("the FAQ cannot be searched: %s", error)
            return []

    async def _free(self, scene: Scene) -> AsyncGenerator[ReplyEvent, None]:
        """Let the model answer; where it cannot, the script does."""
        assert self._model is not None
        said: list[str] = []
        source = improvise(self._model, scene)
        try:
            async for event in source:
                if isinstance(event, ReplyText):
                    said.append(event.text)
                yield event
            scene.notes.unknowns = 0
        except ModelFailedError:
            async for instead in self._deliver(scene, answers.unknown(scene, "model_failed")):
                yield instead
        finally:
            await source.aclose()
            if said:
                scene.notes.last = "".join(said).strip()
                await self._remember(scene)

    async def _deliver(self, scene: Scene, reply: Reply) -> AsyncGenerator[ReplyEvent, None]:
        """Save what the reply means, then say it."""
        try:
            await self._book(scene, reply)
        except SecretaryError as error:
            log.error("the message book cannot be written: %s", error)
            scene.notes.draft = reply.draft
            key = "discard_failed" if reply.discarded else "save_failed"
            reply = Reply.of("scripted", scene.say(key), key)
        if reply.by.detail != "silence":
            scene.notes.last = reply.text
        await self._remember(scene)
        yield reply.by
        if reply.text:
            yield ReplyText(reply.text)
        for effect in reply.effects:
            yield effect

    async def _book(self, scene: Scene, reply: Reply) -> None:
        if reply.taken is not None:
            await self._messages.save(reply.taken)
        if reply.discarded:
            await self._messages.discard(scene.conversation.company.id, reply.discarded)

    async def _remember(self, scene: Scene) -> None:
        conversation = scene.conversation
        try:
            await self._memory.save_state(conversation.company.id, conversation.id, conversation.state)
        except SecretaryError as error:
            log.error("the conversation's state cannot be saved: %s", error)
