"""The front door: composes the settings, builds the services, mounts the channels, and is the command line.

Nothing imports this file. To follow a phone call read, in this order: telephony/gsm.py, telephony/line.py,
services/voice/reception.py, services/voice/conversation.py, services/dialogue/secretary.py,
services/voice/speaking/speech.py, services/tts/manager.py.
"""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from fastapi import FastAPI

import api.commands
import telephony.commands
from api.calls.gsm import gsm_router
from api.public import expect_rules
from api.server import build_app, open_socket, product_version, serve_app
from services import logs
from services.clock import LoopClock
from services.dialogue.company import seed_company
from services.dialogue.personas import seed_personas
from services.dialogue.secretary import Secretary
from services.engines import EngineContext
from services.errors import SecretaryError
from services.events import EventBus
from services.installation import Installation
from services.knowledge.faq import FaqMatcher
from services.knowledge.seed import seed_faq
from services.llm.manager import Mind
from services.llm.settings import LlmSettings
from services.platform import PlatformSettings, open_platform
from services.settings import LANGUAGES, as_env_file, load
from services.storage.books import Books
from services.stt.manager import Ears
from services.stt.settings import SttSettings
from services.telemetry.settings import TelemetrySettings
from services.telemetry.telemetry import Telemetry
from services.text.spoken import warm_up
from services.tts.manager import Mouth
from services.tts.settings import TtsSettings
from services.voice.desk import Desk
from services.voice.directory import LineDirectory
from services.voice.endpointing.policy import TurnPolicy
from services.voice.endpointing.turn_model import open_turn_model
from services.voice.hearing.vad import SileroModel, VadFactory, no_detector
from services.voice.reception import Reception
from services.voice.settings import VoiceSettings
from services.web.documenting import document_common_answers
from telephony.channel import examine, telephony_channel
from telephony.line_views import LineViews
from telephony.modem_lease import LEASE_PREFIX
from telephony.router import lines_router
from telephony.settings import TelephonySettings
from telephony.sip.channel import examine as examine_sip
from telephony.sip.channel import sip_channel
from telephony.sip.settings import SipSettings


class Settings(PlatformSettings):
    """All settings: the platform's and one section a room."""

    stt: SttSettings = SttSettings()
    tts: TtsSettings = TtsSettings()
    llm: LlmSettings = LlmSettings()
    voice: VoiceSettings = VoiceSettings()
    telephony: TelephonySettings = TelephonySettings()
    sip: SipSettings = SipSettings()
    telemetry: TelemetrySettings = TelemetrySettings()


@asynccontextmanager
async def open_installation(
    *, speech: bool = True, channels: bool = False, **overrides: Any
) -> AsyncIterator[Installation]:
    """Build every service, and close them all at the end in the opposite order (see OpenInstallation)."""
    settings = load(Settings, **overrides)
    async with AsyncExitStack() as stack:
        _tell_if_elsewhere(settings)
        platform = await stack.enter_async_context(open_platform(settings, LoopClock(), EventBus()))
        books, clock, bus, errands = platform.books, platform.clock, platform.bus, platform.errands
        telemetry = Telemetry(settings.telemetry, bus, clock)
        stack.push_async_callback(telemetry.close)
        await telemetry.start(product_version())
        company_id = await _seed(settings, books)
        await platform.accounts.ensure_owner(company_id, settings.owner)

        context = EngineContext(settings.models_dir, settings.data_dir)
        elsewhere = platform.shared.cache if settings.redis_url else None
        ears, mouth = Ears(context, settings.stt), Mouth(context, settings.tts, shared=elsewhere)
        mind, faq = Mind(context, settings.llm), FaqMatcher(books.faq)
        for part in (ears, mouth, mind):
            stack.push_async_callback(part.close)
        vad = await _wake(settings, ears, mouth, mind) if speech else no_detector
        turn_model, turn_part = await open_turn_model(settings.models_dir, wanted=speech and settings.voice.turn_model)
        if turn_model is not None:
            stack.push_async_callback(turn_model.close)
        directory = LineDirectory()
        secretary = Secretary(faq, mind.model, books.conversations, books.messages, clock, errands)
        desk = Desk(
            companies=books.companies,
            personas=books.personas,
            conversations=books.conversations,
            calls=books.calls,
            sounds=books.messages,
            secretary=secretary,
            ears=ears,
            mouth=mouth,
            vad=vad,
            policy=TurnPolicy(settings.voice),
            turn_model=turn_model,
            hints=faq,
            bus=bus,
            clock=clock,
            settings=settings.voice,
            data_dir=settings.data_dir,
            languages=LANGUAGES,
            errands=errands,
            directory=directory,
        )
        installation = Installation(
            platform=platform,
            settings=settings,
            faq=faq,
            ears=ears,
            mouth=mouth,
            mind=mind,
            secretary=secretary,
            reception=Reception(desk),
            telemetry=telemetry,
            directory=directory,
            company_id=company_id,
            watched=[ears.parts, mouth.parts, mind.parts, telemetry.parts],
        )
        if speech:
            installation.watched.append(lambda: [turn_part])
        if channels:
            found = [await examine(settings.telephony), *([examine_sip(settings.sip)] if settings.sip.enabled else [])]
            installation.watched.append(lambda: found)
        if speech:
            # What was loaded stays: without it a full garbage collection takes 2 ms of a call's time instead of 65.
            gc.collect()
            gc.freeze()
            stack.callback(gc.unfreeze)
        yield installation


