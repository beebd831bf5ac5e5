"""Types of the fixtures in tests/calls."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from services.installation import Installation
from telephony.commands.simulated import SimulatedLine

Phone = Callable[..., AbstractAsyncContextManager[tuple[Installation, SimulatedLine]]]
