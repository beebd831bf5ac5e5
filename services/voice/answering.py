"""From the caller's words to the secretary's answer: begun on trial, committed, asked anew, interrupted or put off."""

from dataclasses import replace
from typing import Literal

import structlog

from services.dialogue.shapes import Utterance
from services.dialogue.switching import switched_language
from services.voice.call import Call
from services.voice.hearing.listener import Heard, Listener
from services.voice.latency import Stage, Trace
from services.voice.overlap import Overlap, Weight
from services.voice.patience import Patience
from services.voice.speaking.replies import Replies
from services.voice.turns import TurnBook
from services.voice.utterances import is_noise, joined

log = structlog.get_logger()

_Source = Literal["typed", "digits"]

_HARDLY_BEGUN = 0.7  # seconds of an answer that came into a pause of the caller rather than after the turn


class Answering:
    """Decides what a turn of the caller does to the reply under way, and begins the next."""

    def __init__(
        self, call: Call, turns: TurnBook, listener: Listener, replies: Replies, overlap: Overlap, patience: Patience
    ) -> None:
        self._call = call
        self._turns = turns
        self._listener = listener
        self._replies = replies
        self._overlap = overlap
        self._patience = patience
        self._waiting: Heard | None = None
        self._typed_meanwhile: list[tuple[str, _Source]] = []
        self._put_off: Heard | None = None
        self.put_off_until: float | None = None  # the clock's second

    async def words(self, text: str) -> None:
        """Take the words so far of a turn that is not over."""
        if self._replies.on_trial and not self._replies.is_trying(self._so_far(text).text):
            await self._replies.take_back()
        if self._overlap.words(text):
            await self.give_way()
        elif self._listener.pausing:
            self.try_out(text)

    def try_out(self, text: str) -> None:
        """Begin the answer to a turn that is probably over; nothing of it is heard before the turn really is."""
        if not text.strip() or not self._call.settings.head_start:
            return
        if self._replies.under_way or self._replies.speaking or self._listener.thinking:
            return
        self._replies.try_out(self._so_far(text), Trace(self._call.clock, self._call.clock.monotonic()))

    async def heard(self, heard: Heard, *, parting: bool = False) -> None:
        """Take a finished turn. When the secretary is `parting` she is not interrupted any more."""
        utterance, over_speech = heard.utterance, self._overlap.was_touched(heard)
        if not utterance.understood and self._replies.on_trial:
            await self._replies.take_back()  # the ears have thought better of the words that it answers
        expected = self._call.secretary.expects(self._call.conversation)
        if heard.by_ears and is_noise(utterance, expected):
            await self._no_turn(heard)
            return
        self._patience.answered()
        self._turns.caller_spoke(heard)
        if heard.by_ears and not utterance.understood and (over_speech or self._replies.under_way):
            await self._no_turn(heard)  # sounds without a word, over an answer or while one is on its way
            return
        sure = self._replies.under_way and not self._replies.on_trial
        if over_speech and not sure and self._overlap.weigh(utterance) is Weight.NOTHING:
            await self._replies.take_back()
            await self._no_turn(heard)  # an uh-huh into her last word
            return
        if self._replies.on_trial and not self._goes_on and self._commit(heard):
            return
        if self._replies.audible or (parting and self._replies.under_way):
            await self._heard_over_speech(heard, parting)
        else:
            await self._answer_anew(heard)

    async def typed(self, text: str, source: _Source) -> None:
        """Answer a turn that was typed or keyed, at once or behind a passage that is heard to its end."""
        self._patience.answered()
        if not self._replies.interruptible:
            self._typed_meanwhile.append((text, source))
            return
        await self.silence("digits" if source == "digits" else "caller")
        now = self._call.clock.monotonic()
        self._put_off = self.put_off_until = None
        if self._replies.asked is not None:  # what was said before is answered no more, but remembered
            self._turns.unanswered(self._replies.asked)
            self._replies.asked = None
        utterance = self._turns.caller_typed(text, source)
        self._adopt_language(utterance)
        if source == "digits":
            self._adopt_persona(text)
        self._ask(utterance, Trace(self._call.clock, now))

    async def put_off_long_enough(self) -> None:
        """What sounds like the caller going on has brought no word: it is noise, and the answer is due."""
        self.put_off_until = None
        if self._put_off is None or self._replies.under_way:
            return
        if self._listener.early_words and not self._listener.interim:
            self._overlap.take_for_noise()
            heard, self._replies.asked = self._put_off, None
            await self._answer(heard)

    async def waiting(self) -> None:
        """The secretary has finished: answer what was said over her speech."""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            await self._answer(waiting)
        elif self._typed_meanwhile:
            await self.typed(*self._typed_meanwhile.pop(0))

    def unanswered(self, last: Utterance | None) -> Utterance | None:
        """Return what nobody will answer any more, after `last`."""
        if self._waiting is not None:
            last = joined(last, self._waiting.utterance)
        for text, source in self._typed_meanwhile:
            last = joined(last, self._turns.caller_typed(text, source))
        return last

    async def give_way(self) -> None:
        """The caller has interrupted: fall silent, or take back an answer that nobody has heard yet."""
        self._note_cut_off()
        if self._replies.audible:
            await self.silence("caller")
        else:
            await self._replies.take_back()
            self._overlap.reset()

    async def silence(self, by: str) -> None:
        """Silence the line at once and keep of the reply what was heard."""
        if await self._replies.stop(by):
            self._patience.sound(self._call.clock.monotonic())
        self._overlap.reset()

    @property
    def _goes_on(self) -> bool:
        """True while the caller is speaking again: an answer waits, and nothing is done yet."""
        return self._listener.hears_speech and not self._overlap.is_noise

    def _so_far(self, text: str) -> Utterance:
        now = Utterance(text, self._listener.language, "speech", None, self._listener.span)
        return joined(self._replies.asked, now)

    async def _no_turn(self, heard: Heard) -> None:
        """It was no turn: she goes on, or gives the answer that it has held up."""
        self._overlap.clear()
        if self._replies.asked is not None and not self._replies.under_way:
            await self._answer(heard)

    async def _heard_over_speech(self, heard: Heard, parting: bool) -> None:
        """A turn that has not stopped the secretary so far: weighed now that its words are known."""
        waits = parting or self._replies.was_bound(heard.speech_end)
        weight = Weight.WAITS if waits else self._overlap.weigh(heard.utterance)
        if weight is Weight.INTERRUPTS:
            await self.silence("caller")
            await self._answer_anew(heard)
            return
        self._overlap.clear()
        if weight is Weight.WAITS:
            self._let_wait(heard)

    def _let_wait(self, heard: Heard) -> None:
        earlier = self._waiting.utterance if self._waiting else None
        self._waiting = replace(heard, utterance=joined(earlier, heard.utterance))

    async def _answer_anew(self, heard: Heard) -> None:
        """Answer a turn, together with one whose answer nobody has heard yet: the caller went on."""
        self._note_cut_off()
        await self._replies.take_back()
        self._overlap.reset()
        await self._answer(heard)

    def _note_cut_off(self) -> None:
        """Learn from a caller who goes on when the answer has hardly begun: the turn was not over."""
        begun = self._replies.audible_for
        if self._replies.waiting_since is not None or (begun is not None and begun < _HARDLY_BEGUN):
            self._listener.cut_off()

    async def _answer(self, heard: Heard) -> None:
        if self._patience.is_over(self._call.clock.monotonic()):
            self._let_wait(heard)  # no time for an answer: kept with the caller's last words
            return
        self._adopt_language(heard.utterance)
        # Where the caller went on before the answer was heard it is one turn, not two.
        utterance = joined(self._replies.asked, heard.utterance)
        if self._goes_on:
            self._replies.asked = utterance
            self._put_off = replace(heard, utterance=utterance)
            self.put_off_until = self._call.clock.monotonic() + self._call.settings.false_interruption
            return
        self._put_off = self.put_off_until = None
        trace = Trace(self._call.clock, heard.speech_end)
        for stage, at in _marks(heard).items():
            trace.mark(stage, at)
        self._ask(utterance, trace)
        self._mind_the_voice()

    def _commit(self, heard: Heard) -> bool:
        """Let the answer on trial be the answer, if it was begun to these very words."""
        if self._patience.is_over(self._call.clock.monotonic()) or self._new_language(heard.utterance):
            return False
        utterance = joined(self._replies.asked, heard.utterance)
        if not self._replies.commit(utterance, heard.speech_end, _marks(heard)):
            return False
        self._mind_the_voice()
        return True

    def _mind_the_voice(self) -> None:
        """An answer that begins while the caller may be going on is held back."""
        if self._listener.voice_now:
            self._overlap.onset()

    def _adopt_language(self, utterance: Utterance) -> None:
        """Go on in the language that the caller has changed to, where it is heard and spoken here."""
        language = self._new_language(utterance)
        if language and self._call.change_language(language):
            log.info("the language changes", call=self._call.journal.call_id, language=language)
            self._listener.change_language(language)

    def _adopt_persona(self, key: str) -> None:
        """Go on with the persona whom the caller has chosen by a key: the answer is theirs already."""
        call = self._call
        if not call.secretary.takes_key(call.conversation):
            return
        chosen = (item.value for item in call.conversation.menu if item.key == key and item.action == "persona")
        if call.change_persona(next(chosen, "")):
            log.info("another persona goes on", call=call.journal.call_id, persona=call.conversation.persona.slug)
            if self._listener.language != call.conversation.language:
                self._listener.change_language(call.conversation.language)

    def _new_language(self, utterance: Utterance) -> str:
        return switched_language(self._call.conversation, utterance, self._call.tongues.keys())

    def _ask(self, utterance: Utterance, trace: Trace) -> None:
        self._replies.begin(self._call.secretary.reply(self._call.conversation, utterance), trace, utterance)


def _marks(heard: Heard) -> dict[Stage, float]:
    return {Stage.END_OF_TURN: heard.decided, Stage.TRANSCRIPT: heard.transcribed}
