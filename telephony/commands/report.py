"""A call on a terminal: both sides as they speak, and where the time went."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.domain import Turn
from services.events import CallEvent, CallEventType
from services.voice.latency import Stage
from telephony.simulator import Exchange

_TITLES: dict[str, str] = {
    Stage.END_OF_TURN: "turn",
    Stage.TRANSCRIPT: "words",
    Stage.FIRST_TEXT: "text",
    Stage.FIRST_CLAUSE: "clause",
    Stage.FIRST_FRAME: "frame",
    Stage.FIRST_SOUND: "sound",
}
_LEGEND = (
    "turn: the turn is taken as over; words: they are understood; text: the answer's first word, thought of before the "
    "turn is over where it can be; clause: enough to speak; frame: the voice's first sound; sound: it is on the line; "
    "far end: the caller hears it; gaps: silences in the speech that nobody meant (the longest)"
)


class CallPrinter:
    """Prints the events of a call; on a terminal the caller's words appear while they are spoken."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("ringing ...")

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def on_event(self, event: CallEvent) -> None:
        """Print what a person on the line would notice."""
        data = event.data
        match event.type:
            case CallEventType.ANSWERED:
                self._status.update("on the line")
            case CallEventType.INTERIM:
                words = Text(f"caller: {data['text']} ...")
                words.truncate(self._console.width - 4, overflow="ellipsis")
                self._status.update(words)
            case CallEventType.SAYING:
                self._line(event, "secretary", "cyan", data["text"])
            case CallEventType.TURN if data["role"] == "caller":
                self._status.update("on the line")
                self._line(event, "caller", "green", data["heard"] or "(not understood)")
            case CallEventType.INTERRUPTED:
                self._line(event, "", "dim", "(interrupted)")
            case CallEventType.DEGRADED:
                self._line(event, "", "yellow", f"({data['part']}: {data['detail']})")
            case CallEventType.ENDED:
                self._line(event, "", "dim", f"(call over: {data['reason']}, {data['seconds']:.1f} s)")
            case _:
                pass

    def _line(self, event: CallEvent, who: str, colour: str, text: str) -> None:
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(width=8, justify="right")
        line.add_column(width=9, justify="right", style=colour)
        line.add_column(overflow="fold")
        line.add_row(f"{event.at_ms / 1000:.1f} s", who, Text(text))
        self._console.print(line)


def latency_table(turns: Sequence[Turn], exchanges: Sequence[Exchange]) -> Table:
    """Return the stages of each answer, in ms since the end of the caller's speech; the far end's own figure last."""
    table = Table(
        title="Milliseconds from the caller's last sound (greeting: from the answer)",
        title_justify="left",
        caption=_LEGEND,
        caption_justify="left",
        box=None,
    )
    answers = [turn for turn in turns if turn.role == "secretary"]
    stages = _stages(answers)
    table.add_column("answer", max_width=26)  # on a narrow terminal it gives way to the figures
    for stage in stages:
        table.add_column(_TITLES.get(stage, stage), justify="right", no_wrap=True)
    table.add_column("far end", justify="right", style="bold", no_wrap=True)
    table.add_column("gaps", justify="right", no_wrap=True)
    for number, answer in enumerate(answers, start=-1):
        heard = exchanges[number].response_seconds if 0 <= number < len(exchanges) else None
        far_end = "" if heard is None else f"{heard * 1000:.0f}"
        marks = [f"{answer.stages[stage]:.0f}" if stage in answer.stages else "-" for stage in stages]
        said = Text(answer.intended, no_wrap=True, overflow="ellipsis")
        table.add_row(said, *marks, far_end, _gaps(answer.playout))
    return table


def _stages(answers: Sequence[Turn]) -> list[str]:
    """Return the stages that this report knows, in their order, then those that it has no word for yet."""
    return list(dict.fromkeys([*_TITLES, *(name for answer in answers for name in answer.stages)]))


def _gaps(playout: Mapping[str, float]) -> str:
    """Tell how often the sound broke off, and the longest break in milliseconds."""
    if "gaps" not in playout:
        return "-"
    return f"{playout['gaps']:.0f} ({playout.get('longest_gap', 0):.0f})" if playout["gaps"] else "0"
