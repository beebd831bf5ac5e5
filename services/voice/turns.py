"""The turns of a call: numbered, remembered in the dialogue's history, and stored through the journal."""

from dataclasses import asdict
from typing import Literal

from services.dialogue.shapes import Utterance
from services.domain import AudioSpan, PastTurn, Turn
from services.events import CallEventType
from services.voice.call import Call
from services.voice.hearing.listener import Heard
from services.voice.speaking.reply import Reply


class TurnBook:
    """Writes down who said what; `answered_at` is the clock's second at which the call was answered."""

    def __init__(self, call: Call, answered_at: float) -> None:
        self._call = call
        self.answered_at = answered_at
        self.count = 0

    def caller_spoke(self, heard: Heard) -> None:
        """Store a spoken turn of the caller, also one in which no word was understood."""
        utterance, transcript = heard.utterance, heard.transcript
        span = utterance.span or AudioSpan(0.0, 0.0)
        self._store(
            Turn(
                index=self.count,
                role="caller",
                intended=utterance.text,
                heard=utterance.text,
                language=utterance.language,
                start=span.start,
                end=span.end,
                source="speech",
                confidence=utterance.confidence,
                words=tuple(asdict(word) for word in transcript.words) if transcript else (),
            )
        )

    def caller_says(self, text: str) -> None:
        """Publish the words so far of a turn that is not over."""
        self._call.journal.record(CallEventType.INTERIM, {"role": "caller", "text": text})

    def caller_typed(self, text: str, source: Literal["typed", "digits"]) -> Utterance:
        """Store a turn that was typed or keyed; return it as an utterance."""
        now = self._call.clock.monotonic() - self.answered_at
        if source == "digits":
            self._call.journal.record(CallEventType.DIGITS, {"digits": text})
        language = self._call.conversation.language
        self._store(Turn(self.count, "caller", text, text, language, now, now, source=source))
        return Utterance(text, language, source)

    def unanswered(self, utterance: Utterance) -> None:
        """Let the dialogue remember what the caller said, though no answer will follow."""
        self._remember("caller", utterance.text)

    def secretary_spoke(self, reply: Reply, interrupted_by: str = "") -> None:
        """Store a reply as far as it was heard, and let the dialogue remember both sides of the exchange."""
        turn = reply.turn(self.count, self.answered_at, interrupted_by)
        self._remember("caller", reply.asked.text if reply.asked else "")
        if turn.intended:
            self._remember("secretary", turn.heard)
            self._store(turn)

    def _remember(self, role: Literal["caller", "secretary"], text: str) -> None:
        if text:
            self._call.conversation.history.append(PastTurn(role, text, self._call.clock.now()))

    def _store(self, turn: Turn) -> None:
        self.count += 1
        self._call.journal.record(CallEventType.TURN, asdict(turn))
