"""The state of the installation on a terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.installation import Installation
from services.parts import Part, State

_COLOURS = {State.READY: "green", State.DEGRADED: "yellow", State.DOWN: "red"}


def print_state(installation: Installation, address: str = "", *, set_up: str = "") -> None:
    """Print every part, what is degraded and how to mend it, and where the server answers.

    `set_up` is the path of the link for the first owner, "" when there is an owner.
    """
    console = Console(stderr=True)
    console.print(state_table(installation.parts()))
    if address:
        console.print(f"AI Secretary answers on [bold]{address}[/bold] (Ctrl-C ends it).")
        if set_up:
            # One line however narrow the terminal is, so that the whole of it can be clicked or copied.
            console.print("Nobody can sign in yet. Within a day, once, this link makes the owner:")
            console.print(f"{address}{set_up}", soft_wrap=True, markup=False, highlight=False)


def state_table(parts: list[Part]) -> Table:
    """Return the parts as a table: name, state, detail and remedy."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for part in parts:
        colour = _COLOURS[part.state]
        told = Text(part.detail)
        if part.remedy:
            told.append(f"\n{part.remedy}", style="cyan")
        table.add_row(f"[{colour}]●[/{colour}] {part.name}", f"[{colour}]{part.state}[/{colour}]", told)
    return table
