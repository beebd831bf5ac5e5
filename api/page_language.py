"""The language of the pages that are made here."""

LANGUAGES = ("en", "ru")


def preferred(header: str, default: str) -> str:
    """Return the first language of an Accept-Language header that there is a page for."""
    for item in header.split(","):
        language = item.split(";")[0].strip().casefold()[:2]
        if language in LANGUAGES:
            return language
    return default
