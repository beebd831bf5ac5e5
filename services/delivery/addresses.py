"""Which addresses a user may make the house call: public ones, and networks that the operator has named.

Server-side request forgery (CWE-918) is a user's address that leads into the operator's own network. What counts is not
the name but the address that is connected to, so it is judged there, after the name was looked up.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

from services.delivery.settings import WebhookSettings
from services.errors import RefusedError

_NEVER = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
        "::/128", "fe80::/10", "ff00::/8", "fd00:ec2::254/128",
    )
)  # fmt: skip
"""What no setting opens: this host under another name, link-local (where clouds keep keys), multicast, reserved."""

_PUBLIC_6 = IPv6Network("2000::/3")  # the only IPv6 that is assigned for use between networks (RFC 4291)
_NOT_PUBLIC = tuple(
    ip_network(each)
    for each in ("192.88.99.0/24", "192.0.0.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_TRANSLATED = IPv6Network("64:ff9b::/96")  # NAT64 (RFC 6052): the last 32 bits are the IPv4 address
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
_LONGEST_URL = 2000

Address = IPv4Address | IPv6Address


class AddressRules:
    """Judges URLs and addresses. All methods raise RefusedError, in words for who entered the URL."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._allow_http = settings.allow_http
        self._own = tuple(ip_network(each) for each in settings.allow_private)
        self._ports = frozenset(settings.ports)

    def url(self, text: str) -> httpx.URL:
        """Return a URL that may be called as far as it can be told without looking its name up."""
        if len(text) > _LONGEST_URL or not text.isprintable() or " " in text or "\\" in text:
            raise RefusedError("The address cannot be read.", "Write it like https://example.com/hook.")
        try:
            url = httpx.URL(text)
            host = url.raw_host.decode("ascii")
        except (httpx.InvalidURL, ValueError):
            raise RefusedError("The address cannot be read.", "Write it like https://example.com/hook.") from None
        schemes = ("https", "http") if self._allow_http else ("https",)
        if url.scheme not in schemes:
            raise RefusedError(
                f"The address must begin with {' or '.join(f'{each}://' for each in schemes)}.",
                "" if self._allow_http else "The operator may allow http with SECRETARY_WEBHOOKS__ALLOW_HTTP=true.",
            )
        if not host or url.userinfo or url.fragment:
            raise RefusedError("The address needs a host, and holds neither a password nor a fragment.")
        self._host(host, url.port or (443 if url.scheme == "https" else 80))
        return url

    def _host(self, host: str, port: int) -> None:
        """Refuse an address that is written in another way than usual: 0x7f.1, 2130706433, 127.1, 010.0.0.1."""
        if not 0 < port < 65536 or (not self._own and port not in self._ports):
            raise self._wrong_port(port)
        try:
            self.check(host.strip("[]"), port)
        except ValueError:
            last = host.rstrip(".").rpartition(".")[2]
            if _NUMBER.fullmatch(last) or ":" in host or "%" in host:
                raise RefusedError("The host of the address is no name and no usual IP address.") from None

    def check(self, address: str, port: int) -> Address:
        """Return the address when it may be connected to. Raises RefusedError; ValueError for what is no address."""
        if "%" in address:
            raise RefusedError("An address with a zone cannot be called.")
        ip = _plain(ip_address(address))
        if _inside(ip, _NEVER):
            raise RefusedError(f"The address {ip} cannot be called.")
        if _inside(ip, self._own):
            return ip
        if not _public(ip):
            raise RefusedError(
                f"The address {ip} is not a public one.",
                "The operator may open an own network with SECRETARY_WEBHOOKS__ALLOW_PRIVATE.",
            )
        if port not in self._ports:
            raise self._wrong_port(port)
        return ip

    def _wrong_port(self, port: int) -> RefusedError:
        return RefusedError(f"Port {port} cannot be called; {', '.join(map(str, sorted(self._ports)))} can.")


def _plain(ip: Address) -> Address:
    """Return the IPv4 address inside an IPv6 address that only wraps it."""
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip in _TRANSLATED:
            inner = IPv4Address(int(ip) & 0xFFFF_FFFF)
            # What is inside a private network cannot be reached through a translator anyway: judged as what it is.
            return inner if not _public(inner) else ip
    return ip


def _public(ip: Address) -> bool:
    if isinstance(ip, IPv6Address) and ip not in _PUBLIC_6 and ip not in _TRANSLATED:
        return False
    return (ip.is_global or ip in _TRANSLATED) and not ip.is_multicast and not _inside(ip, _NOT_PUBLIC)


def _inside(ip: Address, networks: Iterable[object]) -> bool:
    return any(ip in network for network in networks)  # type: ignore[operator]
