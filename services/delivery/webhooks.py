"""The deliverer of webhooks: an event, signed, to the address that a company has entered."""

import json
from datetime import UTC
from email.utils import parsedate_to_datetime

from services.clock import Clock
from services.delivery.outbound import Answer, OutboundClient
from services.delivery.shapes import Message, Receipt
from services.delivery.signing import sign
from services.errors import DeliveryError, NotFoundError
from services.storage.delivery.webhooks import Webhooks

USER_AGENT = "AI-Secretary-Webhooks/1"
_GONE = 410
_AWAY = frozenset({408, 425, 429})
_REFUSED = 3
_KEPT_ANSWER = 500
_LONGEST_WAIT = 6 * 3600.0


class WebhookDeliverer:
    """A services.delivery.shapes.Deliverer; 2xx is delivered, 410 switches the webhook off."""

    def __init__(self, webhooks: Webhooks, client: OutboundClient, clock: Clock) -> None:
        self._webhooks = webhooks
        self._client = client
        self._clock = clock

    async def send(self, message: Message) -> Receipt:
        """Post the event. Raises DeliveryError, StorageError."""
        try:
            webhook = await self._webhooks.get(message.company_id, message.target)
        except NotFoundError as error:
            raise DeliveryError(error.message, attempts=1) from None
        if not webhook.active:
            raise DeliveryError("The webhook is switched off.", "Switch it on, then retry.", attempts=1)
        secrets = await self._webhooks.secrets(webhook)
        if not secrets:
            raise DeliveryError("The webhook's secret is missing.", "Rotate its secret, then retry.", attempts=1)
        body = json.dumps(message.payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        headers = {
            **sign(secrets, f"msg_{message.id}", self._clock.now(), body),
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
        }
        answer = await self._client.post(webhook.url, body, headers)
        if 200 <= answer.status < 300:
            return Receipt({"status": answer.status, "answer": _printable(answer.body)})
        if answer.status == _GONE:
            await self._webhooks.switch_off(
                message.company_id, webhook.id, "The receiver answered 410: it wants no more."
            )
            raise DeliveryError("The receiver answered 410, so the webhook was switched off.", attempts=1)
        raise self._refused(answer)

    def _refused(self, answer: Answer) -> DeliveryError:
        what = f"The receiver answered {answer.status}."
        if answer.status in _AWAY or answer.status >= 500:
            return DeliveryError(what, retry_after=self._retry_after(answer))
        if 300 <= answer.status < 400:
            return DeliveryError(f"{what} Redirects are not followed.", "Enter the new address.", attempts=_REFUSED)
        return DeliveryError(what, attempts=_REFUSED)

    def _retry_after(self, answer: Answer) -> float | None:
        """Read Retry-After: seconds or a date (RFC 9110, 10.2.3)."""
        value = answer.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit() and len(value) < 10:
            return min(float(value), _LONGEST_WAIT)
        try:
            at = parsedate_to_datetime(value)
        except (TypeError, ValueError, IndexError):
            return None
        at = at.replace(tzinfo=at.tzinfo or UTC)
        return min(max((at - self._clock.now()).total_seconds(), 0.0), _LONGEST_WAIT)


def _printable(body: bytes) -> str:
    text = body[:_KEPT_ANSWER].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
