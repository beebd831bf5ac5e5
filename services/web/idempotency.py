"""Idempotency-Key: a POST that was sent twice has its effect once, and both are answered alike.

As in the IETF's draft (draft-ietf-httpapi-idempotency-key-header), for routes of an `IdempotentRoute` with a parameter
`Idempotent`. The answer is stored for 24 h, so this is not for routes that answer with a secret. What is answered:

- the same key, user and request again: the stored answer, with `Idempotency-Replayed: true`;
- the same key for another request: 422;
- while the first one goes on: 409 with Retry-After;
- when the first one ended without an answer (a crash): 409 without it; only a new key makes a new attempt.

An answer of 5xx is not stored where the house itself gave it (503), nor one of 401, 403 and 429: the request had no
effect and may be repeated. Put the parameter before that of a limit, so that a repetition costs nothing.
"""

import hashlib
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import structlog
from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from services.errors import ConflictError, RefusedError, SecretaryError, SignInError
from services.storage.audit.acting import SYSTEM, acting
from services.storage.idempotency import LEASE, Claim, IdempotencyKeys, StoredAnswer

REPLAYED = "Idempotency-Replayed"
_NOTHING_BEGUN = frozenset({401, 403, 429})
_DESCRIPTION = "1 to 255 visible characters of your choice; a repetition with the same key is answered, not done again"

log = structlog.get_logger()


def set_idempotency(app: FastAPI, keys: IdempotencyKeys) -> None:
    """Give the routes of `app` the store of their keys."""
    app.state.idempotency = keys


class _ReplayedError(Exception):
    """Ends a request whose answer is known."""

    def __init__(self, answer: StoredAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class StillGoingOnError(ConflictError):
    """The first request with this key is not answered yet."""


async def _claim(
    request: Request,
    key: Annotated[
        str | None, Header(alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,255}$", description=_DESCRIPTION)
    ] = None,
) -> None:
    if key is None:
        return
    who = acting()
    assert who is not SYSTEM, "the route's rule comes before its idempotency"
    assert isinstance(request.scope["route"], IdempotentRoute), "the answer would not be stored"
    keys: IdempotencyKeys = request.app.state.idempotency
    key_id = _digest(who.company_id, who.kind, who.id, key)
    asked = _digest(request.method, request.url.path, request.url.query, (await request.body()).hex())
    claim = await keys.claim(who.company_id, key_id, asked)
    if claim.state == "first":
        request.state.claim = claim
    elif claim.answer is not None:
        raise _ReplayedError(claim.answer)
    elif claim.state == "another":
        raise RefusedError("This Idempotency-Key was used for another request.", "Take a new key for a new request.")
    elif claim.state == "going_on":
        raise StillGoingOnError("The request with this Idempotency-Key goes on.", "Ask again in a moment.")
    else:
        raise ConflictError(
            "A request with this Idempotency-Key was begun and never answered: it may have had its effect.",
            "Look whether it had; a new key makes a new attempt.",
        )


Idempotent = Annotated[None, Depends(_claim)]
"""The last parameter of a route that is to take an Idempotency-Key: `_: Idempotent`."""


class IdempotentRoute(APIRoute):
    """A route that keeps the answer of a request with an Idempotency-Key: `APIRouter(route_class=IdempotentRoute)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with the answer stored before it is sent."""
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            try:
                response = await handle(request)
            except _ReplayedError as known:
                return _replayed(known.answer)
            except StillGoingOnError as error:
                response = await _rendered(request, error)
                response.headers["Retry-After"] = str(int(LEASE.total_seconds()) // 30)
                return response
            except (RequestValidationError, SignInError):  # nothing was begun
                await _release(request)
                raise
            except Exception as error:
                if not _has_answer(request, error):
                    raise  # a defect: nobody knows what was done, so the key stays taken
                response = await _rendered(request, error)
            await _keep(request, response)
            return response

        return once


async def _keep(request: Request, response: Response) -> None:
    claim: Claim | None = getattr(request.state, "claim", None)
    if claim is None:
        return
    if response.status_code in _NOTHING_BEGUN or response.status_code >= 500:
        await _release(request)
        return
    answer = StoredAnswer(
        status=response.status_code,
        media_type=response.headers.get("Content-Type", ""),
        location=response.headers.get("Location", ""),
        body=bytes(response.body),
    )
    keys: IdempotencyKeys = request.app.state.idempotency
    try:
        await keys.answer(claim, answer)
    except SecretaryError as error:  # it is done: who asked is told so, and a repetition that nobody knows
        log.warning("the answer of a request could not be kept", error=str(error))


async def _release(request: Request) -> None:
    claim: Claim | None = getattr(request.state, "claim", None)
    if claim is None:
        return
    keys: IdempotencyKeys = request.app.state.idempotency
    try:
        await keys.release(claim)
    except SecretaryError as error:
        log.warning("an idempotency key could not be given back", error=str(error))


def _has_answer(request: Request, error: Exception) -> bool:
    return any(kind in request.app.exception_handlers for kind in type(error).__mro__ if kind is not Exception)


async def _rendered(request: Request, error: Exception) -> Response:
    """Return the answer that the application gives to an error."""
    handlers = request.app.exception_handlers
    handler = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
    response: Response = await handler(request, error)
    return response


def _replayed(answer: StoredAnswer) -> Response:
    response = Response(answer.body, answer.status)
    if answer.media_type:
        response.headers["Content-Type"] = answer.media_type
    if answer.location:
        response.headers["Location"] = answer.location
    response.headers[REPLAYED] = "true"
    if answer.status in (204, 304):
        del response.headers["Content-Length"]
    return response


def _digest(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()
