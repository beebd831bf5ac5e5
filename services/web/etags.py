"""ETags of what is edited: the version of a row, so that nobody overwrites what another has changed meanwhile.

Who reads gets `ETag: "7"`; who edits may send it back as `If-Match: "7"`, and 412 says that it is version 7 no more.
The repository compares in the transaction that writes.
"""

import re
from typing import Annotated

from fastapi import Depends, Header, Response

from services.errors import StaleError

_TAG = re.compile(r'(?:W/)?"([0-9]{1,18})"')


def give_etag(response: Response, version: int) -> None:
    """Tell the version of what is shown."""
    response.headers["ETag"] = f'"{version}"'


def _expected(
    if_match: Annotated[
        str | None, Header(alias="If-Match", max_length=100, description="the ETag that was read; 412 when it is old")
    ] = None,
) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:  # no tag of ours, so certainly not the current one
        raise StaleError("This is not the version that is stored.", "Read it again and repeat the change.")
    return int(found[1])


ExpectedVersion = Annotated[int | None, Depends(_expected)]
"""The parameter of a route that edits: the version that the caller has read, None when it does not say."""
