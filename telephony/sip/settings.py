"""Settings of the SIP channel (SECRETARY_SIP__...)."""

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

from services.settings import CommaList

Codec = Literal["pcma", "pcmu"]


_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_NAME = r"^[^\x00-\x20\x7f\"<>@]{0,128}$"


def _server(value: str) -> str:
    found = re.fullmatch(rf"({_HOST})(:([0-9]{{1,5}}))?", value)
    if value and (found is None or not 0 < int(found[4] or 5060) <= 65_535):
        raise ValueError("write a host like sip.example.com, with :port unless 5060")
    return value


def _host(value: str) -> str:
    if value and not re.fullmatch(_HOST, value):
        raise ValueError("write the name or the IPv4 address of a host")
    return value


def _address(value: str) -> str:
    if value:
        ipaddress.IPv4Address(value)
    return value


def _networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    for each in networks:
        ipaddress.ip_network(each, strict=False)
    return networks


class SipSettings(BaseModel):
    """How calls over SIP are taken: from a provider or an exchange that we register with, or straight from the network.

    Needs the package `sippy` (the extra "sip"). UDP only, sound is G.711.
    """

    enabled: bool = Field(default=False, description="Take and make calls over SIP.")
    server: Annotated[str, AfterValidator(_server)] = Field(
        default="", description="The provider's or exchange's host, with :port unless 5060."
    )
    domain: Annotated[str, AfterValidator(_host)] = Field(
        default="", description="The domain of our address there; empty: the server's host."
    )
    username: str = Field(default="", pattern=_NAME, description="Our user name or extension at the server.")
    auth_username: str = Field(
        default="",
        pattern=r'^[^\x00-\x1f\x7f"]{0,128}$',
        description="The name to prove who we are; empty: the user name.",
    )
    password: SecretStr = Field(default=SecretStr(""), description="The password that goes with it.")
    register_seconds: int = Field(
        default=300, ge=0, le=86_400, description="How long one registration lasts; 0: the server knows where we are."
    )
    bind_host: Annotated[str, AfterValidator(_address)] = Field(
        default="", description="The address to listen on; empty: every address of the machine."
    )
    bind_port: int = Field(default=5060, ge=0, le=65_535, description="The UDP port to listen on.")
    public_host: Annotated[str, AfterValidator(_host)] = Field(
        default="", description="The address at which the sound reaches us from outside a NAT; empty: our own."
    )
    media_port_first: int = Field(default=16_384, ge=0, le=65_534, description="First UDP port for sound; 0: any.")
    media_port_last: int = Field(default=16_584, ge=0, le=65_534, description="Last UDP port for sound.")
    media_timeout_seconds: float = Field(
        default=30.0, ge=2.0, le=600.0, description="A call without a packet of sound for so long is taken as lost."
    )
    codecs: Annotated[tuple[Codec, ...], CommaList] = Field(
        default=("pcma", "pcmu"), min_length=1, description="Kinds of G.711, the preferred one first."
    )
    accept_from: Annotated[tuple[str, ...], CommaList, AfterValidator(_networks)] = Field(
        default=(),
        description="Networks whose calls are taken besides the server's own, e.g. 192.168.0.0/16,10.1.0.5.",
    )
    max_calls: int = Field(default=4, ge=1, le=200, description="Calls at a time; further callers hear the busy tone.")
    dial_plus: bool = Field(
        default=True, description="Dial +79991234567 as it is; off: without the +, as some providers want it."
    )
    ring_seconds: float = Field(default=45.0, ge=1.0, le=300.0, description="How long a call of ours rings.")

    @model_validator(mode="after")
    def _consistent(self) -> "SipSettings":
        if self.media_port_first and self.media_port_first + self.media_port_first % 2 > self.media_port_last:
            raise ValueError("no even port lies between media_port_first and media_port_last")
        if self.enabled and not self.server and not self.accept_from:
            raise ValueError("a SIP channel needs a server, or networks in accept_from whose calls it takes")
        return self

    @property
    def server_address(self) -> tuple[str, int]:
        """The server's host and port; ("", 5060) without one."""
        host, colon, port = self.server.rpartition(":")
        return (host, int(port)) if colon and port.isdecimal() else (self.server, 5060)

    @property
    def registers(self) -> bool:
        """True when calls come in only while we are registered at the server."""
        return bool(self.server and self.username and self.register_seconds)
