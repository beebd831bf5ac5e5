"""The routes of /admin that belong to no channel and need no speech."""

from fastapi import FastAPI

from api.auth import auth_router
from api.call_actions import call_actions_router
from api.call_feed import call_feed_router
from api.call_recording import call_recording_router
from api.calls import calls_router
from api.contacts import contacts_router
from services.platform import Platform
from services.voice.directory import LineDirectory
from services.web.access import set_accounts


def add_admin(app: FastAPI, platform: Platform, directory: LineDirectory) -> None:
    """Add them; every one but the sign-in itself is for who is signed in."""
    books = platform.books
    set_accounts(app, platform.accounts)
    for router in (
        auth_router(platform.accounts),
        call_feed_router(platform.bus),
        calls_router(books.calls, books.personas, directory, platform.eraser),
        call_actions_router(books.calls, directory),
        call_recording_router(books.calls, platform.sound_files),
        contacts_router(platform.eraser),
    ):
        app.include_router(router)
