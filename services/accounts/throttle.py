"""How often a sign-in may fail before whoever tries has to wait."""

import ipaddress
from hashlib import blake2b

from services.errors import TooManyAttemptsError
from services.shared.window_shapes import Ask
from services.shared.windows import Windows

WINDOW = 900.0  # seconds


class SignInThrottle:
    """Failures within a quarter of an hour: 5 of a user from one address, 20 from an address, 100 of a user.

    The last is wide, so that a stranger cannot easily keep the owner out by failing in his name. An attempt counts from
    its beginning, or many at once would pass together; one that succeeds is taken back. All processes count together.
    """

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    async def begin(self, username: str, address: str) -> None:
        """Count an attempt. Raises TooManyAttemptsError when there were too many."""
        pair, place, name = _keys(username, address)
        asks = [Ask(pair, 5, WINDOW), Ask(place, 20, WINDOW), Ask(name, 100, WINDOW)]
        refused = [each.reset_after for each in await self._windows.hit_all(asks) if not each.allowed]
        if refused:
            wait = max(refused)
            raise TooManyAttemptsError(
                "Too many sign-ins have failed.", f"Try again in {_in_words(wait)}.", retry_after=wait
            )

    async def succeeded(self, username: str, address: str) -> None:
        """Take the attempt back, and forget the failures before it."""
        pair, place, name = _keys(username, address)
        await self._windows.take_back([place, name])
        await self._windows.forget(pair)

    async def take_back(self, username: str, address: str) -> None:
        """The attempt was none: it could not be decided."""
        await self._windows.take_back(_keys(username, address))


def name_key(username: str) -> str:
    """Return what stands for a name in a key: a hash, as the name may be a password, mistyped."""
    return blake2b(username.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _keys(username: str, address: str) -> tuple[str, str, str]:
    """Return the keys of the pair, the address and the user."""
    name = name_key(username)
    place = network_of(address)
    return f"sign-in:pair:{name}:{place}", f"sign-in:address:{place}", f"sign-in:user:{name}"


def network_of(address: str) -> str:
    """Return what one household or attacker has of addresses: one of IPv4, a /64 of IPv6."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))


def _in_words(seconds: float) -> str:
    minutes = -(-seconds // 60)
    return "a minute" if minutes <= 1 else f"{minutes:.0f} minutes"
