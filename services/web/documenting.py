"""What any route may answer, put into the OpenAPI document in one place."""

from typing import Any

from fastapi import FastAPI

from services.web.access import routes_of
from services.web.problems import MEDIA_TYPE, problem_responses

_ANYWHERE = (429, 500)
_RULED = (401, 403, 503)
_WITH_BODY = (400, 413)
OPENAI = "/v1/"
"""Below it errors have OpenAI's shape, which those routes document themselves."""


def document_common_answers(app: FastAPI) -> None:
    """Let `app`'s document tell what the rules, the limits and the checks of each route answer.

    FastAPI would document a refused request in a shape of its own; here it is a problem, like every other error.
    """
    make = app.openapi

    def documented() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = make()
            ruled = {(route.path, method) for route in routes_of(app) if route.rule for method in route.methods}
            for path, methods in document["paths"].items():
                for method, operation in methods.items():
                    if not path.startswith(OPENAI):
                        _complete(operation, ruled=(path, method.upper()) in ruled)
            _drop_unused(document)
        return app.openapi_schema or {}

    app.openapi = documented  # type: ignore[method-assign]  # FastAPI's own way to extend the document


def _complete(operation: dict[str, Any], *, ruled: bool) -> None:
    answers = operation["responses"]
    wanted = [*_ANYWHERE, *(_RULED if ruled else ()), *(_WITH_BODY if "requestBody" in operation else ())]
    if "422" in answers and MEDIA_TYPE not in answers["422"].get("content", {}):
        wanted.append(422)
        del answers["422"]
    for status, answer in problem_responses(*wanted).items():
        answers.setdefault(str(status), answer)


def _drop_unused(document: dict[str, Any]) -> None:
    schemas = document.get("components", {}).get("schemas", {})
    if '"#/components/schemas/HTTPValidationError"' not in repr(document["paths"]).replace("'", '"'):
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
