"""What the event of a turn tells, read with care: a watcher must not fall over data that it did not write."""

import math
from collections.abc import Mapping
from typing import Any

# Names of services.voice.latency.Stage, which this room must not import; a test holds the two together.
END_OF_TURN = "end_of_turn"
FIRST_SOUND = "first_sound"
SPAN_MARGIN = 0.3  # seconds of silence that a caller's turn holds after the last sound

_MOST_STAGES = 32


def number(value: object) -> float | None:
    """Return a finite number as a float, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def stages(data: Mapping[str, Any]) -> dict[str, float]:
    """Return {stage: seconds since the caller's speech ended} in the order reached."""
    given = data.get("stages")
    if not isinstance(given, Mapping):
        return {}
    marks = {str(name): at / 1000 for name, value in given.items() if (at := number(value)) is not None}
    return dict(sorted(marks.items(), key=lambda each: each[1])[:_MOST_STAGES])


def playout(data: Mapping[str, Any]) -> tuple[int, float]:
    """Return (gaps, seconds of the longest gap) of the secretary's sound."""
    given = data.get("playout")
    if not isinstance(given, Mapping):
        return 0, 0.0
    return int(number(given.get("gaps")) or 0), (number(given.get("longest_gap")) or 0.0) / 1000
