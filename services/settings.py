"""Settings from the environment and `.env`: read once, typed, and refused with a sentence when they are wrong.

Each room declares its own section as a pydantic model; the orchestrator composes them into one class on top of
`HouseSettings`. Names are `SECRETARY_` + the field, with `__` between a section and its field.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from ipaddress import ip_network
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import BaseModel, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.errors import SettingsError

PREFIX = "SECRETARY_"
LANGUAGES = ("ru", "en")


def _items(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return [item for item in map(str.strip, value.split(",")) if item]
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("write it with commas, without brackets") from None


CommaList = BeforeValidator(_items)
"""Of a setting with several values, written `a, b` or as JSON."""


class HouseSettings(BaseSettings):
    """What belongs to no room."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        env_ignore_empty=True,
        enable_decoding=False,  # what is no JSON would be a traceback; see CommaList
    )

    host: str = Field("127.0.0.1", description="address the server listens on")
    port: int = Field(8002, ge=1, le=65535, description="port the server listens on")
    data_dir: Path = Field(Path("data"), description="database, recordings, everything that running makes")
    models_dir: Path = Field(Path("models"), description="weights of downloaded engines")
    database_url: str = Field("", description="empty: SQLite in DATA_DIR")
    language: Literal["ru", "en"] = Field("ru", description="the language the secretary answers in")
    time_zone: str = Field("Europe/Moscow", description="IANA zone of the default company")
    log_format: Literal["console", "json"] = Field("console", description="how the log is written")

    cors_origins: Annotated[tuple[str, ...], CommaList] = Field(
        (), description="web pages of other origins that may use the API; example https://panel.example.org"
    )

    trusted_proxies: Annotated[tuple[str, ...], CommaList] = Field(
        ("127.0.0.1/32", "::1/128"),
        description="addresses and networks of reverse proxies, whose X-Forwarded-For is believed",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ip_network(each)
            except ValueError:
                raise ValueError(f"{each!r} is no address or network; example: 10.0.0.0/8") from None
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", each):
                raise ValueError(f"{each!r} is not an origin; example: https://panel.example.org")
        return value

    @field_validator("language", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, ZoneInfoNotFoundError, OSError):
            raise ValueError(f"{value!r} is not an IANA time zone") from None
        return value


Settings = TypeVar("Settings", bound=HouseSettings)


def load(kind: type[Settings], **overrides: Any) -> Settings:
    """Read the settings of class `kind`.

    `overrides` win over the environment, the environment over `.env`; an override of None or "" is none. Raises
    SettingsError naming the setting, the problem and an example; secret values are never part of it.
    """
    known = {name for name, _, _ in names(kind)}
    given = {**_env_file(Path(".env")), **os.environ}
    for name in sorted(given):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise SettingsError(f"{name} is not a setting.", _closest(name.upper(), known))
    return load_part(kind, **overrides)


def load_part(kind: type[Settings], **overrides: Any) -> Settings:
    """Read the settings of class `kind` beside which there are others: a name that it lacks may be theirs.

    Raises SettingsError.
    """
    _env_file(Path(".env"))  # told in words what is wrong with it
    try:
        return kind(**{name: value for name, value in overrides.items() if value not in (None, "")})
    except ValidationError as error:
        raise _explained(kind, error) from None


def _env_file(path: Path) -> dict[str, str | None]:
    """Read a .env file. Raises SettingsError for one that is no text, and for a line that would be passed over."""
    if not path.is_file():
        return {}
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{path} cannot be read.", "It is a text file in UTF-8; .env.example shows one.") from None
    for line in parse_stream(StringIO(text)):
        if line.error or (line.key is not None and line.value is None):
            raise SettingsError(
                f"Line {line.original.line} of {path} cannot be understood.", "Write NAME=value, a setting a line."
            )
    return dotenv_values(stream=StringIO(text))


def names(kind: type[BaseModel], prefix: str = PREFIX) -> Iterator[tuple[str, FieldInfo, str]]:
    """Iterate over all settings as (environment name, field, section); sections are flattened."""
    for name, field in kind.model_fields.items():
        full = f"{prefix}{name}".upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from names(field.annotation, f"{full}__")
        else:
            yield full, field, prefix.removeprefix(PREFIX).rstrip("_").lower()


def shown_default(field: FieldInfo) -> str:
    """Return a setting's default as it is written in `.env`."""
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def as_env_file(kind: type[BaseModel]) -> str:
    """Return every setting with its default and meaning, as the text of `.env.example`."""
    lines = ["# Every setting of AI Secretary with its default. Copy to .env and keep what you change."]
    section = None
    for name, field, of in names(kind):
        if of != section:
            lines += ["", f"# -- {of or 'the house'} --"]
            section = of
        lines += wrap(field.description or "", 118, initial_indent="# ", subsequent_indent="# ")
        lines.append(f"{name}={shown_default(field)}")
    return "\n".join(lines) + "\n"


def _explained(kind: type[BaseModel], error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False, include_input=False)[0]
    name = PREFIX + "__".join(part for part in first["loc"] if isinstance(part, str)).upper()
    fields = {each: field for each, field, _ in names(kind)}
    example = _example(fields[name]) if name in fields else ""
    problem = first["msg"].removeprefix("Value error, ")
    return SettingsError(
        f"{name} is wrong: {problem[:1].lower()}{problem[1:]}.",
        f"Example: {name}={example}" if example else "See .env.example.",
    )


def _example(field: FieldInfo) -> str:
    choices = [str(value) for value in get_args(field.annotation) if isinstance(value, str)]
    return shown_default(field) or (choices[0] if choices else "")


def _closest(name: str, known: Mapping[str, Any] | set[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=1)
    return f"Did you mean {close[0]}?" if close else "See .env.example for all of them."