def _tell_if_elsewhere(settings: Settings) -> None:
    """Warn who makes a second installation by running a command in another folder: DATA_DIR is relative to it."""
    home = Path(api.commands.__file__).absolute().parents[2]  # this file itself is copied into the environment
    name = "secretary.db"
    if settings.database_url or (settings.data_dir / name).exists() or not (home / "data" / name).exists():
        return
    if settings.data_dir == Path("data"):
        sys.stderr.write(
            f"A new installation begins in {Path.cwd() / 'data'}. The one in {home} is used when the command is run "
            "there, or with SECRETARY_DATA_DIR.\n"
        )


async def _wake(settings: Settings, ears: Ears, mouth: Mouth, mind: Mind) -> VadFactory:
    """Load everything that takes time at once; what cannot be loaded is a degraded part, except voice detection."""
    others = [language for language in LANGUAGES if language != settings.language]

    async def listen_and_speak() -> None:
        await ears.start([settings.language], others)
        await mouth.start([settings.language, *filter(ears.serves, others)])

    vad, *_ = await asyncio.gather(
        asyncio.to_thread(SileroModel),
        asyncio.to_thread(warm_up, settings.language),
        listen_and_speak(),
        mind.start(),
    )
    return vad.detector


async def _seed(settings: Settings, books: Books) -> str:
    """Give a new installation its company, personas and FAQ; what the owner has changed stays."""
    name, facts = seed_company(settings.language)
    company = await books.companies.ensure_default(name, settings.language, settings.time_zone, facts)
    await books.personas.seed(company.id, seed_personas())
    await books.faq.seed(company.id, [entry for language in LANGUAGES for entry in seed_faq(language)])
    return company.id


@asynccontextmanager
async def open_house(**overrides: Any) -> AsyncIterator[tuple[Installation, FastAPI]]:
    """Build the installation as a server: channels mounted, calls of a crash closed."""
    async with open_installation(**overrides) as installation, AsyncExitStack() as stack:
        settings = installation.settings
        assert isinstance(settings, Settings)
        app = build_app(installation)
        pool, sip = None, None
        # Before a line takes calls: the first of them must not be taken for one that a crash left open.
        known = await installation.books.lines.list(installation.company_id)
        if await installation.books.leases.held_elsewhere(LEASE_PREFIX):  # a line's are closed when its modem is ours
            await installation.books.calls.close_abandoned_calls()
        else:
            await installation.books.calls.close_open_calls("gsm", *(line.name for line in known))
        if settings.telephony.enabled:
            pool = await stack.enter_async_context(telephony_channel(installation, settings.telephony))
        if settings.sip.enabled:
            sip = await stack.enter_async_context(sip_channel(installation, settings.sip))
        lines = LineViews(pool, sip)
        app.state.monitor.lines = lines.lines_status
        books = installation.books
        app.include_router(gsm_router(lines, books.tallies, books.companies, installation.clock))
        app.include_router(lines_router(books.lines, books.personas, books.texts, lines.sender))
        expect_rules(app)
        document_common_answers(app)
        await stack.enter_async_context(installation.platform.running())
        yield installation, app


cli = typer.Typer(
    name="secretary",
    help="AI Secretary: answers the phone in your company's voice.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on")] = None,
) -> None:
    """Answer calls and serve the front page until Ctrl-C."""
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    asyncio.run(_serve(**given))


async def _serve(**overrides: Any) -> None:
    settings = load(Settings, **overrides)
    logs.set_up(settings.log_format)
    with open_socket(settings.host, settings.port) as socket:
        async with open_house(**overrides) as (installation, app):
            link = await installation.accounts.links.set_up_link(installation.company_id)
            announce = partial(api.commands.print_state, installation, set_up=link.path if link else "")
            await serve_app(app, socket, announce)


@cli.command("settings")
def list_settings() -> None:
    """Print every setting with its default, as a .env file."""
    typer.echo(as_env_file(Settings), nl=False)


api.commands.add_commands(cli, open_installation)
telephony.commands.add_commands(cli, open_installation)


def main() -> None:
    """Run the command line; every known trouble is one sentence on stderr and a non-zero exit."""
    try:
        logs.set_up("console", logging.WARNING)
        cli()
    except SecretaryError as error:
        sys.stderr.write(f"secretary: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
