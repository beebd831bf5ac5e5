"""What writes the audit log: a session that notes every change of an audited row, in the transaction that makes it.

A row class is audited by `__audited__ = "<resource>"`. Columns in `__audit_hidden__` are shown as changed, without
their values; those in `__audit_ignored__` are no change worth an entry. Bulk statements would pass by the session's
notice, so they are refused on audited tables, unless `execution_options(unaudited="why")` says why none is needed.

Entries are gathered as rows are flushed and appended right before the commit: what is rolled back leaves none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, insert, inspect, select, update
from sqlalchemy.orm import InstanceState, ORMExecuteState, Session, SessionTransaction

from services.storage.audit.acting import Actor, acting
from services.storage.audit.chain import FIRST, Link, clean, hash_of, seal, shown
from services.storage.audit.tables import AuditHeadRow, AuditRow
from services.storage.isolation import IsolatedSession
from services.storage.tables import Base

CHANGED = "changed"

_NEVER_TOLD = frozenset({"created_at", "updated_at"})
_GATHERED = "audit"


@dataclass(frozen=True, slots=True)
class _Entry:
    at: datetime
    actor: Actor
    company_id: str
    action: str
    resource: str
    resource_id: str
    detail: Mapping[str, Any]
    within: SessionTransaction | None


class AuditedSession(IsolatedSession):
    """A session that writes the audit log."""


def note_in(
    session: Session,
    action: str,
    resource: str,
    resource_id: str = "",
    detail: Mapping[str, Any] | None = None,
    *,
    company_id: str | None = None,
) -> None:
    """Note in `session` what whoever acts does without changing a row; appended as it commits.

    `session` is an AuditedSession (`AsyncSession.sync_session` of Database.write); the company is the actor's own
    unless another is given.
    """
    actor = acting()
    entry = _Entry(
        at=datetime.now(UTC),
        actor=actor,
        company_id=actor.company_id if company_id is None else company_id,
        action=action,
        resource=resource,
        resource_id=resource_id,
        detail=detail or {},
        within=session.get_nested_transaction(),
    )
    _gathered(session).append(entry)


@event.listens_for(AuditedSession, "after_flush")
def _gather(session: Session, _context: object) -> None:
    for rows, action in ((session.new, "create"), (session.dirty, "edit"), (session.deleted, "delete")):
        for row in rows:
            if hasattr(type(row), "__audited__"):
                _note_row(session, row, action)


@event.listens_for(AuditedSession, "before_commit")
def _append_before_commit(session: Session) -> None:
    if session.in_nested_transaction():  # a savepoint only; the transaction around it may still be rolled back
        return
    session.flush()
    entries = session.info.pop(_GATHERED, None)
    if entries:
        _append(session, entries)


@event.listens_for(AuditedSession, "after_soft_rollback")
def _forget(session: Session, ended: SessionTransaction) -> None:
    if not ended.nested:
        session.info.pop(_GATHERED, None)
        return
    session.info[_GATHERED] = [each for each in _gathered(session) if not _is_within(each.within, ended)]


@event.listens_for(AuditedSession, "do_orm_execute")
def _refuse_bulk(state: ORMExecuteState) -> None:
    if not (state.is_insert or state.is_update or state.is_delete) or state.execution_options.get("unaudited"):
        return
    table = getattr(getattr(state.statement, "table", None), "name", "")
    if table in _audited_tables():
        raise RuntimeError(
            f"A bulk statement on {table} would not be audited: change its rows through the session, "
            "or say why not with execution_options(unaudited=...)."
        )


def _audited_tables() -> set[str]:
    return {
        str(mapper.local_table.name)  # type: ignore[attr-defined]  # every row class has a table
        for mapper in Base.registry.mappers
        if hasattr(mapper.class_, "__audited__")
    }


def _gathered(session: Session) -> list[_Entry]:
    entries: list[_Entry] = session.info.setdefault(_GATHERED, [])
    return entries


def _is_within(transaction: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while transaction is not None:
        if transaction is outer:
            return True
        transaction = transaction.parent
    return False


def _note_row(session: Session, row: object, action: str) -> None:
    detail = _detail(inspect(row), action)
    if action == "edit" and not detail:
        return
    kind = type(row)
    own = getattr(row, "company_id", None)
    company_id = own if isinstance(own, str) else str(getattr(row, "id", "")) if _is_company(kind) else None
    note_in(
        session,
        action,
        kind.__audited__,  # type: ignore[attr-defined]  # looked up by _gather
        str(getattr(row, "id", "")),
        detail,
        company_id=company_id,
    )


def _is_company(kind: type) -> bool:
    return getattr(kind, "__tablename__", "") == "companies"


def _detail(state: InstanceState[Any], action: str) -> dict[str, Any]:
    """Return {"before": ..., "after": ...} of the columns that changed; one of the two for a new or a deleted row."""
    kind = state.class_
    hidden: frozenset[str] = getattr(kind, "__audit_hidden__", frozenset())
    passed_over = _NEVER_TOLD | getattr(kind, "__audit_ignored__", frozenset())
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for attribute in state.mapper.column_attrs:
        name = attribute.key
        if name in passed_over:
            continue
        history = state.attrs[name].history
        if action == "edit" and not history.has_changes():
            continue
        current = state.dict.get(name)
        old = history.deleted[0] if history.deleted else None if history.added else current
        if action == "delete":
            old = history.deleted[0] if history.deleted else current
        before[name] = CHANGED if name in hidden else shown(old)
        after[name] = CHANGED if name in hidden else shown(current)
    if action == "create":
        return {"after": after}
    if action == "delete":
        return {"before": before}
    return {"before": before, "after": after} if after else {}


def _append(session: Session, entries: list[_Entry]) -> None:
    """Write `entries` to the end of the chain; a transaction that writes has no other beside it (see Database)."""
    head = session.execute(select(AuditHeadRow.seq, AuditHeadRow.hash)).one_or_none()
    seq, previous = head or (0, FIRST)
    rows = []
    for entry in entries:
        seq += 1
        row = _row(seq, previous, entry)
        previous = row["hash"]
        rows.append(row)
    session.execute(insert(AuditRow), rows)
    if head is None:
        session.execute(insert(AuditHeadRow).values(id=1, seq=seq, hash=previous))
    else:
        session.execute(
            update(AuditHeadRow).values(seq=seq, hash=previous).execution_options(synchronize_session=False)
        )


def _row(seq: int, previous: str, entry: _Entry) -> dict[str, Any]:
    detail, salt, digest = seal(entry.detail)
    link = Link(
        seq=seq,
        at=entry.at,
        company_id=clean(entry.company_id),
        actor_kind=entry.actor.kind,
        actor_id=clean(entry.actor.id),
        actor_name=clean(entry.actor.name),
        address=clean(entry.actor.address),
        request_id=clean(entry.actor.request_id),
        action=clean(entry.action),
        resource=clean(entry.resource),
        resource_id=clean(entry.resource_id),
        digest=digest,
        previous=previous,
    )
    values = {name: getattr(link, name) for name in Link.__dataclass_fields__}
    return {**values, "detail": detail, "salt": salt, "hash": hash_of(link)}
