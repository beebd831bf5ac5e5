"""The error codes of a modem: their words (AT+CMEE=2) and what they mean for a person.

CME codes by 3GPP 27.007, 9.2; CMS codes by 3GPP 27.005, 3.2.5.
"""

CME_WORDS = {
    "phone failure": 0,
    "operation not allowed": 3,
    "operation not supported": 4,
    "sim not inserted": 10,
    "sim pin required": 11,
    "sim puk required": 12,
    "sim failure": 13,
    "sim busy": 14,
    "sim wrong": 15,
    "incorrect password": 16,
    "sim pin2 required": 17,
    "sim puk2 required": 18,
    "memory full": 20,
    "invalid index": 21,
    "not found": 22,
    "no network service": 30,
    "network timeout": 31,
    "network not allowed - emergency calls only": 32,
    "emergency calls only": 32,
    "unknown": 100,
    "unknown error": 100,
}
CMS_WORDS = {
    "unassigned (unallocated) number": 1,
    "operator determined barring": 8,
    "call barred": 10,
    "short message transfer rejected": 21,
    "destination out of service": 27,
    "unidentified subscriber": 28,
    "facility rejected": 29,
    "unknown subscriber": 30,
    "network out of order": 38,
    "temporary failure": 41,
    "congestion": 42,
    "resources unavailable, unspecified": 47,
    "me failure": 300,
    "sms service of me reserved": 301,
    "operation not allowed": 302,
    "operation not supported": 303,
    "invalid pdu mode parameter": 304,
    "invalid text mode parameter": 305,
    "sim not inserted": 310,
    "sim pin required": 311,
    "ph-sim pin required": 312,
    "sim failure": 313,
    "sim busy": 314,
    "sim wrong": 315,
    "sim puk required": 316,
    "memory failure": 320,
    "invalid memory index": 321,
    "memory full": 322,
    "smsc address unknown": 330,
    "no network service": 331,
    "no network": 331,
    "network timeout": 332,
    "unknown": 500,
    "unknown error": 500,
}

_NO_SIM = ("found no SIM card", "Insert the SIM card and plug the modem in again.")
_PIN = ("needs the PIN of the SIM card", "Switch the PIN request off with a telephone, then restart.")
_PUK = (
    "needs the PUK of the SIM card",
    "Unlock the SIM card in a telephone with the PUK from its contract.",
)
_SIM_FAILURE = (
    "cannot read the SIM card",
    "Take the SIM card out, clean it and insert it again; try it in a telephone.",
)
_SIM_BUSY = ("found the SIM card busy", "Wait a moment: the modem reads the card after a start.")
_NO_NETWORK = ("has no network", "Check the antenna and whether the SIM card's contract is active.")

CME_MEANING = {
    3: ("is not allowed to do this now", ""),
    10: _NO_SIM,
    11: _PIN,
    12: _PUK,
    13: _SIM_FAILURE,
    14: _SIM_BUSY,
    16: ("was given a wrong PIN", "Switch the PIN request off with a telephone."),
    30: _NO_NETWORK,
    31: ("got no answer from the network", "Try again later."),
    32: ("may make emergency calls only", "Check whether the SIM card's contract is active."),
}
CMS_MEANING = {
    38: ("could not send: the network is out of order", "It is worth trying again later."),
    304: ("did not understand the message", ""),
    310: _NO_SIM,
    311: _PIN,
    313: _SIM_FAILURE,
    314: _SIM_BUSY,
    316: _PUK,
    322: ("has no room for messages", "Delete messages from the SIM card."),
    330: (
        "does not know the number of the message centre",
        "Set it with a telephone, as the SIM card's contract says.",
    ),
    331: _NO_NETWORK,
    332: ("got no answer from the network", "It is worth trying again later."),
}
