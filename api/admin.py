"""The routes of /admin that belong to no channel."""

from fastapi import FastAPI

from api.auth import auth_router
from api.call_actions import call_actions_router
from api.call_feed import call_feed_router
from api.call_recording import call_recording_router
from api.calls import calls_router
from api.contacts import contacts_router
from services.accounts.accounts import Accounts
from services.events import EventBus
from services.retention.eraser import Eraser
from services.retention.sounds import SoundFiles
from services.storage.calls import CallStore
from services.storage.personas import Personas
from services.voice.directory import LineDirectory
from services.web.access import set_accounts


def add_admin(
    app: FastAPI,
    *,
    accounts: Accounts,
    calls: CallStore,
    personas: Personas,
    directory: LineDirectory,
    eraser: Eraser,
    sounds: SoundFiles,
    bus: EventBus,
) -> None:
    """Add them; every one but the sign-in itself is for who is signed in."""
    set_accounts(app, accounts)
    app.include_router(auth_router(accounts))
    app.include_router(call_feed_router(bus))
    app.include_router(calls_router(calls, personas, directory, eraser))
    app.include_router(call_actions_router(calls, directory))
    app.include_router(call_recording_router(calls, sounds))
    app.include_router(contacts_router(eraser))
