"""Settings of the GSM channel (SECRETARY_TELEPHONY__...)."""

from pydantic import BaseModel, Field, SecretStr, field_validator

from telephony.sms.settings import SmsSettings


class TelephonySettings(BaseModel):
    """How calls over a SIM7600 modem are taken.

    On by default: without a modem the channel waits quietly for one to be plugged in and says so in `/readyz`.
    """

    enabled: bool = Field(default=True, description="Take calls over a GSM modem when one is plugged in.")
    at_port: str = Field(default="", description="The modem's AT port, e.g. /dev/ttyUSB2; empty: found by its USB id.")
    audio_port: str = Field(
        default="", description="The modem's call audio port, e.g. /dev/ttyUSB4; empty: found by its USB id."
    )
    sim_pin: SecretStr = Field(default=SecretStr(""), description="PIN of the SIM card, where it asks for one.")
    answer_after_rings: int = Field(default=1, ge=1, le=10, description="Rings to wait before a call is answered.")
    wideband: bool = Field(
        default=False, description="Call audio at 16 kHz instead of 8, where the modem and its network have it."
    )
    sms: SmsSettings = SmsSettings()
    status_every_seconds: float = Field(
        default=60.0, ge=5.0, le=3600.0, description="How often signal and network are asked between calls."
    )

    @field_validator("sim_pin")
    @classmethod
    def _digits(cls, value: SecretStr) -> SecretStr:
        pin = value.get_secret_value()
        if pin and not (pin.isascii() and pin.isdecimal() and 4 <= len(pin) <= 8):
            raise ValueError("a PIN has 4 to 8 digits")
        return value
