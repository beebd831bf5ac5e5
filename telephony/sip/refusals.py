"""Why a call came to nothing: SIP status codes (RFC 3261, section 21) and what they mean to people."""

from services.errors import NotTakenError

BUSY, NOT_ACCEPTABLE, DECLINED = 486, 488, 603

_OUTCOMES = {486: "busy", 600: "busy", 408: "no_answer", 480: "no_answer", 487: "no_answer", 603: "rejected"}
_SENTENCES = {
    "busy": "The other side is busy.",
    "no_answer": "The other side did not answer.",
    "rejected": "The other side did not take the call.",
}
_REMEDIES = {
    403: "The SIP server forbids this call: ask the provider.",
    404: "Check the number.",
    488: "The other side speaks no G.711.",
    503: "Try again when the SIP line is up.",
}
_TURNED_AWAY = {"closed": 480, "too_many": BUSY, "line_busy": BUSY}


def refusal(code: int, reason: str = "") -> NotTakenError:
    """Return the error of an outgoing call that was refused with `code`."""
    outcome = _OUTCOMES.get(code, "failed")
    sentence = _SENTENCES.get(outcome) or f"The call could not be placed: {code} {reason}".rstrip() + "."
    return NotTakenError(sentence, _REMEDIES.get(code, ""), outcome=outcome)


def cancelled() -> NotTakenError:
    """Return the error of an outgoing call that we ended before it was answered."""
    return NotTakenError("The call was ended before it was answered.", outcome="cancelled")


def code_for(reason: str) -> int:
    """Return what a caller is told who is not answered for `reason` (telephony.policy.verdicts.Refuse)."""
    return _TURNED_AWAY.get(reason, DECLINED)
