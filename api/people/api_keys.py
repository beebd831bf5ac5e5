"""API keys: made, listed, renamed, revoked."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.calls.shapes import PRINTED
from api.moments import Moment
from services.accounts.api_keys import ApiKeys, all_scopes, reachable
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.storage.people.api_keys import KeyBook, StoredKey
from services.web.access import require
from services.web.edits import edit_route
from services.web.etags import ExpectedVersion, give_etag
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

_RESOURCE = "api-keys"

KeyId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]
KeyName = Annotated[
    str, Field(min_length=1, max_length=100, pattern=rf"^{PRINTED}*[^\s\x00-\x1f\x7f]{PRINTED}*$", examples=["website"])
]
Scope = Annotated[str, Field(max_length=64, pattern=r"^[a-z-]+(:[a-z]+)?$", examples=["calls:read"])]


class NewKey(BaseModel):
    """A key to make. A scope is a resource ("calls"), or one with an action ("calls:read")."""

    model_config = ConfigDict(extra="forbid")

    name: KeyName
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=200, examples=[["assistant", "calls:read"]])]
    expires_at: Moment | None = None


class Renamed(BaseModel):
    """What can be changed of a key."""

    model_config = ConfigDict(extra="forbid")

    name: KeyName


class KeyShown(BaseModel):
    """A key without the key itself: `prefix` is its beginning. One that was revoked or is over lets nobody in."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    owner_id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    version: int


class KeyMade(KeyShown):
    """A new key; `key` is shown this once."""

    key: Annotated[str, Field(examples=["sk-" + "a1B2" * 10 + "c3D"])]


class Scopes(BaseModel):
    """The scopes that who asks may give to a key."""

    scopes: list[str]


def api_keys_router(keys: ApiKeys, book: KeyBook) -> APIRouter:
    """Make the routes /admin/api-keys and /admin/api-keys/{id}."""
    router = APIRouter(prefix="/admin/api-keys", tags=["api-keys"], responses=problem_responses(401, 403, 422, 503))

    @router.post("", status_code=201, summary="Make a key", responses=problem_responses(409))
    async def made(
        who: Annotated[SignedIn, require(_RESOURCE, Action.EDIT)], response: Response, wanted: NewKey
    ) -> KeyMade:
        """Make a key of your own; no scope may reach further than your rights. Keep the key: nobody sees it again."""
        stored, key = await keys.make(who, wanted.name, wanted.scopes, wanted.expires_at)
        response.headers["Location"] = f"/admin/api-keys/{stored.id}"
        response.headers["Cache-Control"] = "no-store"
        give_etag(response, stored.version)
        return KeyMade(**asdict(stored), key=key)

    @router.get("", summary="List the keys")
    async def listed(who: Annotated[SignedIn, require(_RESOURCE, Action.READ)], page: AskedPage) -> Page[KeyShown]:
        """List keys, newest first: the own ones, to an administrator the company's."""
        found, cursor = await book.list(who.reach(_RESOURCE), page.limit, page.cursor)
        return Page(items=[_shown(each) for each in found], next_cursor=cursor)

    @router.get("/scopes", summary="List the scopes")
    async def scopes(who: Annotated[SignedIn, require(_RESOURCE, Action.READ)]) -> Scopes:
        """List the scopes that you may give to a key."""
        return Scopes(scopes=sorted(scope for scope in all_scopes() if reachable(who, scope)))

    @router.get("/{key_id}", summary="Show a key", responses=problem_responses(404))
    async def shown(
        who: Annotated[SignedIn, require(_RESOURCE, Action.READ)], response: Response, key_id: KeyId
    ) -> KeyShown:
        """Return what is known of a key."""
        return _told(response, await book.get(who.reach(_RESOURCE), key_id))

    @edit_route(router, "/{key_id}", summary="Rename a key", responses=problem_responses(404, 412))
    async def renamed(
        who: Annotated[SignedIn, require(_RESOURCE, Action.EDIT)],
        response: Response,
        key_id: KeyId,
        expected: ExpectedVersion,
        change: Renamed,
    ) -> KeyShown:
        """Give a key another name; what it may do stays as it was made."""
        return _told(response, await book.rename(who.reach(_RESOURCE), key_id, change.name, expected))

    @router.delete("/{key_id}", status_code=204, summary="Revoke a key", responses=problem_responses(404))
    async def revoked(who: Annotated[SignedIn, require(_RESOURCE, Action.DELETE)], key_id: KeyId) -> None:
        """End a key for good, at once. It stays in the list, revoked."""
        await keys.revoke(who.reach(_RESOURCE), key_id)

    return router


def _told(response: Response, key: StoredKey) -> KeyShown:
    give_etag(response, key.version)
    return _shown(key)


def _shown(key: StoredKey) -> KeyShown:
    return KeyShown.model_validate(key)
