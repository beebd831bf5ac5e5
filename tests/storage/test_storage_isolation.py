"""A statement that forgets its company is refused below the repositories."""

import pytest
from sqlalchemy import and_, delete, exists, func, or_, select, text, tuple_, union, update
from sqlalchemy.orm import aliased

from services.dialogue.personas import seed_personas
from services.storage.content.personas import Personas
from services.storage.database import Database
from services.storage.isolation import IsolationError, every_company, forgotten_in
from services.storage.tables import CallEventRow as Event
from services.storage.tables import CallRow as Call
from services.storage.tables import CompanyRow, PersonaRow
from services.storage.tables import TurnRow as Turn

OURS = Call.company_id == "default"
OTHER = aliased(Call)
LAST = select(func.max(Event.at_ms)).where(Event.call_id == Call.id).scalar_subquery()
LAST_OF_OURS = (
    select(func.max(Event.at_ms)).where(Event.company_id == Call.company_id, Event.call_id == Call.id).scalar_subquery()
)
ANY_SAID = exists().where(Turn.call_id == Call.id)
ANY_SAID_OF_OURS = exists().where(Turn.call_id == Call.id, Turn.company_id == Call.company_id)

FORGETFUL = {
    "no condition": select(Call),
    "another column": select(Call).where(Call.id == "c1"),
    "only perhaps": select(Call).where(or_(OURS, Call.id == "c1")),
    "not this one": select(Call).where(Call.company_id != "default"),
    "itself": select(Call).where(Call.company_id == Call.company_id),
    "another column's value": select(Call).where(Call.company_id == Call.line),
    "every company by a join": select(Call).join(CompanyRow, CompanyRow.id == Call.company_id),
    "one column": select(Call.number),
    "a count": select(func.count()).select_from(Call),
    "a second table": select(Call, Turn).where(OURS, Turn.call_id == Call.id),
    "a second look at the table": select(Call, OTHER).where(OURS),
    "a join": select(Call).join(Turn, Turn.call_id == Call.id).where(OURS),
    "an outer join": select(Call).outerjoin(Event, Event.call_id == Call.id).where(OURS),
    "a subquery in WHERE": select(Call).where(OURS, LAST > 1),
    "a subquery among the columns": select(Call, LAST).where(OURS),
    "an EXISTS": select(Call).where(OURS, ANY_SAID),
    "an IN": select(Call).where(OURS, Call.id.in_(select(Turn.call_id))),
    "a subquery in FROM": select(select(Call).subquery().c.id),
    "a CTE": select(select(Call.id).cte()),
    "half of a UNION": union(select(Call.id).where(OURS), select(Turn.id)),
    "only the subquery compares": select(Call).where(LAST_OF_OURS > 1),
    "an update": update(Call).where(Call.id == "c1").values(line="x"),
    "an update from elsewhere": update(Call).where(OURS).values(line=select(Turn.role).limit(1).scalar_subquery()),
    "a deletion": delete(Call).where(Call.id == "c1"),
    "SQL by hand": text("SELECT * FROM calls WHERE id = 'c1'"),
}
MINDFUL = {
    "a value": select(Call).where(OURS, Call.id == "c1"),
    "some values": select(Call).where(Call.company_id.in_(["default"])),
    "a count": select(func.count()).where(OURS),
    "a second table": select(Call, Turn).where(OURS, Turn.company_id == Call.company_id),
    "a second look at the table": select(Call, OTHER).where(OURS, OTHER.company_id == Call.company_id),
    "a join": select(Call).join(Turn, and_(Turn.company_id == Call.company_id, Turn.call_id == Call.id)).where(OURS),
    "a company by a join": select(Call)
    .join(CompanyRow, CompanyRow.id == Call.company_id)
    .where(CompanyRow.id == "default"),
    "a subquery in WHERE": select(Call).where(OURS, LAST_OF_OURS > 1),
    "a subquery among the columns": select(Call, LAST_OF_OURS).where(OURS),
    "an EXISTS": select(Call).where(OURS, ANY_SAID_OF_OURS),
    "a subquery in FROM": select(select(Call).where(OURS).subquery().c.id),
    "a UNION": union(select(Call.id).where(OURS), select(Turn.id).where(Turn.company_id == "default")),
    "a page": select(Call).where(OURS, tuple_(Call.started_at, Call.id) < tuple_(1, "c1")).limit(3),
    "an update": update(Call).where(OURS).values(line="x"),
    "a deletion": delete(Call).where(OURS),
    "a table of the installation": select(CompanyRow),
    "SQL by hand": text("SELECT * FROM calls WHERE company_id = 'default'"),
}


@pytest.mark.parametrize("what", FORGETFUL)
def test_a_statement_that_forgets_its_company_is_found(what: str) -> None:
    assert list(forgotten_in(FORGETFUL[what]))


@pytest.mark.parametrize("what", MINDFUL)
def test_a_statement_that_minds_its_company_passes(what: str) -> None:
    assert not list(forgotten_in(MINDFUL[what]))


async def test_it_is_refused_in_every_kind_of_transaction(database: Database) -> None:
    async def read() -> None:
        async with database.read() as session:
            await session.scalars(select(PersonaRow))

    async def get() -> None:
        async with database.read() as session:
            await session.get(PersonaRow, "p1")

    async def change() -> None:
        async with database.write() as session:
            await session.execute(delete(Event))

    async def together() -> None:
        await database.write_together(lambda session: session.scalar(select(PersonaRow)), what="a look")

    for forgetful in (read, get, change, together):
        for _ in range(2):  # remembered or not
            with pytest.raises(IsolationError, match=r"forgets the company of (personas|call_events)"):
                await forgetful()


async def test_what_is_about_the_installation_says_why(database: Database) -> None:
    why = every_company("a test counts all of them")
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Call), execution_options=why) == 0
        assert await session.scalar(select(func.count()).select_from(Call).execution_options(**why)) == 0
        assert await session.get(PersonaRow, "p1", execution_options=why) is None
        with pytest.raises(IsolationError):
            await session.scalar(select(func.count()).select_from(Call))
    with pytest.raises(ValueError, match="says why"):
        every_company("")


async def test_a_row_that_is_loaded_may_be_read_again(database: Database) -> None:
    await Personas(database).seed("default", seed_personas())
    async with database.read() as session:
        row = (await session.scalars(select(PersonaRow).where(PersonaRow.company_id == "default"))).first()
        assert row is not None
        session.expire(row)
        await session.refresh(row)
