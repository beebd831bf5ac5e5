"""The owner of an installation that nobody sets up by hand."""

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from services.accounts import passwords


class OwnerSettings(BaseModel):
    """Unattended set-up; both or none. Without an owner, `secretary users add NAME --role owner` makes one."""

    username: str = Field("", description="the owner's name: made once, at a start without any owner")
    password: SecretStr = Field(
        SecretStr(""), description="the owner's first password, 12 characters or more", validate_default=True
    )

    @field_validator("password")
    @classmethod
    def _strong(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        username, password = info.data.get("username", ""), value.get_secret_value()
        if username and not password:
            raise ValueError("the owner needs a password")
        if password and not username:
            raise ValueError("it is nobody's: set SECRETARY_OWNER__USERNAME, too")
        if password and (why := passwords.trouble(password, username)):
            raise ValueError(why)
        return value
