"""Any program that signs as Standard Webhooks describes, with {"type", "timestamp", "data"} as its payload.

`message.create` with {name, number, matter} becomes a message for the owner; every other event is kept as it came.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.webhooks.shapes import Desk
from services.delivery import signing
from services.domain import TakenMessage
from services.errors import RefusedError
from services.storage.delivery.arrivals import ArrivalRecord

MESSAGE = "message.create"
DEEPEST = 50
_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_PRINTED = r"^[^\x00-\x1f\x7f]*$"


class NewMessage(BaseModel):
    """A message for the owner, left by another way than a call."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, Field(max_length=200, pattern=_PRINTED)] = ""
    number: Annotated[str, Field(max_length=64, pattern=_PRINTED)] = ""
    matter: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]


class Standard:
    """An api.webhooks.shapes.WebhookService."""

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> str:
        """Return the webhook-id of a delivery that is signed and not older than five minutes."""
        return signing.verify(headers, body, secrets, now)

    def read(self, body: bytes) -> tuple[str, dict[str, Any]]:
        """Return the type and the whole payload."""
        try:
            payload = json.loads(body.decode("utf-8"), parse_constant=_refuse)
            # Half a character, escaped, is no text, and a number beyond all bounds (1e400) none of JSON.
            json.dumps(payload, ensure_ascii=False, allow_nan=False).encode("utf-8")
        except (ValueError, RecursionError):
            raise RefusedError("The body is no JSON.") from None
        if _depth(payload) > DEEPEST:
            raise RefusedError(f"The body is nested more than {DEEPEST} deep.")
        kind = payload.get("type") if isinstance(payload, dict) else None
        if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
            raise RefusedError('The body must be like {"type": "message.create", "timestamp": "...", "data": {}}.')
        return kind, payload

    async def accept(self, arrival: ArrivalRecord, desk: Desk) -> str:
        """Take a message for the owner; return its number."""
        if arrival.type != MESSAGE:
            return ""
        try:
            wanted = NewMessage.model_validate(arrival.payload.get("data"))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, ("data", *first["loc"])))
            raise RefusedError(f"{where}: {first['msg']}.") from None
        company = await desk.companies.profile(arrival.company_id)
        message = TakenMessage(
            id=arrival.id,
            company_id=arrival.company_id,
            conversation_id="",
            call_id="",
            language=company.language if company else "",
            name=wanted.name,
            number=wanted.number,
            matter=wanted.matter,
            confirmed=True,
            created_at=arrival.received_at,
        )
        await desk.messages.save(message)
        return wanted.number


def _depth(value: Any) -> int:
    """Return how deep lists and objects lie in each other; without recursion, as they may lie deep."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return depth


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


SERVICE = Standard()
