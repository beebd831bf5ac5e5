"""What the books said last of companies and personas: enough to answer the phone while they cannot be read."""

from services.domain import CompanyProfile, Persona
from services.voice.ports import CompanyBook, PersonaBook


class Remembered:
    """A CompanyBook and a PersonaBook out of memory; it never waits and never fails."""

    def __init__(self) -> None:
        self._profiles: dict[str, CompanyProfile | None] = {}
        self._personas: dict[tuple[str, str, str], Persona | None] = {}

    async def profile(self, company_id: str) -> CompanyProfile | None:
        """Return the company's profile as it was read last."""
        return self._profiles.get(company_id)

    async def get(self, company_id: str, slug: str) -> Persona | None:
        """Return the persona of this slug as it was read last."""
        return self._personas.get((company_id, "slug", slug))

    async def for_language(self, company_id: str, language: str) -> Persona | None:
        """Return the persona that answered in `language` last."""
        return self._personas.get((company_id, "language", language))

    def note_profile(self, company_id: str, profile: CompanyProfile | None) -> None:
        """Keep what was read."""
        self._profiles[company_id] = profile

    def note_persona(self, company_id: str, kind: str, name: str, persona: Persona | None) -> None:
        """Keep what was read: `kind` is "slug" or "language"."""
        self._personas[company_id, kind, name] = persona


class NotedBooks:
    """The real books, with everything they say kept in `remembered`. Raises what they raise."""

    def __init__(self, companies: CompanyBook, personas: PersonaBook, remembered: Remembered) -> None:
        self._companies = companies
        self._personas = personas
        self._remembered = remembered

    async def profile(self, company_id: str) -> CompanyProfile | None:
        """Return the company's profile."""
        profile = await self._companies.profile(company_id)
        self._remembered.note_profile(company_id, profile)
        return profile

    async def get(self, company_id: str, slug: str) -> Persona | None:
        """Return a persona by its slug."""
        persona = await self._personas.get(company_id, slug)
        self._remembered.note_persona(company_id, "slug", slug, persona)
        return persona

    async def for_language(self, company_id: str, language: str) -> Persona | None:
        """Return the persona that answers in `language`."""
        persona = await self._personas.for_language(company_id, language)
        self._remembered.note_persona(company_id, "language", language, persona)
        return persona
