"""Errors over HTTP: RFC 9457 problem JSON, with the house's own sentences."""

import re
from copy import deepcopy
from functools import cache
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from services.errors import (
    AccountError,
    ConflictError,
    ForbiddenError,
    LineError,
    NotFoundError,
    RefusedError,
    SecondFactorError,
    SecretaryError,
    SignInError,
    StaleError,
    StorageError,
    TooManyAttemptsError,
)

MEDIA_TYPE = "application/problem+json"

# What is no failure of the house but an answer to what was asked; everything else is 503.
_STATUS: dict[type[SecretaryError], int] = {
    SignInError: 401,
    ForbiddenError: 403,
    NotFoundError: 404,
    LineError: 409,
    ConflictError: 409,
    StaleError: 412,
    AccountError: 422,
    RefusedError: 422,
    TooManyAttemptsError: 429,
}


_PLACE = re.compile(r" (?:[a-z+]+://\S+|\S+\.db\b)")
"""Where the database lies: the log tells it, strangers at the sign-in need not know."""


class Problem(BaseModel):
    """What went wrong, and what to do about it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class CodedProblem(Problem):
    """A problem that programs tell from others of its status by `code`."""

    code: str


def problem(status: int, detail: str = "") -> JSONResponse:
    """Return a problem document {type, title, status, detail}."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status, media_type=MEDIA_TYPE)


def status_of(error: SecretaryError) -> int:
    """Return the status that tells an error of the house: what was asked, or 503 for a failure."""
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 503)


def problem_of(error: SecretaryError) -> Problem:
    """Describe an error where no status can be answered any more: in the middle of a stream."""
    status = status_of(error)
    detail = _PLACE.sub("", str(error)) if isinstance(error, StorageError) else str(error)
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)


def problem_to(error: SecretaryError) -> JSONResponse:
    """Answer an error of the house, with the headers that belong to it."""
    body = problem_of(error)
    if isinstance(error, SecondFactorError):
        body = CodedProblem(**body.model_dump(), code=error.code)
    response = JSONResponse(body.model_dump(), body.status, media_type=MEDIA_TYPE)
    if isinstance(error, SignInError):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyAttemptsError):
        response.headers["Retry-After"] = str(ceil(error.retry_after))
    return response


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems that a route may answer, for its OpenAPI document."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": deepcopy(_problem_schema())}},
        }
        for status in statuses
    }


@cache
def _problem_schema() -> dict[str, Any]:
    return Problem.model_json_schema()


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> JSONResponse:
        response = problem(error.status_code, str(error.detail))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        # A choice of two forms is named there, too, in pydantic's own words: function-after[...].
        where = ".".join(part for part in map(str, first["loc"]) if "[" not in part)
        return problem(422, f"{where}: {first['msg'].removeprefix('Value error, ')}")

    @app.exception_handler(Exception)
    async def broken(_: Request, __: Exception) -> JSONResponse:
        # Whose fault it is stands in the log, with the request's id; who asks learns nothing of the inside.
        return problem(500, "Something in the house has failed. The log tells what.")

    @app.exception_handler(SecretaryError)
    async def failed(_: Request, error: SecretaryError) -> JSONResponse:
        return problem_to(error)
