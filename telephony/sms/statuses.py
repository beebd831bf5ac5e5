"""What the status of a delivery report means (3GPP TS 23.040, 9.2.3.15)."""

_MEANINGS = {
    0x40: "The recipient's network failed.",
    0x41: "The recipient's network does not fit.",
    0x42: "The connection to the recipient was refused.",
    0x43: "The recipient cannot be reached by text message.",
    0x44: "The network gave the message a quality that it does not have.",
    0x45: "The recipient's telephone cannot be reached.",
    0x46: "The message was not delivered in time.",
    0x47: "The message was deleted by its sender.",
    0x48: "The message was deleted by the message centre.",
    0x49: "The message does not exist at the message centre.",
}
_AGAIN = {
    0x60: "The network was congested.",
    0x61: "The recipient's telephone was busy.",
    0x62: "The recipient's telephone did not answer.",
    0x63: "The service was rejected.",
    0x64: "The network did not have the quality that was asked for.",
    0x65: "The recipient's telephone failed.",
}


def status_sentence(status: int) -> str:
    """Return why a message was not delivered."""
    return _MEANINGS.get(status) or _AGAIN.get(status) or f"The message was not delivered (status {status})."
