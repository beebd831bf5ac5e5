"""Errors of /v1 in OpenAI's shape: {"error": {"message", "type", "param", "code"}}."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from math import ceil
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from services.errors import (
    EngineOverloadedError,
    EngineUnavailableError,
    ProviderError,
    SecretaryError,
    SignInError,
    TooManyAttemptsError,
)
from services.web.problems import problem, status_of

PREFIX = "/v1/"
_TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}
_UNFORESEEN = "The server failed at this request. Its log says why."
_CODES = {401: "invalid_api_key", 403: "forbidden", 413: "request_too_large", 429: "rate_limit_exceeded"}


class ErrorBody(BaseModel):
    """What went wrong; `param` names the field of the request, `code` is for programs."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorAnswer(BaseModel):
    """An error as OpenAI's clients read it."""

    error: ErrorBody


class ApiError(SecretaryError):
    """A request of /v1 that cannot be answered as it is."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code


def no_model(name: str) -> ApiError:
    """Return what is told of a model that is not there."""
    return ApiError(404, f"The model '{name}' does not exist here.", param="model", code="model_not_found")


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors that a route may answer, for its OpenAPI document."""
    return {status: {"description": HTTPStatus(status).phrase, "model": ErrorAnswer} for status in statuses}


def error_body(error: SecretaryError) -> dict[str, Any]:
    """Return an error as it stands in an answer, or in the middle of a stream."""
    status = _status(error)
    code = error.code if isinstance(error, ApiError) else _CODES.get(status)
    param = error.param if isinstance(error, ApiError) else None
    return _body(status, str(error), param, code)


def too_large(path: str, sentence: str) -> Response:
    """Answer 413, in the form of the path."""
    return _answer(413, sentence) if path.startswith(PREFIX) else problem(413, sentence)


def add_error_shape(app: FastAPI) -> None:
    """Answer every error below /v1 in OpenAI's shape, all others as `app` did before."""
    for kind, shaped in ((HTTPException, _http), (RequestValidationError, _invalid), (SecretaryError, _failed)):
        app.add_exception_handler(kind, _either(app.exception_handlers[kind], shaped))
    app.add_exception_handler(Exception, _either(app.exception_handlers.get(Exception, _unforeseen), _unforeseen_here))


Handler = Callable[[Request, Any], Awaitable[Response]]


def _either(before: Any, shaped: Callable[[Request, Any], Response]) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        if f"{request.url.path}/".startswith(PREFIX):
            return shaped(request, error)
        return await cast(Handler, before)(request, error)

    return handle


def _http(request: Request, error: HTTPException) -> Response:
    asked, message, code = f"{request.method} {request.url.path}", str(error.detail), _CODES.get(error.status_code)
    if error.status_code == 404:
        message, code = f"Unknown request URL: {asked}. /docs lists what there is below /v1.", "unknown_url"
    elif error.status_code == 405:
        message, code = f"Unknown request: {asked} is asked for with another method.", "method_not_supported"
    response = _answer(error.status_code, message, None, code)
    response.headers.update(error.headers or {})
    return response


def _invalid(_: Request, error: RequestValidationError) -> Response:
    """Answer what pydantic refused. A field's place is told in its own words: messages[0].content."""
    first = error.errors()[0]
    place = ""
    for part in first["loc"][1:]:
        if isinstance(part, int):
            place += f"[{part}]"
        elif "[" not in part and "(" not in part:
            place += f".{part}" if place else part
    message = first["msg"].removeprefix("Value error, ")
    return _answer(400, f"{place}: {message}" if place else message, place or None)


def _failed(_: Request, error: SecretaryError) -> Response:
    response = JSONResponse(error_body(error), _status(error))
    if isinstance(error, SignInError):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyAttemptsError):
        response.headers["Retry-After"] = str(ceil(error.retry_after))
    return response


async def _unforeseen(_request: Request, _: Exception) -> Response:
    return problem(500, _UNFORESEEN)


def _unforeseen_here(_request: Request, _: Exception) -> Response:
    return _answer(500, _UNFORESEEN)


def _status(error: SecretaryError) -> int:
    if isinstance(error, ApiError):
        return error.status
    if isinstance(error, ProviderError):
        return 503 if error.retryable else 502
    if isinstance(error, EngineOverloadedError | EngineUnavailableError):
        return 503
    status = status_of(error)
    return 400 if status == 422 else status


def _answer(status: int, message: str, param: str | None = None, code: str | None = None) -> Response:
    return JSONResponse(_body(status, message, param, code or _CODES.get(status)), status)


def _body(status: int, message: str, param: str | None, code: str | None) -> dict[str, Any]:
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return ErrorAnswer(error=ErrorBody(message=message, type=kind, param=param, code=code)).model_dump()
