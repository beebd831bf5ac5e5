"""The secretary: one utterance in, a stream of speech-ready text and effects out, on every channel alike.

What a caller leaves (a message, or its being taken back) is stored before the first word of the answer, so whoever
hangs up in the middle of it has still left what they said. A mere answer is spoken first and remembered right behind:
nothing stands between a question and its answer. A part that fails costs an answer's quality, never the answer.

The secretary's whole memory of a conversation is `conversation.state`, JSON-ready: whoever keeps a copy and assigns it
again has undone an answer.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import structlog

from services.clock import Clock
from services.dialogue.expecting import expected
from services.dialogue.fillers import next_filler
from services.dialogue.improvise import ModelFailedError, improvise
from services.dialogue.likely import likely_texts
from services.dialogue.ports import ConversationMemory, MessageBook
from services.dialogue.sample_answers import in_own_facts
from services.dialogue.scripted import answers, calling, connecting, greetings, menu, message, recording
from services.dialogue.scripted.draft import Draft
from services.dialogue.scripted.facts import FACTS, fact, fact_text
from services.dialogue.scripted.scene import Reply, Scene, prepare
from services.dialogue.shapes import Conversation, KeepAudio, LikelyTexts, ReplyEvent, ReplyText, Utterance
from services.errands import Errands
from services.errors import SecretaryError
from services.knowledge.faq import FaqMatcher
from services.knowledge.shapes import FaqMatch
from services.llm.protocol import LanguageModel

_MESSAGE_PATIENCE = 3.0  # seconds: what is late is stored behind the call's back
_STATE_PATIENCE = 1.0

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
        errands: Errands | None = None,
    ) -> None:
        self._faq = faq
        self._model = model
        self._memory = memory
        self._messages = messages
        self._clock = clock
        self._errands = errands or Errands()
        prepare()

    async def greet(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        """Open a call: the persona's greeting, a word to a returning caller, what can be done without ears."""
        scene = self._scene(conversation)
        scene.notes.begin_call()
        async with aclosing(self._deliver(scene, greetings.greeting(scene))) as events:
            async for event in events:
                yield event

    def opening(self, conversation: Conversation) -> str:
        """Return what a call of our own is opened with, behind the notice; nothing is stored or changed."""
        scene = self._scene(replace(conversation, state={}))
        return str(greetings.opening_words(scene))

    async def reply(
        self, conversation: Conversation, utterance: Utterance, certain: asyncio.Event | None = None
    ) -> AsyncGenerator[ReplyEvent, None]:
        """Answer one utterance. Closing the generator (a barge-in) cancels what is still being written.

        With `certain` the answer is on trial until the event is set: a mere answer's text is yielded at once, but
        nothing is stored, done or kept, and no effect is yielded; an answer that stores a message says nothing. To drop
        the trial close the generator and assign the former `conversation.state`.
        """
        scene = self._scene(conversation, utterance, certain)
        ready = await self._scripted(scene)
        async with aclosing(self._free(scene) if ready is None else self._deliver(scene, ready)) as events:
            async for event in events:
                yield event

    def filler(self, conversation: Conversation) -> str:
        """Return a short phrase that bridges a slow answer, in the persona's words and never twice alike in a row.

        It holds nothing about the caller. Only the phrase's own place in `conversation.state` is touched.
        """
        return next_filler(conversation)

    async def likely(self, conversation: Conversation) -> LikelyTexts:
        """Return the fixed texts that a new caller is likely to hear in a conversation like this one.

        The greeting and the script's common sentences, the company's facts and the first 50 answers of its FAQ, in the
        conversation's language; nothing is stored or changed. Raises StorageError when the FAQ cannot be read.
        """
        told = await self._faq.told(conversation.company.id, conversation.language)
        return likely_texts(conversation, told, self._clock.now())

    def expects(self, conversation: Conversation) -> str:
        """Tell what the secretary has just asked for: "yes_no", "number", "name", "message", or "" for anything."""
        return expected(conversation.state)

    def takes_key(self, conversation: Conversation) -> bool:
        """Tell whether a single key is a choice of the call's menu now, and not the beginning of a number."""
        return menu.takes_key(conversation)

    async def not_connected(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        """Say that the person who was promised cannot be reached, and offer to take a message."""
        scene = self._scene(conversation)
        async with aclosing(self._deliver(scene, connecting.not_connected(scene))) as events:
            async for event in events:
                yield event

    async def no_input(self, conversation: Conversation, count: int) -> AsyncGenerator[ReplyEvent, None]:
        """React to silence, `count` times in a row (1 is the first): ask, ask again, part politely."""
        scene = self._scene(conversation)
        async with aclosing(self._deliver(scene, answers.silence(scene, count))) as events:
            async for event in events:
                yield event

    async def apology(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        """Say in human words that something failed, and offer to take a message."""
        scene = self._scene(conversation)
        async with aclosing(self._deliver(scene, answers.apology(scene))) as events:
            async for event in events:
                yield event

    async def time_is_up(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        """Part politely because the call has reached its longest time; a message being taken is kept as it is."""
        scene = self._scene(conversation)
        async with aclosing(self._deliver(scene, answers.time_is_up(scene))) as events:
            async for event in events:
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
                async with aclosing(self._deliver(scene, reply)) as events:
                    async for event in events:
                        if isinstance(event, KeepAudio):
                            yield event
                return
        await self._remember(scene)

    def _scene(
        self, conversation: Conversation, utterance: Utterance | None = None, certain: asyncio.Event | None = None
    ) -> Scene:
        return Scene.of(conversation, utterance, self._clock.now(), certain)

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
        ready = answers.by_offer(scene) or calling.answer(scene)
        if ready is None and scene.means("goodbye"):
            ready = answers.goodbye(scene)
        if ready is None:
            found = await self._faq_matches(scene)
            ready = answers.by_language(scene, found)
            if ready is None and found and not answers.wish(scene, found[0].score):
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
        if wanted := message.asks_for_language(scene, draft):
            return message.interrupted(scene, draft, answers.in_passing(scene, wanted))
        if message.may_be_question(scene, draft):
            if found := await self._faq_matches(scene):
                return message.interrupted(scene, draft, answers.told(found))
            if (asked := scene.intents.first(FACTS, scene.utterance.text)) and fact_text(scene, asked):
                return message.interrupted(scene, draft, fact(scene, asked))
        return message.step(scene, draft)

    async def _faq_matches(self, scene: Scene) -> list[FaqMatch]:
        try:
            company = scene.conversation.company
            found = await self._faq.answers(company.id, scene.utterance.text, scene.language)
            return in_own_facts(found, company)
        except SecretaryError as error:
            log.error("the FAQ cannot be searched: %s", error)
            return []

    async def _free(self, scene: Scene) -> AsyncGenerator[ReplyEvent, None]:
        """Let the model answer, also on trial: it only writes. Where it cannot, the script answers."""
        assert self._model is not None
        said: list[str] = []
        try:
            async with aclosing(improvise(self._model, scene)) as source:
                async for event in source:
                    if isinstance(event, ReplyText):
                        said.append(event.text)
                    yield event
            scene.notes.unknowns = 0
            await scene.certainty()
        except ModelFailedError:
            async with aclosing(self._deliver(scene, answers.unknown(scene, answers.SLOW))) as events:
                async for instead in events:
                    yield instead
        finally:
            if said:
                scene.notes.last = "".join(said).strip()
                await self._remember(scene)

    async def _deliver(self, scene: Scene, reply: Reply) -> AsyncGenerator[ReplyEvent, None]:
        """Say the reply; what it leaves with the owner is stored before the first word, everything else behind."""
        stored = reply.weighty
        if stored:
            await scene.certainty()
            reply = await self._booked(scene, reply)
        if reply.by.detail != "silence":
            scene.notes.last = "".join(each.text for each in reply.spoken)
        if stored:
            await self._remember(scene)
        for sound in reply.sounds:  # with the message they belong to: a barge-in loses none
            yield sound
        yield reply.by
        try:
            for words in reply.spoken:
                yield words
            await scene.certainty()
        finally:
            if not stored:
                await self._remember(scene)
        for effect in reply.actions:
            yield effect

    async def _booked(self, scene: Scene, reply: Reply) -> Reply:
        """Store what the reply means for the message book; return what to say then."""
        try:
            if reply.taken is not None:
                await self._errands.within(_MESSAGE_PATIENCE, self._messages.save(reply.taken))
            if reply.discarded:
                discarding = self._messages.discard(scene.conversation.company.id, reply.discarded)
                await self._errands.within(_MESSAGE_PATIENCE, discarding)
        except SecretaryError as error:
            log.error("the message book cannot be written: %s", error)
            scene.notes.draft = reply.draft
            key = "discard_failed" if reply.discarded else "save_failed"
            return Reply.of("scripted", scene.say(key), key)
        return reply

    async def _remember(self, scene: Scene) -> None:
        """Store the secretary's memory of the conversation, unless the answer was on trial and dropped.

        A conversation without an id was begun while the database was away: there is no place for its memory.
        """
        conversation = scene.conversation
        if not scene.is_certain or not conversation.id:
            return
        saving = self._memory.save_state(conversation.company.id, conversation.id, dict(conversation.state))
        try:
            await self._errands.within(_STATE_PATIENCE, saving)
        except SecretaryError as error:
            log.error("the conversation's state cannot be saved: %s", error)
