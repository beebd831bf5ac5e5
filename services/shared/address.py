"""REDIS_URL: which ones can be used, and how one is named without its password."""

from urllib.parse import parse_qsl, unquote, urlsplit

EXAMPLE = "redis://127.0.0.1:6379/0"

_SCHEMES = ("redis", "rediss", "unix")
# redis-py takes any argument of its connections from the query; these are about the server, not about our timeouts.
_OPTIONS = frozenset({"db", "ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"})


def trouble(url: str) -> str:
    """Return why a URL cannot be used as the end of a sentence, "" when it can; never any of it: it holds a password.

    redis:// in the clear, rediss:// over TLS, unix:// for a socket's path.
    """
    try:
        parts = urlsplit(url)
        has_place = bool(parts.path.strip("/")) if parts.scheme == "unix" else bool(parts.hostname)
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        _ = parts.port  # read for its error: no number, or none of a port
    except ValueError:
        return f"it cannot be read; write it like {EXAMPLE}"
    database = options.get("db", "") if parts.scheme == "unix" else unquote(parts.path).strip("/")
    if parts.scheme not in _SCHEMES or not has_place:
        return f"it is no address of a Redis server; write it like {EXAMPLE}"
    if database and not (database.isascii() and database.isdigit()):
        return f"its database is no number; write it like {EXAMPLE}"
    if strange := sorted(options.keys() - _OPTIONS):
        return f"it sets {len(strange)} option(s) that are unknown; only {', '.join(sorted(_OPTIONS))} may stand there"
    return ""


def place(url: str) -> str:
    """Return how to name the server to a person: without user, password and options."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or 6379}{parts.path}"
