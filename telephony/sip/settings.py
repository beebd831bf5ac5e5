"""Settings of the SIP channel (SECRETARY_SIP__...)."""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

Codec = Literal["pcma", "pcmu"]


def _networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    for each in networks:
        ipaddress.ip_network(each, strict=False)
    return networks


class SipSettings(BaseModel):
    """How calls over SIP are taken: from a provider or an exchange that we register with, or straight from the network.

    Needs the package `sippy` (the extra "sip"). UDP only, sound is G.711.
    """

    enabled: bool = Field(default=False, description="Take and make calls over SIP.")
    server: str = Field(default="", description="The provider's or exchange's host, with :port unless 5060.")
    domain: str = Field(default="", description="The domain of our address there; empty: the server's host.")
    username: str = Field(default="", description="Our user name or extension at the server.")
    auth_username: str = Field(default="", description="The name to prove who we are; empty: the user name.")
    password: SecretStr = Field(default=SecretStr(""), description="The password that goes with it.")
    register_seconds: int = Field(
        default=300, ge=0, le=86_400, description="How long one registration lasts; 0: the server knows where we are."
    )
    bind_host: str = Field(default="", description="The address to listen on; empty: every address of the machine.")
    bind_port: int = Field(default=5060, ge=0, le=65_535, description="The UDP port to listen on.")
    public_host: str = Field(
        default="", description="The address at which the sound reaches us from outside a NAT; empty: our own."
    )
    media_port_first: int = Field(default=16_384, ge=0, le=65_534, description="First UDP port for sound; 0: any.")
    media_port_last: int = Field(default=16_584, ge=0, le=65_534, description="Last UDP port for sound.")
    media_timeout_seconds: float = Field(
        default=30.0, ge=2.0, le=600.0, description="A call without a packet of sound for so long is taken as lost."
    )
    codecs: tuple[Codec, ...] = Field(
        default=("pcma", "pcmu"), min_length=1, description="Kinds of G.711, the preferred one first."
    )
    accept_from: Annotated[tuple[str, ...], AfterValidator(_networks)] = Field(
        default=(), description="Networks whose calls are taken besides the server's own, e.g. 192.168.0.0/16."
    )
    max_calls: int = Field(default=4, ge=1, le=200, description="Calls at a time; further callers hear the busy tone.")
    dial_plus: bool = Field(
        default=True, description="Dial +79991234567 as it is; off: without the +, as some providers want it."
    )
    ring_seconds: float = Field(default=45.0, ge=1.0, le=300.0, description="How long a call of ours rings.")

    @model_validator(mode="after")
    def _consistent(self) -> "SipSettings":
        if self.media_port_first > self.media_port_last and self.media_port_first:
            raise ValueError("media_port_first lies above media_port_last")
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
