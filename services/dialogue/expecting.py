"""What the secretary has just asked for: a yes, a number, a name or a message end their turns differently."""

from collections.abc import Mapping
from typing import Any

from services.dialogue.scripted.draft import Draft, Step
from services.dialogue.scripted.notes import Notes

_ASKED = {
    Step.MATTER: "message",
    Step.NAME: "name",
    Step.OFFER: "yes_no",
    Step.NUMBER: "number",
    Step.CONFIRM: "yes_no",
    Step.RECORD: "message",
}


def expected(state: Mapping[str, Any]) -> str:
    """Return "yes_no", "number", "name" or "message", "" when anything may come; `state` is not touched.

    "Anything else?" expects anything: who says yes goes on with the question.
    """
    notes = Notes(dict(state))
    draft = Draft.from_json(notes.draft)
    if draft is not None:
        return _ASKED.get(draft.step, "")
    return "yes_no" if notes.offer == "message" else ""
