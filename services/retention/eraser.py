"""Deleting a call, a contact or a company for good, when somebody asks for it."""

from services.retention.contacts import spelled
from services.retention.sounds import SoundFiles
from services.storage.people.companies import Companies
from services.storage.people.company_removal import CompanyRemoval
from services.storage.privacy.erasure import Erasures
from services.storage.privacy.removal import Removed


class Eraser:
    """Deletes sound files first, then the rows that name them.

    A crash between leaves rows that name no file: they are still listed, and deleting them again ends it. The other way
    round voices would stay on the disk that nobody is shown any more. Raises LineError for what belongs to a call that
    goes on, StorageError when a file or a row cannot be deleted.
    """

    def __init__(self, erasures: Erasures, removal: CompanyRemoval, sounds: SoundFiles, companies: Companies) -> None:
        self._erasures = erasures
        self._removal = removal
        self._companies = companies
        self._sounds = sounds

    async def erase_call(self, company_id: str, call_id: str) -> bool:
        """Delete a call with everything that hangs on it; False when the company has no such call."""
        files = await self._erasures.files_of_call(company_id, call_id)
        if files is None:
            return False
        await self._sounds.delete(files)
        await self._sweep_up(await self._erasures.remove_call(company_id, call_id), files)
        return True

    async def erase_contact(self, company_id: str, number: str) -> Removed:
        """Delete all that is kept of a number, whichever way it is spelled here and there."""
        numbers = await spelled(self._companies, company_id, number)
        files = await self._erasures.files_of_contact(company_id, numbers)
        await self._sounds.delete(files)
        removed = await self._erasures.remove_contact(company_id, numbers)
        await self._sweep_up(removed, files)
        return removed

    async def erase_company(self, company_id: str, *, everything: bool) -> None:
        """Delete a company, see services.storage.people.company_removal. Raises NotFoundError, ConflictError, too."""
        files = await self._removal.files(company_id, everything=everything)
        await self._sounds.delete(files)
        late = set(await self._removal.remove(company_id, everything=everything)) - set(files)
        await self._sounds.delete(late)

    async def _sweep_up(self, removed: Removed, deleted: tuple[str, ...]) -> None:
        """Delete what was named between looking and removing: the sound of a message may come late."""
        if late := set(removed.files) - set(deleted):
            await self._sounds.delete(late)
