"""API keys, legal texts, consents, companies and what is kept of a person, on every database."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from services.dialogue.personas import seed_personas
from services.domain import FaqEntry, Reach
from services.errors import ConflictError, NotFoundError, RefusedError, StaleError, StorageError
from services.knowledge.seed import seed_faq
from services.storage.content.consents import Consents, NewConsent
from services.storage.content.faq import FaqEntries
from services.storage.content.legal import LegalTexts
from services.storage.content.personas import Personas
from services.storage.database import Database
from services.storage.people.api_keys import MOST, KeyBook, StoredKey
from services.storage.people.companies import Companies
from services.storage.people.company_removal import CompanyRemoval
from services.storage.people.founding import Founding
from services.storage.people.users import Users
from services.storage.privacy.erasure import Erasures
from services.storage.privacy.old_rows import OldRows
from services.storage.privacy.person import PersonBook

NUMBER = "+79161234567"
RECORDING = NewConsent("number", NUMBER, "recording", "gsm", evidence="call c1")


async def user(database: Database, name: str = "anna", company: str = "default", role: str = "user") -> str:
    return (await Users(database).add(company, name, "hash", role)).id


async def key(database: Database, owner: str, digest: str = "d1", company: str = "default") -> StoredKey:
    book = KeyBook(database)
    return await book.add(
        company, owner, name="site", prefix="sk-abc", digest=digest, scopes=["calls:read"], expires_at=None
    )


async def test_a_key_is_reached_by_its_company_and_owner(database: Database) -> None:
    book, anna = KeyBook(database), await user(database)
    mine = await key(database, anna)
    holder = await book.by_digest("d1")
    assert holder is not None
    assert (holder.key, holder.username, holder.role, holder.active) == (mine, "anna", "user", True)
    assert await book.by_digest("d2") is None
    for reach in Reach("other"), Reach("default", "somebody"), Reach("other", anna):
        assert await book.list(reach) == ((), None)
        with pytest.raises(NotFoundError):
            await book.get(reach, mine.id)
        with pytest.raises(NotFoundError):
            await book.rename(reach, mine.id, "x")
        with pytest.raises(NotFoundError):
            await book.revoke(reach, mine.id)
    assert (await book.rename(Reach("default"), mine.id, "shop", 1)).version == 2
    with pytest.raises(StaleError):
        await book.rename(Reach("default", anna), mine.id, "late", 1)
    at = datetime(2026, 5, 4, tzinfo=UTC)
    await book.used("other", mine.id, at)
    assert (await book.get(Reach("default"), mine.id)).last_used_at is None
    await book.used("default", mine.id, at)
    await book.revoke(Reach("default"), mine.id)
    revoked = await book.get(Reach("default"), mine.id)
    assert (revoked.last_used_at, revoked.revoked_at is not None, revoked.version) == (at, True, 3)
    await book.revoke(Reach("default"), mine.id)
    assert await book.get(Reach("default"), mine.id) == revoked


async def test_keys_come_in_pages_and_have_a_bound(database: Database) -> None:
    book, anna = KeyBook(database), await user(database)
    for at in range(MOST):
        await key(database, anna, f"d{at}")
    with pytest.raises(ConflictError):
        await key(database, anna, "one more")
    found, cursor = await book.list(Reach("default", anna), 60)
    rest, end = await book.list(Reach("default", anna), 60, cursor)
    assert (len({each.id for each in found + rest}), end) == (MOST, None)
    await book.revoke(Reach("default"), found[0].id)
    await key(database, anna, "one more")


async def test_texts_have_versions_and_the_newest_published_one_counts(database: Database) -> None:
    texts = LegalTexts(database)
    first = await texts.add("default", "privacy", "ru", "Первая")
    second = await texts.add("default", "privacy", "ru", "Вторая")
    other = await texts.add("other", "privacy", "ru", "Чужая")
    assert (first.version, second.version, other.version) == (1, 2, 1)
    assert await texts.current("default", "privacy", "ru") is None
    published = await texts.publish("default", first.id)
    assert await texts.current("default", "privacy", "ru") == published
    assert await texts.publish("default", first.id) == published
    assert await texts.publish("default", second.id) == await texts.current("default", "privacy", "ru")
    assert await texts.languages("default", "privacy") == ("ru",)
    assert await texts.languages("other", "privacy") == ()
    assert len((await texts.list("default", kind="privacy", language="ru"))[0]) == 2
    assert (await texts.list("default", language="en"))[0] == ()
    with pytest.raises(ConflictError):
        await texts.remove("default", first.id)
    for method in texts.get, texts.publish, texts.remove:
        with pytest.raises(NotFoundError):
            await method("default", other.id)
    await texts.remove("other", other.id)
    assert (await texts.list("other"))[0] == ()


async def test_a_consent_names_the_words_and_can_be_taken_back(database: Database) -> None:
    consents, texts = Consents(database), LegalTexts(database)
    theirs = await texts.add("other", "recording_notice", "ru", "Чужие")
    with pytest.raises(RefusedError):
        await consents.record("default", NewConsent("number", NUMBER, "recording", "gsm", text_id=theirs.id))
    mine = await texts.add("default", "recording_notice", "ru", "Мы записываем")
    given = datetime(2026, 1, 2, tzinfo=UTC)
    consent = await consents.record(
        "default", NewConsent("number", NUMBER, "recording", "gsm", mine.id, "call c1", given)
    )
    assert (consent.given_at, consent.text_id) == (given, mine.id)
    with pytest.raises(ConflictError):
        await texts.remove("default", mine.id)
    assert await consents.holds("default", ["8916", NUMBER], "recording")
    assert not await consents.holds("default", [NUMBER], "voice_cloning")
    assert not await consents.holds("other", [NUMBER], "recording")
    assert (await consents.list("default", contacts=[NUMBER], kind="recording"))[0] == (consent,)
    assert (await consents.list("other"))[0] == ()
    with pytest.raises(NotFoundError):
        await consents.withdraw("other", consent.id)
    taken_back = await consents.withdraw("default", consent.id)
    assert taken_back.withdrawn_at is not None
    assert await consents.withdraw("default", consent.id) == taken_back
    assert not await consents.holds("default", [NUMBER], "recording")
    assert await consents.get("default", consent.id) == taken_back


async def test_a_company_is_made_whole_or_not_at_all(database: Database) -> None:
    values = {"name": "Half", "language": "en", "time_zone": "UTC", "plan": "standard", "facts": {}, "settings": {}}
    broken = FaqEntry("", "Open?", None, "en")  # type: ignore[arg-type]  # no answer: the database refuses it
    with pytest.raises(StorageError):
        await Founding(database).found(values, seed_personas(), [broken])
    assert "Half" not in [each.name for each in (await Companies(database).list())[0]]
    made = await Founding(database).found(values, seed_personas(), seed_faq("en"))
    assert {each.slug for each in await Personas(database).all(made.id)} == {each.slug for each in seed_personas()}
    assert len(await FaqEntries(database).entries(made.id)) == len(seed_faq("en"))


async def test_a_company_is_edited_by_version_and_keeps_what_is_not_named(database: Database) -> None:
    companies = Companies(database)
    values = {"name": "Dentist", "language": "en", "time_zone": "Europe/London", "plan": "standard"}
    made = await Founding(database).found({**values, "facts": {"en": {"a": "b"}}, "settings": {"limits": {"x": 1}}})
    edited = await companies.edit(made.id, {"name": "Clinic", "settings": {"address": "here"}}, 1)
    assert (edited.name, edited.settings, edited.version) == (
        "Clinic",
        {"limits": {"x": 1}, "address": "here"},
        2,
    )
    with pytest.raises(StaleError):
        await companies.edit(made.id, {"name": "Late"}, 1)
    assert (await companies.edit(made.id, {"name": "Clinic"}, 2)).version == 2, "nothing was changed"
    assert (await companies.set_active(made.id, False)).active is False
    with pytest.raises(ConflictError):
        await companies.set_active("default", False)
    with pytest.raises(NotFoundError):
        await companies.get("nobody")


async def test_a_company_goes_with_its_rows_only(database: Database) -> None:
    removal = CompanyRemoval(database)
    peter = await user(database, "peter", "other", "admin")
    await key(database, peter, "d1", "other")
    await key(database, peter, "d2", "default")  # he was an owner once
    await Consents(database).record("other", RECORDING)
    await Consents(database).record("default", RECORDING)
    with pytest.raises(ConflictError):
        await removal.remove("other", everything=False)
    assert await removal.files("other", everything=True) == ()
    await removal.remove("other", everything=True)
    assert await Companies(database).profile("other") is None
    assert await Users(database).by_name("peter") is None
    assert len((await Consents(database).list("default"))[0]) == 1
    for company in "other", "default":
        with pytest.raises((NotFoundError, ConflictError)):
            await removal.remove(company, everything=True)


async def test_a_person_is_read_and_erased(database: Database) -> None:
    people, anna = PersonBook(database), await user(database)
    await key(database, anna)
    await Consents(database).record("default", RECORDING)
    await Consents(database).record("other", RECORDING)
    found = await people.of_contact("default", [NUMBER])
    assert [len(found.rows[name]) for name in ("consents", "calls", "outbox")] == [1, 0, 0]
    assert not await people.of_contact("default", ["+7"])
    mine = (await people.of_user("default", anna)).rows
    assert [each["prefix"] for each in mine["api_keys"]] == ["sk-abc"]
    assert "hash" not in mine["api_keys"][0]
    removed = await Erasures(database).remove_contact("default", [NUMBER, "8916"])
    assert (removed.consents, removed.calls) == (1, 0)
    assert len((await Consents(database).list("other"))[0]) == 1
    await people.erase_user("default", anna)
    assert await KeyBook(database).list(Reach("default")) == ((), None)
    with pytest.raises(NotFoundError):
        await people.erase_user("other", anna)


async def test_what_is_over_is_swept_out_in_batches(database: Database) -> None:
    anna, old = await user(database), OldRows(database)
    now = datetime.now(UTC)
    row = """INSERT INTO {table} (id, company_id, {more}) VALUES (:id, 'default', {values})"""
    chats = row.format(
        table="chats",
        more="owner_id, title, system_prompt, persona, state, state_before, version, created_at, last_at",
        values=":owner, '', '', '', '{}', '{}', 1, :at, :at",
    )
    async with database.write() as session:
        for at in range(5):
            moment = now - timedelta(days=at)
            shown = moment.replace(tzinfo=None) if "sqlite" in str(session.bind.dialect.name) else moment  # type: ignore[union-attr]
            await session.execute(text(chats), {"id": f"h{at}", "owner": anna, "at": shown})
    before = now - timedelta(days=1, hours=1)
    assert [await old.chats(before, 2), await old.chats(before, 2), await old.chats(before, 2)] == [2, 1, 0]
    assert (await old.sessions(now, 10), await old.invitations(now, 10)) == (0, 0)
