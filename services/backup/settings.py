"""When backups are made by themselves, and how many are kept: settings under SECRETARY_BACKUP__."""

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

SHORTEST_PASSPHRASE = 12


class BackupSettings(BaseModel):
    """The schedule, the rotation and the place. Backups by hand need none of it but a passphrase."""

    folder: Path | None = Field(None, description="where backups lie; empty: the folder backups in DATA_DIR")
    passphrase: SecretStr = Field(
        SecretStr(""), description="what backups are encrypted with, 12 characters or more; keep it elsewhere, too"
    )
    every_hours: int = Field(
        0, ge=0, le=744, description="make a backup every so many hours; 0: never by itself", validate_default=True
    )
    at: str = Field("03:30", description="the time of day that the hours are counted from, in TIME_ZONE")
    recordings: bool = Field(True, description="whether backups made by themselves hold the recordings of calls")
    keep_daily: int = Field(7, ge=0, le=366, description="of how many days the last backup is kept")
    keep_weekly: int = Field(4, ge=0, le=520, description="of how many weeks the last backup is kept")
    keep_monthly: int = Field(6, ge=0, le=240, description="of how many months the last backup is kept")

    @field_validator("passphrase")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and (why := passphrase_trouble(value.get_secret_value())):
            raise ValueError(why)
        return value

    @field_validator("every_hours")
    @classmethod
    def _encrypted(cls, value: int, info: ValidationInfo) -> int:
        passphrase = info.data.get("passphrase")
        if value and passphrase is not None and not passphrase.get_secret_value():
            raise ValueError("backups are encrypted: set SECRETARY_BACKUP__PASSPHRASE, too")
        return value

    @field_validator("at")
    @classmethod
    def _a_time_of_day(cls, value: str) -> str:
        hours, _, minutes = value.partition(":")
        if not (hours.isdecimal() and minutes.isdecimal() and int(hours) < 24 and int(minutes) < 60):
            raise ValueError("it is a time of day like 03:30")
        return value


def passphrase_trouble(passphrase: str) -> str:
    """Return why a passphrase cannot be taken, "" when it can."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        return f"it is shorter than {SHORTEST_PASSPHRASE} characters"
    return "it is longer than 1024 characters" if len(passphrase) > 1024 else ""
