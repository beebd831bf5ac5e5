"""A policy as it comes from an owner or the database: read strictly, and refused in words that a person understands."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from services.errors import SettingsError
from telephony.policy.fields import BY_LANGUAGE, ONE_TEXT
from telephony.policy.policy import LinePolicy

_BRANCHES = frozenset({ONE_TEXT, BY_LANGUAGE, "[key]"})
_WORDS = {
    "extra_forbidden": "there is no such field",
    "missing": "it is missing",
    "string_type": "write it as text, in quotes",
    "int_type": "write it as a whole number",
    "int_from_float": "write it as a whole number",
    "bool_type": "write true or false",
    "tuple_type": "write it as a list, in square brackets",
    "dict_type": "write it as an object, in braces",
    "model_type": "write it as an object, in braces",
}


def read_policy(data: object) -> LinePolicy:
    """Return the policy that `data`, read from JSON, says. Raises SettingsError naming the field and the problem."""
    try:
        return LinePolicy.model_validate(data)
    except ValidationError as error:
        raise explained(error) from None


def stored_form(policy: LinePolicy) -> dict[str, Any]:
    """Return what to store of a policy: JSON, only what differs from the defaults.

    What an owner left alone then follows a later version's better default.
    """
    plain: dict[str, Any] = json.loads(policy.model_dump_json(exclude_defaults=True))
    return plain


def explained(error: ValidationError) -> SettingsError:
    """Turn the first problem that pydantic found into a sentence and a remedy."""
    first = error.errors(include_url=False)[0]
    path = [part for part in first["loc"] if part not in _BRANCHES]
    kind, context = first["type"], first.get("ctx", {})
    if kind == "extra_forbidden":
        return SettingsError(f"The policy has no field {_shown(path)}.", _similar(path))
    if kind == "literal_error":
        problem = f"it is one of {context['expected'].replace(' or ', ', ')}"
    else:
        problem = _WORDS.get(kind) or first["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    where = f"The policy's field {_shown(path)}" if path else "The policy"
    return SettingsError(f"{where} is wrong: {problem[:1].lower()}{problem[1:]}.", _meaning(path))


def _shown(path: list[Any]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _similar(path: list[Any]) -> str:
    known = _fields_at(path[:-1])
    close = get_close_matches(str(path[-1]), known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(known)}."


def _fields_at(path: list[Any]) -> list[str]:
    return list(_model_at(path)[0].model_fields)


def _meaning(path: list[Any]) -> str:
    """Return what the field at `path` is for, the remedy of most mistakes."""
    field = _model_at(path)[1]
    return f"What it is for: {field.description}." if field is not None and field.description else ""


def _model_at(path: list[Any]) -> tuple[type[BaseModel], FieldInfo | None]:
    """Follow the owner's path down: return the innermost section, and the last field that is known."""
    model: type[BaseModel] = LinePolicy
    field: FieldInfo | None = None
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            field = model.model_fields[part]
            kinds = [field.annotation, *_inside(field.annotation)]
            model = next((each for each in kinds if isinstance(each, type) and issubclass(each, BaseModel)), model)
    return model, field


def _inside(annotation: Any) -> list[Any]:
    return [each for part in get_args(annotation) for each in (part, *_inside(part))]


def policy_of(stored: Mapping[str, Any] | None) -> LinePolicy:
    """Return the policy of a stored row, the default one of a line that has none. Raises SettingsError."""
    return read_policy(dict(stored or {}))
