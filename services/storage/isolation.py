"""Companies kept apart below the repositories: a statement that forgets its company is refused, whoever wrote it.

Every table with a `company_id` that a SELECT, UPDATE or DELETE reads or changes must have that column compared, in the
WHERE or in the condition of a join: with a value, or with the company_id of a table that is compared itself. Subqueries
are looked at one by one. What is about the installation says why:
`session.execute(statement, execution_options=every_company("..."))`, or `statement.execution_options(...)`.

A statement is inspected once and remembered by the key under which SQLAlchemy caches its SQL.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from sqlalchemy import CTE, Alias, ColumnElement, Delete, FromClause, Select, Subquery, Table, TextClause, Update
from sqlalchemy import event as hooks
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList, ClauseElement, ColumnClause, Grouping
from sqlalchemy.sql.selectable import CompoundSelect, FromGrouping, Join

COMPANY = "company_id"
OPTION = "every_company"
MOST_REMEMBERED = 2000
_COMPANIES = ("companies", "id")

_Outer = frozenset[str]


class IsolationError(RuntimeError):
    """A statement would read or change rows of any company: a fault of the program, never of who uses it."""


class IsolatedSession(Session):
    """The session of every transaction of the house."""


def every_company(why: str) -> dict[str, str]:
    """Return the execution options of a statement that is about no single company; `why` says what makes it right."""
    if not why:
        raise ValueError("a statement over every company says why")
    return {OPTION: why}


_verdicts: dict[Any, tuple[str, ...]] = {}


@hooks.listens_for(IsolatedSession, "do_orm_execute")
def _refuse_what_forgets_its_company(state: ORMExecuteState) -> None:
    """Raise IsolationError. Refreshing a row that is loaded already is no new look: it is by its primary key."""
    if state.execution_options.get(OPTION) or state.is_column_load:
        return
    statement = cast(ClauseElement, state.statement)
    key = statement._generate_cache_key()  # noqa: SLF001 - what SQLAlchemy itself caches the SQL under
    forgotten = None if key is None else _verdicts.get(key.key)
    if forgotten is None:
        forgotten = tuple(forgotten_in(statement))
        if key is not None:
            if len(_verdicts) >= MOST_REMEMBERED:
                _verdicts.clear()
            _verdicts[key.key] = forgotten
    if forgotten:
        raise IsolationError(
            f"A statement forgets the company of {', '.join(forgotten)}: compare {COMPANY}, or say "
            f"{OPTION}(why) where it is about all of them.\n{statement}"
        )


def forgotten_in(statement: ClauseElement) -> Iterator[str]:
    """Iterate over the names of the tables in `statement` whose company is not compared."""
    if isinstance(statement, TextClause):
        yield from _forgotten_in_words(str(statement))
    elif isinstance(statement, Update | Delete):
        table = statement.table
        conditions = [] if statement.whereclause is None else list(_conditions(statement.whereclause))
        yield from _forgotten([table], conditions, frozenset())
        yield from _forgotten_below(statement.get_children(), frozenset({_name(table)}))
    else:
        yield from _forgotten_below([statement], frozenset())


def _forgotten_below(elements: Iterable[Any], outer: _Outer) -> Iterator[str]:
    """Look at the selects in an expression; those in its FROM have been looked at."""
    waiting = list(elements)
    while waiting:
        element = waiting.pop()
        if isinstance(element, Select):
            yield from _forgotten_in_select(element, outer)
        elif isinstance(element, CompoundSelect):
            waiting += element.selects
        elif not isinstance(element, FromClause) or isinstance(element, CTE | Subquery):
            waiting += element.get_children()


def _forgotten_in_select(select: Select[Any], outer: _Outer) -> Iterator[str]:
    leaves: list[FromClause] = []
    conditions = [] if select.whereclause is None else list(_conditions(select.whereclause))
    expressions: list[Any] = []
    for source in select.get_final_froms():
        for part in _parts(source):
            if isinstance(part, FromClause):
                leaves.append(part)
            else:
                conditions += _conditions(part)
                expressions.append(part)
    here = [leaf for leaf in leaves if _name(leaf) not in outer]  # the others are of the statement around this one
    yield from _forgotten(here, conditions, outer)
    for leaf in here:
        if isinstance(leaf, CTE | Subquery):
            yield from _forgotten_below([leaf.element], frozenset())
    inner = frozenset(_name(leaf) for leaf in leaves) | outer
    expressions += [each for each in select.get_children() if not isinstance(each, FromClause)]
    yield from _forgotten_below(expressions, inner)


def _parts(source: Any) -> Iterator[Any]:
    """Iterate over the tables of a FROM, and the conditions of the joins in it."""
    if isinstance(source, Join):
        yield from _parts(source.left)
        yield from _parts(source.right)
        if source.onclause is not None:
            yield source.onclause
    elif isinstance(source, FromGrouping):
        yield from _parts(source.element)
    else:
        yield source


def _conditions(clause: Any) -> Iterator[Any]:
    """Iterate over what must all be true."""
    if isinstance(clause, BooleanClauseList) and clause.operator is operators.and_:
        for each in clause.clauses:
            yield from _conditions(each)
    elif isinstance(clause, Grouping):
        yield from _conditions(clause.element)
    else:
        yield clause


def _forgotten(leaves: Iterable[FromClause], conditions: Sequence[Any], outer: _Outer) -> Iterator[str]:
    """Iterate over the tables among `leaves` that no chain of comparisons ties to a value or to the query around."""
    tied = {name for condition in conditions if (name := _compared_with_a_value(condition))} | outer
    pairs = [pair for condition in conditions if (pair := _compared_with_each_other(condition))]
    for _ in pairs:
        for pair in pairs:
            if not tied.isdisjoint(pair):
                tied |= pair
    for leaf in leaves:
        if _is_of_a_company(leaf) and _name(leaf) not in tied:
            yield str(_table(leaf).name)


def _compared_with_a_value(condition: Any) -> str:
    """Return the name of the table whose company this compares with a value, "" when it does no such thing."""
    if isinstance(condition, BinaryExpression) and condition.operator in {operators.eq, operators.in_op}:
        for side, other in ((condition.left, condition.right), (condition.right, condition.left)):
            if not isinstance(other, ColumnClause) and (name := _company_of(side)):
                return name
    return ""


def _compared_with_each_other(condition: Any) -> frozenset[str]:
    """Return the names of the two tables whose companies this compares, none when it does no such thing."""
    if isinstance(condition, BinaryExpression) and condition.operator is operators.eq:
        pair = frozenset((_company_of(condition.left), _company_of(condition.right)))
        return pair if "" not in pair else frozenset()
    return frozenset()


def _company_of(side: ColumnElement[Any]) -> str:
    """Return the name of the table whose company_id this is, "" when it is anything else."""
    if not isinstance(side, ColumnClause) or side.table is None:
        return ""
    name = _name(side.table)
    return name if side.name == COMPANY or (name, side.name) == _COMPANIES else ""


def _is_of_a_company(leaf: FromClause) -> bool:
    return isinstance(_table(leaf), Table) and COMPANY in leaf.c


def _table(leaf: Any) -> Any:
    while isinstance(leaf, Alias):
        leaf = leaf.element
    return leaf


def _name(source: Any) -> str:
    return str(getattr(source, "name", "") or id(source))


def _forgotten_in_words(words: str) -> Iterator[str]:
    """Look at SQL written by hand: it is not read, but a table that is named asks for the column to be named too."""
    from services.storage.tables import Base

    if COMPANY in words:
        return
    for table in Base.metadata.sorted_tables:
        if COMPANY in table.c and re.search(rf"\b{re.escape(table.name)}\b", words):
            yield table.name
