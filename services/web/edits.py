"""Edits over HTTP: `PATCH` and `PUT` of a resource mean the same, and what is left out stays. Clients send either."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter

Handler = TypeVar("Handler", bound=Callable[..., Any])


def edit_route(router: APIRouter, path: str, **told: Any) -> Callable[[Handler], Handler]:
    """Register a route for both methods; `told` is what `router.patch` takes.

    They are two operations of the OpenAPI document, so that each has an id of its own.
    """

    def register(handler: Handler) -> Handler:
        router.patch(path, **told)(handler)
        return router.put(path, **told)(handler)

    return register
