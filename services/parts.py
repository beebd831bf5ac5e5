"""The state of one part of the installation, as `/readyz`, `doctor` and the start message show it."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a part is."""

    READY = "ready"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its state, one sentence of detail and, unless ready, how to mend it.

    `required` parts that are DOWN make the installation not ready (`/readyz` answers 503, `doctor` exits 1).
    """

    name: str
    state: State
    detail: str
    remedy: str = ""
    required: bool = False
