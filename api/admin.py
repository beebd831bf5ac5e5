"""The routes of /admin that belong to no channel and need no speech."""

from fastapi import APIRouter, FastAPI

from api.calls.actions import call_actions_router
from api.calls.calls import calls_router
from api.calls.contacts import contacts_router
from api.calls.feed import call_feed_router
from api.calls.messages import messages_router
from api.calls.recording import call_recording_router
from api.content.consents import consents_router
from api.content.legal import legal_router, public_legal_router
from api.content.personas import personas_router
from api.content.presets import presets_routers
from api.house.audit import audit_router
from api.house.backups import backups_router
from api.house.outbox import outbox_router
from api.house.usage import usage_router
from api.people.api_keys import api_keys_router
from api.people.auth import auth_router
from api.people.auth_profile import profile_router
from api.people.auth_totp import totp_router
from api.people.companies import companies_router
from api.people.invitations import invitations_router
from api.people.person_data import person_data_router
from api.people.set_up import set_up_router
from api.people.user_actions import user_actions_router
from api.people.users import users_router
from api.webhooks.handling import ArrivalHandler, known_services
from api.webhooks.incoming import incoming_router
from api.webhooks.outgoing import webhook_actions_router, webhooks_router
from api.webhooks.shapes import Desk
from services.accounts.own_account import OwnAccount
from services.platform import Platform
from services.storage.delivery.arrivals import ARRIVAL
from services.voice.directory import LineDirectory
from services.web.access import set_accounts
from services.web.idempotency import set_idempotency
from services.web.limit_headers import add_limits


def add_admin(app: FastAPI, platform: Platform, directory: LineDirectory) -> None:
    """Add them; every one but the sign-in itself is for who is signed in."""
    books = platform.books
    set_accounts(app, platform.accounts)
    set_idempotency(app, books.idempotency)
    own = OwnAccount(platform.accounts, books.users, books.sessions)
    add_limits(app, platform.limits, platform.shared.windows)
    for router in (
        auth_router(platform.accounts, own),
        profile_router(platform.accounts, own),
        totp_router(own),
        users_router(platform.accounts),
        user_actions_router(platform.accounts),
        invitations_router(platform.accounts, books.invitations),
        set_up_router(platform.accounts, platform.settings.language),
        call_feed_router(platform.bus),
        calls_router(books.calls, books.personas, directory, platform.eraser, books.audit),
        call_actions_router(books.calls, directory, books.audit),
        call_recording_router(books.calls, platform.sound_files, books.audit),
        messages_router(books.messages, platform.sound_files),
        personas_router(books.personas),
        *presets_routers(books.presets),
        audit_router(books.audit),
        contacts_router(platform.eraser, platform.exporter, books.audit),
        person_data_router(platform.exporter, books.people, books.audit),
        legal_router(books.legal),
        public_legal_router(books.legal),
        consents_router(books.consents, books.companies),
        companies_router(books, platform.eraser, platform.company_changed),
        backups_router(platform.backups, books.audit),
        api_keys_router(platform.api_keys, books.api_keys),
        usage_router(books.usage, platform.usage, platform.limits),
        outbox_router(books.outbox),
        *_webhook_routers(platform),
    ):
        app.include_router(router)


def _webhook_routers(platform: Platform) -> list[APIRouter]:
    books, deliveries, known = platform.books, platform.deliveries, known_services()
    desk = Desk(books.companies, books.messages)
    deliveries.register(ARRIVAL, ArrivalHandler(books.arrivals, deliveries.webhooks, desk, known))
    return [
        webhooks_router(deliveries.webhooks, deliveries.rules, frozenset(known)),
        webhook_actions_router(deliveries.webhooks, books.outbox, books.arrivals),
        incoming_router(deliveries.webhooks, books.arrivals, platform.clock, platform.shared.windows, known),
    ]
