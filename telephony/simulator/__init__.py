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
"""

from telephony.simulator.call import SimulatedCall
from telephony.simulator.caller import CallerEvent, Exchange, ScriptedCaller
from telephony.simulator.farend import CHUNK, CHUNK_SECONDS, RATE, HeardChunk
from telephony.simulator.faults import FAULTS
from telephony.simulator.log import Event, EventLog, SimulatorError
from telephony.simulator.messages import SentMessage
from telephony.simulator.modem import ModemSimulator
from telephony.simulator.speech import demo_turns, read_wav

__all__ = [
    "CHUNK",
    "CHUNK_SECONDS",
    "FAULTS",
    "RATE",
    "CallerEvent",
    "Event",
    "EventLog",
    "Exchange",
    "HeardChunk",
    "ModemSimulator",
    "ScriptedCaller",
    "SentMessage",
    "SimulatedCall",
    "SimulatorError",
    "demo_turns",
    "read_wav",
]
