"""Who can reach the server: without TLS, only this machine should."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from services.doctor.shapes import Examined, Finding
from services.parts import State

_HERE = tuple(map(ip_network, ("127.0.0.0/8", "::1/128")))


async def check(house: Examined) -> Iterable[Finding]:
    """Look at HOST and at the proxies that are trusted."""
    settings = house.settings
    try:
        loopback = ip_address(settings.host).is_loopback
    except ValueError:
        loopback = settings.host == "localhost"
    if loopback:
        return [Finding("network", State.READY, "Only this machine reaches the server; a proxy on it may add TLS.")]
    if all(_is_here(each) for each in settings.trusted_proxies):
        return [
            Finding(
                "network",
                State.DEGRADED,
                f"The server listens on {settings.host} without TLS: passwords cross the network in the open.",
                "Set SECRETARY_HOST=127.0.0.1 and put a proxy with TLS before it; one on another machine goes into "
                "SECRETARY_TRUSTED_PROXIES.",
            )
        ]
    return [Finding("network", State.READY, f"The server listens on {settings.host} for its proxies.")]


def _is_here(network: str) -> bool:
    wanted = ip_network(network)
    return any(wanted.version == here.version and wanted.subnet_of(here) for here in _HERE)  # type: ignore[arg-type]
