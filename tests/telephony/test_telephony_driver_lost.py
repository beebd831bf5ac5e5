"""A caller whose call went with the modem's port is seen to when the modem is back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from services.voice.directory import CallOrder
from telephony.gsm import GsmService
from telephony.policy.verdicts import Admit, Permit
from telephony.settings import TelephonySettings

NUMBER = "+79991234567"


class Door:
    """Lets everybody in, and wants lost callers called back."""

    def __init__(self, terms: Any) -> None:
        self.terms = terms

    async def incoming(self, _line: str, _company_id: str, number: str) -> Admit:
        return Admit("", "", 0, self.terms, number=number)

    async def outgoing(self, _line: str, order: CallOrder) -> Permit:
        return Permit(order.to, "", "", self.terms)

    async def lost_call(
        self, _line: str, _company_id: str, _language: str = ""
    ) -> tuple[Literal["nothing", "call_back", "sms"], str]:
        return "call_back", ""


async def test_who_was_lost_with_the_port_is_called_back(
    make_scripted: Callable[[], Any], desk: Any, tmp_path: Path
) -> None:
    at, audio = tmp_path / "at", tmp_path / "audio"

    def plug_in() -> Any:
        modem = make_scripted()
        for link, node in ((at, modem.at), (audio, modem.audio)):
            link.unlink(missing_ok=True)
            link.symlink_to(node.path)
        return modem

    modem = plug_in()
    settings = TelephonySettings(at_port=str(at), audio_port=str(audio))
    service = GsmService(settings, desk.answering(door=Door(desk.terms)))
    await service.start()
    assert await service.wait_ready(8)
    modem.ring()
    await desk.line()
    modem.unplug()
    assert await desk.reason() == "line_lost"
    again = plug_in()
    await again.until(f"ATD{NUMBER};")
    again.say("VOICE CALL: BEGIN")
    assert (await desk.line()).info.direction == "out"
    await service.close()
    assert again.received.count(f"ATD{NUMBER};") == 1
