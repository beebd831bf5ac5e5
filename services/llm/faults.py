"""What can go wrong at an OpenAI-compatible server, as sentences that a person understands.

Nothing of the request, the key or the server's own words goes into a message: servers quote keys in their errors.
"""

from urllib.parse import urlsplit

from services.errors import ProviderError

_CHECK_SERVER = "Check that the server runs and that SECRETARY_LLM__BASE_URL is its address, with /v1 at the end."
_TRY_LATER = "Trying again later may work."


def place(base_url: str) -> str:
    """Name a server without what may be secret in its address (user, password, query)."""
    parts = urlsplit(base_url)
    host = parts.hostname or "the language-model server"
    return f"{host}:{parts.port}" if parts.port else host


def status_error(status: int, base_url: str, model: str) -> ProviderError:
    """Translate an HTTP status of the provider."""
    server = place(base_url)
    if status in (401, 403):
        return ProviderError(
            f"The language-model server {server} did not accept the key.",
            "Set SECRETARY_LLM__API_KEY to a valid key for this server.",
            retryable=False,
        )
    if status == 404:
        return ProviderError(
            f"The language-model server {server} does not know the model {model!r}, or the address is wrong.",
            "Check SECRETARY_LLM__MODEL, and that SECRETARY_LLM__BASE_URL ends with /v1.",
            retryable=False,
        )
    if status == 429:
        return ProviderError(
            f"The language-model server {server} has had too many requests, or the quota is used up.",
            f"{_TRY_LATER} If it stays, look at the quota of your account.",
            retryable=True,
        )
    if status >= 500:
        return ProviderError(f"The language-model server {server} failed (HTTP {status}).", _TRY_LATER, retryable=True)
    return ProviderError(
        f"The language-model server {server} refused the request (HTTP {status}).",
        "Check that the model serves chat completions and has room for the dialogue.",
        retryable=False,
    )


def unreachable(base_url: str) -> ProviderError:
    """Nobody answers at the address."""
    return ProviderError(
        f"The language-model server {place(base_url)} cannot be reached.", _CHECK_SERVER, retryable=True
    )


def silent(base_url: str, seconds: float, *, begun: bool) -> ProviderError:
    """The provider stopped saying anything."""
    what = "stopped in the middle of an answer" if begun else "did not begin to answer"
    return ProviderError(
        f"The language-model server {place(base_url)} {what} for {seconds:g} seconds.",
        "Use a smaller model or a faster server if this happens often.",
        retryable=True,
    )


def cut(base_url: str) -> ProviderError:
    """The stream ended before its end."""
    return ProviderError(
        f"The language-model server {place(base_url)} broke off in the middle of an answer.", _TRY_LATER, retryable=True
    )


def garbage(base_url: str) -> ProviderError:
    """What came is not a chat completion."""
    return ProviderError(
        f"The server {place(base_url)} did not answer like an OpenAI-compatible API.", _CHECK_SERVER, retryable=False
    )


def in_stream(base_url: str) -> ProviderError:
    """The provider reported an error of its own inside the stream."""
    return ProviderError(
        f"The language-model server {place(base_url)} reported an error while answering.", _TRY_LATER, retryable=True
    )
