"""What the API costs: sign-in, a list, the start of a chat's answer, on SQLite and PostgreSQL in one run.

    python -m bench.api [--requests 400] [--together 8] [--only sqlite] [--postgresql URL]

The server runs as it is served, in a process of its own on the first core; the client, the language model's server and
PostgreSQL have the other cores; all in real time (SCHED_RR) where the system lets them. /healthz is the floor: what
HTTP itself costs here. Sign-ins and lists are asked by `together` people at once, chats by one person, one after
another.

A chat's answer begins with the language model's first word. The model is asked directly and through the house in turns,
and "added" is of the differences: by a model whose first word takes 100 ms, as in bench.conversation, and by one that
answers at once. Behind that one nothing can be done while it thinks: the disk's time for the user's message counts in
full, as no answer is given out before that is stored.
Without a URL a PostgreSQL server is started for the run, where its programs are installed.
"""

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.api.asking import Measured, measure
from bench.api.ports import a_postgresql, free_port
from bench.api.serving import ROOT, leave_a_core, running, served, until_up


def show(title: str, measured: Measured) -> None:
    """Print one database's figures."""
    table = Table(title=title)
    for column in ("", "a second", "median ms", "p99 ms", "added: median ms", "p90 ms"):
        table.add_column(column, justify="right" if column else "left")
    for name, figures in measured.items():
        p99 = statistics.quantiles(figures.times, n=100)[-1]
        row = [f"{figures.rate:.0f}", f"{statistics.median(figures.times):.1f}", f"{p99:.1f}"]
        if figures.added:
            row += [f"{statistics.median(figures.added):.1f}", f"{statistics.quantiles(figures.added, n=10)[-1]:.1f}"]
        table.add_row(name, *row)
    Console().print(table)


async def main(requests: int, together: int, postgresql: str, only: str) -> None:
    """Measure on both databases."""
    leave_a_core()
    model_port = free_port()
    provider = [str(ROOT / "bench/api/provider.py"), str(model_port)]
    with (
        tempfile.TemporaryDirectory() as folder,
        running(*provider, settings={}, folder=Path(folder)),
        a_postgresql(postgresql, wanted=only != "sqlite") as url,
    ):
        await until_up(model_port, "/v1/models")
        lists = []
        for title, database_url in (("SQLite", ""), ("PostgreSQL", url)):
            if only not in ("", title.lower()) or (title == "PostgreSQL" and not url):
                continue
            async with served(database_url, model_port, together) as port:
                measured = await measure(port, model_port, requests, together)
            show(title, measured)
            lists.append(statistics.median(measured["list of 50"].times))
        if len(lists) == 2:
            print(f"a list on PostgreSQL takes {lists[1] / lists[0]:.2f} times as long as on SQLite")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--together", type=int, default=8)
    parser.add_argument("--only", default="", choices=["sqlite", "postgresql"])
    parser.add_argument("--postgresql", default="", help="URL of an empty database; a server is started otherwise")
    given = parser.parse_args()
    asyncio.run(main(given.requests, given.together, given.postgresql, given.only))
