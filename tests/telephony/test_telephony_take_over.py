"""Who takes a modem over from another process closes the calls that one has left open on its line, once."""

from pathlib import Path

from call_events import CallMaker
from whole_house import whole_house

from services.storage.calls.calls import CallStore
from telephony.line_book import LineNames
from telephony.settings import TelephonySettings
from telephony.startup import Identity


async def test_calls_that_were_left_open_are_closed_when_the_modem_is_ours(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        calls = house.installation.books.calls
        names = LineNames(house.installation, TelephonySettings(enabled=False))
        modem = Identity("SIM7600E-H", "", "860000000000001")
        await calls.append(CallMaker("left-open").started(line="gsm"))
        await calls.append(CallMaker("of-another-line").started(line="gsm2"))
        assert (await names.named(modem)).info.line == "gsm"
        assert await outcomes(calls) == {"left-open": "cut", "of-another-line": ""}
        await calls.append(CallMaker("our-own").started(line="gsm"))
        await names.named(modem)  # it was unplugged and is back: the call is seen to by who had it
        assert (await outcomes(calls))["our-own"] == ""


async def outcomes(calls: CallStore) -> dict[str, str]:
    found, _ = await calls.list("default")
    return {call.id: call.outcome for call in found}
