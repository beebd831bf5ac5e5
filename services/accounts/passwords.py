"""Passwords: which are too weak, and how they are kept (argon2id)."""

import asyncio
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.errors import TooManyAttemptsError

SHORTEST = 12
LONGEST = 256
_MEANINGFUL = 8  # characters that must be left without common words and runs
_DIFFERENT = 5
_WAITING = 16

# What guessing begins with. A password is judged by what it holds beside these.
_COMMON = tuple(
    "qwertyuiop asdfghjkl zxcvbnm qwerty qwertz azerty asdfgh 1q2w3e4r5t 1q2w3e4r 1qaz2wsx qazwsx password passwort "
    "passw0rd p@ssw0rd p@ssword parol пароль йцукенгшщз йцукен фывапролд secretary секретарь secret секрет "
    "administrator admin letmein welcome changeme default master dragon monkey sunshine princess football iloveyou "
    "trustno1 superman batman login user root test guest owner".split()
)


def trouble(password: str, username: str = "") -> str:
    """Return why a password is too weak as the end of a sentence ("it is ..."), "" when it will do.

    Length counts most (NIST SP 800-63B, 5.1.1.2): no rule asks for signs or capitals. Common words, the user's own name
    and runs (1234, aaaa, dcba) do not count as length.
    """
    if len(password) < SHORTEST:
        return f"it is shorter than {SHORTEST} characters"
    if len(password) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    rest = password.casefold()
    for word in (username.casefold(), *_COMMON):
        if len(word) >= 3:
            rest = rest.replace(word, "")
    rest = _without_runs(rest)
    if len(rest) < _MEANINGFUL or len(set(rest)) < _DIFFERENT:
        return "it is easy to guess: common words, the user's own name and rows such as 1234 or aaaa count for nothing"
    return ""


def _without_runs(text: str) -> str:
    """Drop each character that goes on with a step of 0, 1 or -1 as the two before it."""
    codes = [ord(character) for character in text]
    return "".join(
        character
        for at, character in enumerate(text)
        if at < 2 or not (codes[at] - codes[at - 1] == codes[at - 1] - codes[at - 2] in (-1, 0, 1))
    )


class Passwords:
    """Hashes and checks passwords with argon2id: 19 MiB, two passes, one lane (OWASP's figures).

    One at a time, in a thread: a flood of sign-ins takes one core at most from the calls that go on.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0
        self._nobodys = ""

    async def hash(self, password: str) -> str:
        """Return what to store of a password."""
        return await self._in_turn(password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether `password` is the one whose hash is `stored`; takes as long when there is none (None).

        Raises TooManyAttemptsError when too many wait to be checked.
        """
        if not self._nobodys:
            self._nobodys = await self.hash("nobody's password")
        result = await self._in_turn(password, stored or self._nobodys)
        return bool(result) and stored is not None

    def outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with other figures than today's."""
        return self._hasher.check_needs_rehash(stored)

    async def _in_turn(self, password: str, stored: str = "") -> str:
        if self._waiting >= _WAITING:
            raise TooManyAttemptsError("Too many people sign in at once.", "Try again in a moment.", retry_after=2.0)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._work, unicodedata.normalize("NFKC", password), stored)
        finally:
            self._waiting -= 1

    def _work(self, password: str, stored: str) -> str:
        """Return the hash of a password, or, where one is stored, that one if it is right and "" if it is not."""
        if not stored:
            return self._hasher.hash(password)
        try:
            self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return ""
        return stored
