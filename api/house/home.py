"""The front page: what this is, how it is, where to go."""

from html import escape
from importlib.resources import files
from string import Template

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse

from api.house.status import overall, told_to
from api.page_language import preferred
from services.installation import Installation
from services.parts import Part

_WORDS = {
    "en": {"ready": "ready", "degraded": "degraded", "down": "down"},
    "ru": {"ready": "готово", "degraded": "с ограничениями", "down": "не работает"},
}


def home_router(installation: Installation, version: str) -> APIRouter:
    """Make the route / and its style sheet."""
    router = APIRouter(include_in_schema=False)
    pages = files("api.pages")
    templates = {language: Template((pages / f"home.{language}.html").read_text("utf-8")) for language in _WORDS}
    style = (pages / "home.css").read_text("utf-8")

    @router.get("/", response_class=HTMLResponse)
    async def home(request: Request) -> HTMLResponse:
        language = preferred(request.headers.get("accept-language", ""), installation.settings.language)
        parts = told_to(request, installation.parts())
        state = overall(parts)
        return HTMLResponse(
            templates[language].substitute(
                state=state.value,
                state_word=_WORDS[language][state.value],
                parts="\n".join(_row(part, language) for part in parts),
                version=escape(version),
            )
        )

    @router.get("/home.css")
    async def css() -> PlainTextResponse:
        return PlainTextResponse(style, media_type="text/css")

    return router


def _row(part: Part, language: str) -> str:
    word = _WORDS[language][part.state.value]
    detail = f"<p>{escape(part.detail)}</p>" if part.detail else ""
    remedy = f"<p class=remedy>{escape(part.remedy)}</p>" if part.remedy else ""
    return (
        f'<li><span class="dot {part.state.value}" title="{word}"></span>'
        f"<div><b>{escape(part.name)}</b> <span class=word>{word}</span>"
        f"{detail}{remedy}</div></li>"
    )
