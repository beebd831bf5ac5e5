"""A SIM7600E-H that lives in software: two real pseudo-terminals, real AT dialogues, a caller at the far end.

What it is for: `secretary call`, the tests and the demonstration. The driver opens `sim.at_port` and `sim.audio_port`
as it would open the nodes of the USB module; it cannot tell the difference by anything the module's documentation
promises. The far end of a call is yours: ring, speak, press keys, hang up, and read what was really heard.

    async with ModemSimulator() as sim:
        call = await sim.ring("+79991234567")
        await call.answered(timeout=10)
        exchanges = await ScriptedCaller(call, demo_turns()).run()
        stereo = call.recording()            # int16, (n, 2): left the caller, right the secretary, 8 kHz

What it is not: a measurement of a phone network. There is no codec, no jitter and no delay of a mobile operator; the
line adds one 20 ms chunk each way and what the kernel keeps in a pseudo-terminal (about 12 KiB towards the module, as
a USB serial driver does too). SMS is PDU mode only. Where the module's behaviour is not established, the simulator
takes the commoner form, and with `seed=` draws among the known forms, so that a driver must live with all of them.

It shares no code with the driver: both are written from the same description of the module, each alone, so that one
mistake is not made twice. It needs the standard library, numpy, and soundfile for files that are not WAV.

Where things are: `modem` puts the parts together; `power` is its life from boot to unplugging, `ports` the USB and the
pseudo-terminals; `module` is the AT channel, the commands, the memory and the sound; `network` carries calls and words
what is printed of them; `sms` is short messages; `person` the far end of a call. `faults` names what can go wrong,
`mishaps` knows when in a call it strikes, `strikes` what happens then, `dice` draws what is not established, and
`trouble` lets a long row of calls go wrong at random and keeps the truth of it.
"""

from telephony.simulator.faults import FAULTS
from telephony.simulator.log import Event, EventLog, SimulatorError
from telephony.simulator.modem import ModemSimulator
from telephony.simulator.module.state import Identity
from telephony.simulator.person.call import Phase, SimulatedCall
from telephony.simulator.person.caller import CallerEvent, Exchange, ScriptedCaller
from telephony.simulator.person.farend import CHUNK_SECONDS, HeardChunk
from telephony.simulator.person.speech import demo_turns, read_wav
from telephony.simulator.person.tones import CHUNK, RATE, beep, dtmf
from telephony.simulator.ports.usb import UsbPort
from telephony.simulator.sms.pdu import Submitted, deliver_pdus
from telephony.simulator.sms.store import SentMessage
from telephony.simulator.trouble import Happened, Plan, RandomTrouble, Written

__all__ = [
    "CHUNK",
    "CHUNK_SECONDS",
    "FAULTS",
    "RATE",
    "CallerEvent",
    "Event",
    "EventLog",
    "Exchange",
    "Happened",
    "HeardChunk",
    "Identity",
    "ModemSimulator",
    "Phase",
    "Plan",
    "RandomTrouble",
    "ScriptedCaller",
    "SentMessage",
    "SimulatedCall",
    "SimulatorError",
    "Submitted",
    "UsbPort",
    "Written",
    "beep",
    "deliver_pdus",
    "demo_turns",
    "dtmf",
    "read_wav",
]
