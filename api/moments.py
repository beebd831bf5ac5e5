"""Moments as requests give them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field


def _in_utc(value: datetime) -> datetime:
    """Return the moment in UTC. Raises ValueError for what no clock shows and no database keeps."""
    try:
        moment = value.astimezone(UTC)
    except (OverflowError, ValueError):
        raise ValueError("no such time") from None
    if not 1970 <= moment.year <= 2200:
        raise ValueError("give a time between 1970 and 2200")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc), Field(examples=["2027-01-31T18:00:00Z"])]
"""A time with its zone, in UTC from there on."""
