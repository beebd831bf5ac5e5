"""Webhooks and the outbox as the API shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from api.calls.shapes import PRINTED
from services.storage.delivery.announcing import EVENTS
from services.storage.delivery.arrivals import ArrivalRecord
from services.storage.delivery.outbox import OutboxRecord
from services.storage.delivery.webhooks import WebhookRecord

Event = Literal["call.ended", "call.missed", "message.taken", "text.received", "contact.erased"]
Direction = Literal["out", "in"]
Status = Literal["waiting", "delivered", "dead"]

if set(get_args(Event)) != set(EVENTS):
    raise RuntimeError("the events of the API are not those that are announced")

Url = Annotated[str, Field(max_length=2000, pattern=rf"^{PRINTED}*$", examples=["https://example.com/hooks/secretary"])]
Events = Annotated[list[Event], Field(max_length=20, examples=[["call.ended", "message.taken"]])]
Description = Annotated[str, Field(max_length=500, pattern=rf"^{PRINTED}*$", examples=["our CRM"])]
ServiceName = Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9_]*$", examples=["standard"])]


class WebhookNew(BaseModel):
    """A webhook to make: "out" with an address and events, or "in" for a service that sends.

    An incoming one may bring the secret of the other program; where none is given, one is made.
    """

    model_config = ConfigDict(extra="forbid")

    direction: Direction = "out"
    url: Url = ""
    events: Events = []
    description: Description = ""
    active: bool = True
    service: ServiceName = "standard"
    secret: Annotated[SecretStr | None, Field(max_length=200)] = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.direction == "out" and not (self.url and self.events):
            raise ValueError("a webhook that goes out needs a url and events")
        if self.direction == "in" and (self.url or self.events):
            raise ValueError("a webhook that comes in has neither a url nor events")
        return self


class WebhookChange(BaseModel):
    """What is changed; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    events: Annotated[list[Event], Field(min_length=1, max_length=20)] | None = None
    description: Description | None = None
    active: bool | None = None


class Webhook(BaseModel):
    """A webhook. `path` is where an incoming one takes deliveries; `switched_off` why the house has stopped it."""

    id: str
    direction: Direction
    service: str
    path: str
    url: str
    events: Sequence[str]
    description: str
    active: bool
    switched_off: str
    old_secret_until: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class WebhookWithSecret(Webhook):
    """A webhook with its secret, which is shown this once."""

    secret: Annotated[str, Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]


class Tested(BaseModel):
    """A test is on its way; GET /admin/outbox/{delivery_id} tells what became of it."""

    delivery_id: str


class Arrival(BaseModel):
    """What came in; `status` is arrived, handled or refused, `error` why."""

    id: str
    delivery_id: str
    type: str
    payload: Mapping[str, Any]
    status: str
    error: str
    received_at: datetime
    handled_at: datetime | None


class OutboxItem(BaseModel):
    """A message that leaves the house, without its content."""

    id: str
    kind: str
    target: str
    status: Status
    attempts: int
    next_at: datetime
    last_error: str
    created_at: datetime
    finished_at: datetime | None


class OutboxDetail(OutboxItem):
    """A message with its content and what the receiver said."""

    expires_at: datetime
    payload: Mapping[str, Any]
    receipt: Mapping[str, Any]


def webhook(record: WebhookRecord) -> Webhook:
    """Return a webhook as the API shows it."""
    return Webhook.model_validate(_shown(record))


def with_secret(record: WebhookRecord, secret: str) -> WebhookWithSecret:
    """Return a webhook with its secret."""
    return WebhookWithSecret.model_validate({**_shown(record), "secret": secret})


def arrival(record: ArrivalRecord) -> Arrival:
    """Return an arrival as the API shows it."""
    return Arrival.model_validate(record, from_attributes=True)


def outbox_item(record: OutboxRecord) -> OutboxItem:
    """Return a message as a list shows it."""
    return OutboxItem.model_validate(record, from_attributes=True)


def outbox_detail(record: OutboxRecord) -> OutboxDetail:
    """Return a message as it is shown alone."""
    return OutboxDetail.model_validate(record, from_attributes=True)


def _shown(record: WebhookRecord) -> dict[str, Any]:
    path = f"/webhooks/{record.service}/{record.id}" if record.direction == "in" else ""
    values = {name: getattr(record, name) for name in Webhook.model_fields if name != "path"}
    return {**values, "path": path}
