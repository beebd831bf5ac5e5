"""Users and sign-ins as the API shows them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.calls.shapes import PRINTED
from services.accounts.accounts import AccessToken
from services.accounts.roles import Role
from services.storage.people.users import UserRecord

Username = Annotated[str, Field(min_length=1, max_length=200, pattern=rf"^{PRINTED}*$", examples=["olga"])]
Password = Annotated[SecretStr, Field(min_length=1, max_length=1024, examples=["four words taken apart"])]
DisplayName = Annotated[str, Field(max_length=100, pattern=rf"^{PRINTED}*$", examples=["Olga Petrova"])]
Email = Annotated[
    str, Field(max_length=254, pattern=r"^([^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+)?$", examples=["olga@example.org"])
]
Language = Annotated[str, Field(pattern=r"^([a-z]{2,3})?$", description='"": as the installation', examples=["en"])]
Code = Annotated[str, Field(max_length=40, pattern=r"^[0-9A-Za-z -]*$", examples=["123456"])]
LinkToken = Annotated[SecretStr, Field(min_length=1, max_length=200)]
Moment = datetime


class Request(BaseModel):
    """A request: what it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


class Credentials(Request):
    """A user's name and password and, where the user has a second factor, a code of it or a recovery code."""

    username: Username
    password: Password
    code: Code = ""


class Token(BaseModel):
    """An access token, good for `expires_in` seconds."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a kind of token
    expires_in: Annotated[int, Field(examples=[900])]


class User(BaseModel):
    """A user; `language` is "" for the installation's."""

    id: str
    company_id: str
    username: str
    role: Role
    active: bool
    display_name: str
    email: str
    language: str
    created_at: Moment
    last_sign_in_at: Moment | None
    version: int


class UserRequest(Request):
    """A user to make."""

    username: Username
    password: Password
    role: Role
    display_name: DisplayName = ""
    email: Email = ""
    language: Language = ""


class UserEdit(Request):
    """What to change of a user; what is left out stays."""

    role: Role | None = None
    active: bool | None = None
    display_name: DisplayName | None = None
    email: Email | None = None
    language: Language | None = None


class Profile(BaseModel):
    """Who is signed in, as that person may change it; `second_factor` tells whether a code is asked for."""

    id: str
    username: str
    role: Role
    company_id: str
    display_name: str
    email: str
    language: str
    second_factor: bool
    recovery_codes_left: int


class ProfileEdit(Request):
    """What to change of the profile; what is left out stays."""

    display_name: DisplayName | None = None
    email: Email | None = None
    language: Language | None = None


class OneTimeLink(BaseModel):
    """A link that is good once, shown only now."""

    link: Annotated[str, Field(examples=["http://127.0.0.1:8002/setup#invitation=..."])]
    expires_at: Moment


def shown_user(user: UserRecord) -> User:
    """Return a user without what is never shown."""
    return User(**{name: getattr(user, name) for name in User.model_fields})


def shown_token(token: AccessToken) -> Token:
    """Return an access token as the contract has it."""
    return Token(access_token=token.access_token, expires_in=token.expires_in)
