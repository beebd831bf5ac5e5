"""Requests for every route that the application has, made from its own route table and OpenAPI document.

Who adds a route need not come here, unless it stands on what no `POST` of the API makes; the tests say so then.
"""

import asyncio
import json
import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlencode

from fastapi import FastAPI

from services.web.access import RuledRoute, routes_of

SECONDS = 20.0
STREAM_SECONDS = 0.3
"""How long a feed that never ends is listened to, once it has begun."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: of a feed, its beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class _Exchange:
    """One request, as a server hands it to an application."""

    def __init__(self, content: bytes) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.begun, self.gone = asyncio.Event(), asyncio.Event()
        self._content: bytes | None = content

    async def receive(self) -> dict[str, Any]:
        if self._content is None:
            await self.gone.wait()
            return {"type": "http.disconnect"}
        content, self._content = self._content, None
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            told = message["headers"]
            self.headers = {name.decode().lower(): value.decode("latin-1") for name, value in told}
            self.begun.set()
        elif message["type"] == "http.response.body":
            self.parts.append(message.get("body", b""))

    @property
    def lasts(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    async def run(self, app: FastAPI, scope: MutableMapping[str, Any]) -> None:
        task = asyncio.create_task(app(scope, self.receive, self.send))
        waiting = asyncio.create_task(self.begun.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.lasts:
            await asyncio.wait({task}, timeout=STREAM_SECONDS)
            self.gone.set()
            task.cancel()
        await asyncio.gather(task, return_exceptions=bool(self.status))


async def ask(
    app: FastAPI, method: str, path: str, headers: Mapping[str, str] | None = None, body: Any = None, query: str = ""
) -> Answer:
    """Ask the application as a server does, and hang up when the answer is a feed; `body` is JSON, or bytes.

    Raises TimeoutError.
    """
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    given = {"host": "house", "content-length": str(len(content)), "content-type": "application/json"}
    exchange = _Exchange(content)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in (given | dict(headers or {})).items()],
        "client": ("192.0.2.7", 4711),
        "server": ("house", 80),
        "state": {},
    }
    async with asyncio.timeout(SECONDS):
        await exchange.run(app, scope)
    return Answer(exchange.status, exchange.headers, b"".join(exchange.parts))


class Api:
    """The routes of an application, and bodies that they accept."""

    def __init__(self, app: FastAPI, bodies: Mapping[str, Mapping[str, Any]]) -> None:
        """`bodies` are given by "METHOD /path" where the least that the document asks for is not accepted."""
        self._document = app.openapi()
        self._bodies = bodies
        self.routes = [route for route in routes_of(app) if route.methods]

    def ruled(self) -> list[tuple[str, RuledRoute]]:
        """Return every (method, route) with a rule."""
        return [
            (method, route)
            for route in self.routes
            for method in route.methods
            if route.rule is not None and method != "HEAD"
        ]

    def body(self, method: str, path: str) -> Any:
        """Return the least body that the route accepts, None when it takes none (or no JSON)."""
        if f"{method} {path}" in self._bodies:
            return self._bodies[f"{method} {path}"]
        content = self._operation(method, path).get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        return None if schema is None else self._least(schema)

    def query(self, method: str, path: str) -> str:
        """Return the least query that the route accepts."""
        parameters = self._operation(method, path).get("parameters", [])
        needed = [each for each in parameters if each["in"] == "query" and each.get("required")]
        return urlencode({each["name"]: self._least(each["schema"]) for each in needed})

    def maker(self, path: str) -> str:
        """Return the collection that a path's first parameter is of, "" when the API makes none there."""
        collection = re.split(r"/\{", path, maxsplit=1)[0]
        made = self._operation("POST", collection).get("responses", {})
        return collection if "201" in made else ""

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self._document["paths"].get(path, {}).get(method.lower(), {})
        return found

    def _least(self, schema: Mapping[str, Any]) -> Any:
        if "$ref" in schema:
            return self._least(self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        for name in ("examples", "enum"):
            if schema.get(name):
                return schema[name][0]
        for name in ("const", "default"):
            if name in schema:
                return schema[name]
        for name in ("anyOf", "oneOf", "allOf"):
            if name in schema:
                choices = [each for each in schema[name] if each.get("type") != "null"]
                return self._least(choices[0])
        return self._by_type(schema)

    def _by_type(self, schema: Mapping[str, Any]) -> Any:
        match schema.get("type"):
            case "object":
                properties = schema.get("properties", {})
                return {name: self._least(properties[name]) for name in schema.get("required", ())}
            case "array":
                return [self._least(schema["items"])] * int(schema.get("minItems", 0))
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return False
            case _:
                return "words"[: schema.get("maxLength", 5)].ljust(schema.get("minLength", 0), "s")


def fill(path: str, values: Sequence[str]) -> str:
    """Put values in place of a path's parameters, in their order."""
    left = iter(values)
    return re.sub(r"\{[^}]*\}", lambda _: quote(next(left), safe=""), path)
