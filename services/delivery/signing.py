"""Signatures of webhooks after Standard Webhooks (https://www.standardwebhooks.com).

The signed text is `id.timestamp.body`; `webhook-signature` holds one "v1,<base64 HMAC-SHA256>" for each secret, apart
by spaces. A secret is "whsec_" and the base64 of 24 to 64 random bytes.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.errors import RefusedError, SignInError

ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"
WINDOW = 300
"""Seconds that a timestamp may be away from now, either way."""

_PREFIX = "whsec_"
_MOST_SIGNATURES = 10


def new_secret() -> str:
    """Return a fresh secret of 32 random bytes."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def checked_secret(text: str) -> str:
    """Return a secret that another program has given. Raises RefusedError when it is none."""
    key = _key(text)
    if key is None or not 24 <= len(key) <= 64:
        raise RefusedError("A secret is whsec_ and the base64 of 24 to 64 bytes.", "Leave it out: one is made.")
    return text


def sign(secrets_: Sequence[str], message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers, with a signature for each secret."""
    stamp = str(int(now.timestamp()))
    keys = [key for secret in secrets_ if (key := _key(secret)) is not None]
    signatures = [f"v1,{_signature(key, message_id, stamp, body)}" for key in keys]
    return {ID: message_id, TIMESTAMP: stamp, SIGNATURE: " ".join(signatures)}


def verify(headers: Mapping[str, str], body: bytes, secrets_: Sequence[str], now: datetime) -> str:
    """Return the id of a delivery whose signature is right and whose time is near.

    Raises SignInError, the same whether a header is missing, the time is off or the signature wrong.
    """
    message_id, stamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    given = [each.partition(",") for each in headers.get(SIGNATURE, "").split()[:_MOST_SIGNATURES]]
    if not _plain_id(message_id) or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise _refusal()
    if abs(now.timestamp() - int(stamp)) > WINDOW:
        raise _refusal()
    right = False
    for key in filter(None, map(_key, secrets_)):
        expected = _signature(key, message_id, stamp, body).encode()
        for version, _, signature in given:
            right |= version == "v1" and hmac.compare_digest(expected, signature.encode("utf-8", "replace"))
    if not right:
        raise _refusal()
    return message_id


def _signature(key: bytes, message_id: str, stamp: str, body: bytes) -> str:
    content = f"{message_id}.{stamp}.".encode() + body
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def _plain_id(text: str) -> bool:
    return 0 < len(text) <= 200 and text.isascii() and text.isprintable() and "." not in text and " " not in text


def _key(secret: str) -> bytes | None:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _refusal() -> SignInError:
    return SignInError("The signature is missing, wrong or too old.", "Sign each delivery with the webhook's secret.")
