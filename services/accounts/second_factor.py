"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost.

The seed lies sealed with the secrets: under "totp-new:<user id>" until a first code has proved that the app has it,
then under "totp:<user id>".
"""

import base64
import re
import secrets
from dataclasses import dataclass, field
from typing import Protocol

import pyotp

from services.accounts.credentials import hash_of
from services.clock import Clock
from services.errors import ConflictError, NotFoundError, RefusedError
from services.storage.people.second_factors import SecondFactorRecord, SecondFactors
from services.storage.people.users import UserRecord

STEP = 30  # seconds
_WINDOW = 1  # steps before and after now: the clocks of telephones are not exact
_RECOVERY_CODES = 10
_ISSUER = "AI Secretary"


class Vault(Protocol):
    """Where seeds are kept, sealed (services.storage.vault.secrets.Secrets)."""

    async def put(self, company_id: str, name: str, value: str) -> None:
        """Store a secret in place of the one of this name."""
        ...

    async def get(self, company_id: str, name: str) -> str | None:
        """Return a secret, None when there is none."""
        ...

    async def remove(self, company_id: str, name: str) -> bool:
        """Delete a secret."""
        ...


@dataclass(frozen=True, slots=True)
class Seed:
    """What an authenticator app is given: the secret in base32, and the same as a URI for a QR code."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


class SecondFactor:
    """Begins, confirms, checks and removes the second factor of a user."""

    def __init__(self, factors: SecondFactors, vault: Vault, clock: Clock) -> None:
        self._factors = factors
        self._vault = vault
        self._clock = clock

    async def state(self, user: UserRecord) -> SecondFactorRecord | None:
        """Return the second factor of a user, None without one."""
        return await self._factors.get(user.company_id, user.id)

    async def begin(self, user: UserRecord) -> Seed:
        """Give a user a seed, which is in force once it is confirmed. Raises ConflictError when one is in force."""
        await self._expect_none(user)
        seed = pyotp.random_base32()
        await self._vault.put(user.company_id, _pending(user), seed)
        return Seed(seed, pyotp.TOTP(seed).provisioning_uri(name=user.username, issuer_name=_ISSUER))

    async def confirm(self, user: UserRecord, code: str) -> list[str]:
        """Put the seed in force with a first code; return ten recovery codes, which are not kept and never told again.

        Raises NotFoundError when nothing was begun, RefusedError for a wrong code, ConflictError.
        """
        await self._expect_none(user)
        seed = await self._vault.get(user.company_id, _pending(user))
        if seed is None:
            raise NotFoundError("No second factor was begun.", "Begin with POST /admin/auth/totp/begin.")
        step = self._step_of(seed, code)
        if step is None:
            raise RefusedError("The code is not right.", "Look at the clock of the telephone, and type the next code.")
        codes = [_recovery_code() for _ in range(_RECOVERY_CODES)]
        await self._vault.put(user.company_id, _name(user), seed)
        if not await self._factors.confirm(user.company_id, user.id, step, [hash_of(_bare(each)) for each in codes]):
            raise _in_force()
        await self._vault.remove(user.company_id, _pending(user))
        return codes

    async def accepts(self, user: UserRecord, code: str) -> bool:
        """Tell whether a code, or a recovery code, is right, and use it up: it is never right again."""
        bare = _bare(code)
        if not re.fullmatch(r"[0-9]{6}", bare):
            return await self._factors.use_recovery(user.company_id, user.id, hash_of(bare))
        seed = await self._vault.get(user.company_id, _name(user))
        step = None if seed is None else self._step_of(seed, bare)
        return step is not None and await self._factors.use_step(user.company_id, user.id, step)

    async def remove(self, user: UserRecord) -> bool:
        """Take the second factor away; False when there is none."""
        removed = await self._factors.remove(user.company_id, user.id)
        for name in (_name(user), _pending(user)):
            await self._vault.remove(user.company_id, name)
        return removed

    async def _expect_none(self, user: UserRecord) -> None:
        if await self.state(user) is not None:
            raise _in_force()

    def _step_of(self, seed: str, code: str) -> int | None:
        """Return the time step whose code this is, the earliest within the window; None when there is none."""
        totp, bare = pyotp.TOTP(seed, interval=STEP), _bare(code)
        now = int(self._clock.now().timestamp()) // STEP
        right = [step for step in range(now - _WINDOW, now + _WINDOW + 1)
                 if secrets.compare_digest(totp.generate_otp(step).encode(), bare.encode())]  # fmt: skip
        return right[0] if right else None


def _in_force() -> ConflictError:
    return ConflictError("A second factor is in force already.", "Remove it first: DELETE /admin/auth/totp.")


def _name(user: UserRecord) -> str:
    return f"totp:{user.id}"


def _pending(user: UserRecord) -> str:
    return f"totp-new:{user.id}"


def _recovery_code() -> str:
    """Return 80 random bits to read and type: abcd-efgh-2345-6723."""
    letters = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def _bare(code: str) -> str:
    return re.sub(r"[\s-]", "", code).casefold()
