"""The tables of what leaves the house and what other programs send in."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.columns import new_id
from services.storage.tables import Base


class OutboxRow(Base):
    """Something that is to leave the house, see services.storage.delivery.outbox.

    `status` is waiting, delivered or dead. `place` orders the rows as they were put in. `contact` is the number it is
    about, "" when about none. Who sends it holds a lease: `lease_by` until `lease_until`. After `expires_at` it is
    not tried any more.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("company_id", "kind", "key"),
        Index(None, "status", "next_at"),
        Index(None, "company_id", "status", "created_at", "id"),
        Index(None, "company_id", "kind", "target", "place"),
        Index(None, "company_id", "contact"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    kind: Mapped[str]
    key: Mapped[str]
    target: Mapped[str]
    ordered: Mapped[bool]
    place: Mapped[int] = mapped_column(BigInteger)
    contact: Mapped[str]
    payload: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    lease_by: Mapped[str] = mapped_column(default="")
    last_error: Mapped[str] = mapped_column(default="")
    receipt: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class WebhookRow(Base):
    """A webhook: with `direction` "out" an address that is told of events, with "in" one where a program may send some.

    The secret lies in the vault; the one before is good until `old_secret_until`. `switched_off` says why the house
    itself set `active` to False, "" when it did not.
    """

    __tablename__ = "webhooks"
    __table_args__ = (UniqueConstraint("company_id", "id"), Index(None, "company_id", "direction", "active"))
    __audited__: ClassVar[str] = "webhooks"
    __audit_hidden__: ClassVar[frozenset[str]] = frozenset()

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    direction: Mapped[str]
    service: Mapped[str]
    url: Mapped[str]
    events: Mapped[list[Any]]
    description: Mapped[str]
    active: Mapped[bool]
    switched_off: Mapped[str] = mapped_column(default="")
    old_secret_until: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class WebhookArrivalRow(Base):
    """What a program has sent in, verified; `delivery_id` is the sender's own, so that a second time is known.

    `status` is arrived, handled or refused (`error` says why); `contact` is the number it is about, "" when unknown.
    """

    __tablename__ = "webhook_arrivals"
    __table_args__ = (
        UniqueConstraint("webhook_id", "delivery_id"),
        ForeignKeyConstraint(["company_id", "webhook_id"], ["webhooks.company_id", "webhooks.id"]),
        Index(None, "company_id", "webhook_id", "received_at", "id"),
        Index(None, "company_id", "contact"),
        Index(None, "received_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    webhook_id: Mapped[str]
    delivery_id: Mapped[str]
    type: Mapped[str]
    payload: Mapped[dict[str, Any]]
    contact: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="arrived")
    error: Mapped[str] = mapped_column(default="")
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
