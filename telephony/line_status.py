"""A GSM line as its status page shows it."""

from dataclasses import asdict
from typing import Any

from telephony.call_state import Phase
from telephony.gsm import GsmService

_REGISTRATION = {0: "off", 1: "home", 2: "searching", 3: "denied", 4: "unknown", 5: "roaming"}
_CALL = {Phase.IDLE: "", Phase.RINGING: "ringing", Phase.DIALLING: "dialling", Phase.TALKING: "talking"}


def line_status(service: GsmService) -> dict[str, Any]:
    """Return what is known of a line now, JSON-ready; None for what the modem does not tell.

    `signal_dbm` in dBm, `temperature` in degrees Celsius, `problems` newest first.
    """
    part, session = service.part(), service.session
    known: dict[str, Any] = {
        "name": service.name,
        "kind": "gsm",
        "state": part.state.value,
        "detail": part.detail,
        "remedy": part.remedy,
        "connected": session is not None,
        "problems": [{"at": each.at, "problem": each.problem} for each in service.problems.newest_first()],
        "texts": service.answering.texts.status() if service.answering.texts is not None else None,
    }
    if session is None:
        return known
    status, identity = session.status, session.identity
    return known | {
        "operator": status.operator,
        "signal_dbm": status.signal_dbm,
        "registration": _REGISTRATION.get(status.registration) if status.registration is not None else None,
        "sim": "SIM REMOVED" if session.modem.sim_removed else status.sim,
        "temperature": status.temperature,
        "model": identity.model,
        "firmware": identity.firmware,
        "imei": identity.imei,
        "call": _CALL[session.modem.call.phase],
        "call_number": session.line.info.number if session.line is not None else "",
        "sound": asdict(session.line.sound()) if session.line is not None else None,
    }
