"""Webhooks: which addresses the house may call because a user has entered them."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from services.settings import CommaList


class WebhookSettings(BaseModel):
    """Addresses inside the own network are closed to webhooks unless they are named here."""

    allow_http: bool = Field(False, description="webhooks may go to http:// addresses, unencrypted")
    allow_private: Annotated[tuple[str, ...], CommaList] = Field(
        (), description="networks of your own that webhooks may reach; example 192.168.1.0/24, 127.0.0.1/32"
    )
    ports: Annotated[tuple[int, ...], CommaList] = Field(
        (80, 443, 8443), description="ports of public addresses that webhooks may reach"
    )

    @field_validator("allow_private")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ip_network(each)
            except ValueError:
                raise ValueError(f"{each!r} is no network; write it like 192.168.1.0/24") from None
        return value

    @field_validator("ports")
    @classmethod
    def _ports(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not all(0 < port < 65536 for port in value):
            raise ValueError("a port is a number from 1 to 65535")
        return value
