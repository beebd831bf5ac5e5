"""`secretary chat`: the same secretary, typed."""

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Literal

import typer

from services.dialogue.shapes import Abilities, AnsweredBy, Conversation, EndCall, ReplyEvent, ReplyText, Utterance
from services.domain import PastTurn, Turn
from services.errors import SecretaryError
from services.installation import Installation, OpenInstallation


def add_command(cli: typer.Typer, open_installation: OpenInstallation) -> None:
    """Add the command."""

    @cli.command()
    def chat(
        language: Annotated[str, typer.Option(help="ru or en; empty: the installation's")] = "",
        persona: Annotated[str, typer.Option(help="persona's slug; empty: the language's own")] = "",
    ) -> None:
        """Talk to the secretary in the terminal, a line a turn (Ctrl-D ends it)."""
        asyncio.run(_chat(open_installation, language, persona))


async def _chat(open_installation: OpenInstallation, language: str, slug: str) -> None:
    async with open_installation(speech=False, language=language) as installation:
        chat = _Chat(installation, await _begin(installation, slug))
        ended = await chat.answer(installation.secretary.greet(chat.conversation))
        async for text in _typed():
            utterance = Utterance(text, chat.conversation.language, "typed")
            if not utterance.understood:
                continue
            await chat.remember("caller", text)
            ended = await chat.answer(installation.secretary.reply(chat.conversation, utterance))
            if ended:
                break
        if not ended:
            sys.stdout.write("\n")


class _Chat:
    """A typed conversation: prints the secretary's side as it is written and stores both."""

    def __init__(self, installation: Installation, conversation: Conversation) -> None:
        self._installation = installation
        self.conversation = conversation

    async def answer(self, events: AsyncGenerator[ReplyEvent, None]) -> bool:
        """Print and store a reply; return True when the secretary said goodbye."""
        ended, by, said = False, AnsweredBy("scripted"), []
        sys.stdout.write(f"{self.conversation.persona.name}: ")
        async for event in events:
            match event:
                case ReplyText(text):
                    said.append(text)
                    sys.stdout.write(text)
                    sys.stdout.flush()
                case AnsweredBy():
                    by = event
                case EndCall():
                    ended = True
                case _:
                    pass
        sys.stdout.write("\n")
        await self.remember("secretary", "".join(said), by)
        return ended

    async def remember(self, role: Literal["caller", "secretary"], text: str, by: AnsweredBy | None = None) -> None:
        """Keep a turn in the database and in the history the secretary sees."""
        conversation, now = self.conversation, self._installation.clock.now()
        conversation.history.append(PastTurn(role, text, now))
        turn = Turn(
            index=0,
            role=role,
            intended=text,
            heard=text,
            language=conversation.language,
            start=0.0,
            end=0.0,
            source=by.source if by else "typed",
            detail=by.detail if by else "",
            score=by.score if by else None,
            persona=conversation.persona.slug if by else "",
            model=by.model if by else "",
        )
        await self._installation.books.conversations.add_turn(conversation.company.id, conversation.id, turn)


async def _begin(installation: Installation, slug: str) -> Conversation:
    company = await installation.books.companies.profile(installation.company_id)
    assert company is not None, "the installation's own company was made when it was opened"
    language = installation.settings.language
    personas = installation.books.personas
    persona = await (personas.get(company.id, slug) if slug else personas.for_language(company.id, language))
    if persona is None:
        known = ", ".join(each.slug for each in await personas.all(company.id))
        raise SecretaryError(f"There is no persona {slug or language!r}.", f"Choose one of: {known}.")
    opened = await installation.books.conversations.open(company.id, "terminal", "", persona.language, persona.slug)
    return Conversation(
        opened.id, company, persona, persona.language, "terminal", abilities=Abilities(ears=True, digits=True)
    )


async def _typed() -> AsyncIterator[str]:
    """Iterate over the lines of standard input. A daemon thread reads them, so that Ctrl-C never waits for a line."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue(100)

    def read() -> None:
        for line in sys.stdin:
            asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
        asyncio.run_coroutine_threadsafe(lines.put(""), loop).result()

    threading.Thread(target=read, daemon=True, name="typed lines").start()
    while True:
        sys.stdout.write("> ")
        sys.stdout.flush()
        line = await lines.get()
        if not line:
            return
        yield line.strip()
