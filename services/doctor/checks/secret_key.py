"""The installation's key: whole, and closed to others."""

from collections.abc import Iterable

from services.accounts.secret_key import SecretKey
from services.doctor.private_files import expect_private
from services.doctor.shapes import Examined, Finding
from services.errors import StorageError
from services.parts import State


async def check(house: Examined) -> Iterable[Finding]:
    """Look at the rights of data/secret.key, and read it where it is there."""
    path = house.settings.data_dir / "secret.key"
    if path.exists():
        try:
            SecretKey(path).ids()
        except StorageError as error:
            return [Finding("secret key", State.DOWN, error.message, error.remedy, required=True)]
    return expect_private("secret key", path, 0o600, "The key")
