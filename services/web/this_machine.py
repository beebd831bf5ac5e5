"""Requests from the machine itself: they may learn more than a stranger's."""

import ipaddress

from fastapi import Request

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def is_from_this_machine(request: Request) -> bool:
    """Tell whether a program on this machine asks, by a name of this machine, and not through a proxy that runs here.

    A page of another site can have its own name lead to 127.0.0.1 (DNS rebinding); the name it asks for gives it away.
    """
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    return _is_loopback(request.client.host) and _names_this_machine(request.url.hostname or "")


def _names_this_machine(host: str) -> bool:
    return host == "localhost" or _is_loopback(host)


def _is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback
