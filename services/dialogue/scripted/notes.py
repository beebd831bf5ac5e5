"""What the secretary keeps in mind between turns, inside `conversation.state`: JSON-ready and versioned."""

from typing import Any

VERSION = 1


class Notes:
    """A typed view of the state dictionary; every change goes straight into it.

    Keys: `v` version, `misses` turns not understood in a row, `unknowns` questions without an answer in a row,
    `wrong_keys` keys without a meaning in a row, `offer` what "yes" would mean now ("message", "more" or ""), `asked`
    the question behind an offered message, `last` the last thing said, `name` the caller's name, `said` counters of
    varied phrases, `draft` a message being taken, `language` the language the caller has written in, where it is not
    the conversation's, `filler` the last bridging phrase.

    Nested values are replaced, never changed in place: whoever kept a copy of the dictionary, even a shallow one, puts
    everything back by assigning it to `conversation.state`.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        if state.get("v") != VERSION:
            state.clear()
            state["v"] = VERSION
        self._state = state

    def _number(self, key: str) -> int:
        value = self._state.get(key, 0)
        return value if isinstance(value, int) else 0

    def _text(self, key: str) -> str:
        value = self._state.get(key, "")
        return value if isinstance(value, str) else ""

    @property
    def misses(self) -> int:
        """Turns in a row in which nothing was understood."""
        return self._number("misses")

    @misses.setter
    def misses(self, value: int) -> None:
        self._state["misses"] = value

    @property
    def unknowns(self) -> int:
        """Understood questions in a row that nobody could answer."""
        return self._number("unknowns")

    @unknowns.setter
    def unknowns(self, value: int) -> None:
        self._state["unknowns"] = value

    @property
    def wrong_keys(self) -> int:
        """Keys in a row with nothing on them."""
        return self._number("wrong_keys")

    @wrong_keys.setter
    def wrong_keys(self, value: int) -> None:
        self._state["wrong_keys"] = value

    @property
    def offer(self) -> str:
        """What a plain yes or no now answers: "message", "more" or ""."""
        return self._text("offer")

    @offer.setter
    def offer(self, value: str) -> None:
        self._state["offer"] = value
        if value:
            self._state.pop("asked", None)

    @property
    def asked(self) -> str:
        """The question behind an offered message: nobody has to ask it twice. Cleared with every new offer."""
        return self._text("asked")

    @asked.setter
    def asked(self, value: str) -> None:
        self._state["asked"] = value

    @property
    def last(self) -> str:
        """The last answer, for "could you repeat that"."""
        return self._text("last")

    @last.setter
    def last(self, value: str) -> None:
        self._state["last"] = value

    @property
    def name(self) -> str:
        """The caller's name as they once gave it."""
        return self._text("name")

    @name.setter
    def name(self, value: str) -> None:
        self._state["name"] = value

    @property
    def language(self) -> str:
        """The language the caller was last seen to write in, "" until then."""
        return self._text("language")

    @language.setter
    def language(self, value: str) -> None:
        if value:
            self._state["language"] = value

    def forget_written_language(self) -> None:
        """The caller speaks: the conversation's language counts again."""
        self._state.pop("language", None)

    @property
    def filler(self) -> str:
        """The phrase that bridged a slow answer last."""
        return self._text("filler")

    @filler.setter
    def filler(self, value: str) -> None:
        self._state["filler"] = value

    @property
    def draft(self) -> dict[str, Any] | None:
        """The message being taken, as `Draft.to_json` wrote it."""
        value = self._state.get("draft")
        return value if isinstance(value, dict) else None

    @draft.setter
    def draft(self, value: dict[str, Any] | None) -> None:
        if value is None:
            self._state.pop("draft", None)
        else:
            self._state["draft"] = value

    def turn_of(self, key: str) -> int:
        """Count the uses of a varied phrase: 0 for the first."""
        said = self._state.get("said", {})
        count = int(said.get(key, 0))
        self._state["said"] = {**said, key: count + 1}
        return count

    def begin_call(self) -> None:
        """Forget what belonged to the call before; keep the caller's name, and which filler was said last."""
        kept = {key: self._state[key] for key in ("name", "filler") if self._text(key)}
        self._state.clear()
        self._state.update({"v": VERSION, **kept})
