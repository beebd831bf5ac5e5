import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.errors import SettingsError
from telephony.policy.policy import LinePolicy
from telephony.policy.reading import read_policy, stored_form

WHOLE: dict[str, Any] = {
    "answer_after_rings": 2,
    "persona": "anna",
    "voice": "piper:ru_RU-irina-medium",
    "language": "ru",
    "hours": {
        "monday": ["9:00-13:00", "14:00-18:00"],
        "friday": ["22:00-06:00"],
        "holidays": ["2027-01-01"],
        "extra": {"2026-12-31": ["10:00-12:00"]},
    },
    "outside_hours": "ring",
    "after_hours_greeting": {"ru": "{company} закрыта.", "en": "{company} is closed."},
    "allow": ["*", "withheld"],
    "block": ["8 (999) 123-45-67", "+7800*"],
    "callers": [{"number": "+7916*", "persona": "marina", "greeting": "Здравствуйте!"}],
    "max_call_seconds": 600,
    "calls_per_hour": 5,
    "record": True,
    "consent_notice": {"ru": "Разговор записывается."},
    "forward": {"to": "8 916 000-00-01", "when": "on_request", "how": "line", "line": "gsm-2"},
    "menu": [
        {"key": "1", "label": {"ru": "часы работы"}, "action": "say", "value": {"ru": "С девяти до шести."}},
        {"key": "0", "label": "сотрудник", "action": "transfer"},
    ],
    "outgoing": {"allow": ["*"], "per_day": 3, "hours_only": True},
    "sms": {"answer": False, "allow": ["+7*"]},
    "lost_call": "sms",
    "lost_call_text": "Связь прервалась.",
}


def test_nothing_is_a_policy() -> None:
    assert read_policy({}) == LinePolicy()
    assert stored_form(LinePolicy()) == {}


def test_a_policy_comes_back_as_it_was_written() -> None:
    policy = read_policy(WHOLE)
    assert policy.hours.monday == ("09:00-13:00", "14:00-18:00")
    assert LinePolicy.model_validate_json(policy.model_dump_json()) == policy
    assert read_policy(policy.model_dump(mode="json")) == policy
    stored = json.loads(json.dumps(stored_form(policy)))
    assert read_policy(stored) == policy
    assert set(stored) == set(WHOLE), "what the owner left alone is not stored"


def test_every_field_says_what_it_is_for() -> None:
    def fields(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        models = [schema, *schema.get("$defs", {}).values()]
        return [(name, field) for each in models for name, field in each.get("properties", {}).items()]

    listed = fields(LinePolicy.model_json_schema())
    assert len(listed) > 40
    assert [name for name, field in listed if not field.get("description")] == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"hourz": {}}, ["hourz", "Did you mean hours?"]),
        ({"hours": {"mondey": []}}, ["hours.mondey", "Did you mean monday?"]),
        ({"callers": [{"number": "*", "voic": ""}]}, ["callers[0].voic", "Did you mean voice?"]),
        ({"hours": {"monday": ["9-18"]}}, ["hours.monday[0]", "'9-18'", "09:00-18:00"]),
        ({"hours": {"monday": ["25:00-26:00"]}}, ["no clock shows"]),
        ({"hours": {"monday": ["09:00-09:00"]}}, ["00:00-24:00"]),
        ({"hours": {"monday": "09:00-18:00"}}, ["hours.monday", "list"]),
        ({"hours": {"holidays": ["31.12.2026"]}}, ["'31.12.2026'", "2026-12-31"]),
        ({"hours": {"extra": {"31.12.": []}}}, ["'31.12.'", "2026-12-31"]),
        ({"hours": {"holidays": [20261231]}}, ["20261231"]),
        ({"outside_hours": "maybe"}, ["outside_hours", "'answer', 'reject', 'ring'"]),
        ({"block": ["8999*"]}, ["block[0]", "+7999*"]),
        ({"block": ["+7*9*"]}, ["block[0]", "is no number"]),
        ({"block": [""]}, ["block[0]"]),
        ({"max_call_seconds": "600"}, ["max_call_seconds", "whole number"]),
        ({"max_call_seconds": 5}, ["max_call_seconds", "30"]),
        ({"record": "yes"}, ["record", "true or false"]),
        ({"language": "klingon"}, ["language", "ru, en"]),
        ({"voice": "irina"}, ["voice", "engine:voice"]),
        ({"after_hours_greeting": "{shop}"}, ["{shop}", "{company}"]),
        ({"after_hours_greeting": {"ru": "{company"}}, ["after_hours_greeting.ru", "{company"]),
        ({"after_hours_greeting": {"fr": "Bonjour"}}, ["'fr'", "ru, en"]),
        ({"consent_notice": 5}, ["consent_notice", "text"]),
        ({"forward": {"when": "always"}}, ["forward", "to whom"]),
        ({"forward": {"when": "always", "to": "+79160000001", "how": "line"}}, ["second line"]),
        ({"forward": {"when": "always", "to": "112"}}, ["112", "emergency"]),
        ({"forward": {"to": "my colleague"}}, ["forward.to", "is no number"]),
        ({"menu": [{"key": "A", "label": "x", "action": "message"}]}, ["menu[0].key", "'A'"]),
        ({"menu": [{"key": "1", "label": "x", "action": "message"}] * 2}, ["key 1", "twice"]),
        ({"menu": [{"key": "1", "label": "x", "action": "say"}]}, ["key 1", "what to say"]),
        ({"menu": [{"key": "1", "action": "message"}]}, ["menu[0].label", "missing"]),
        ({"menu": [{"key": "1", "label": "x", "action": "transfer", "value": "911"}]}, ["911", "emergency"]),
        ({"outgoing": {"per_day": -1}}, ["outgoing.per_day", "0"]),
        ([], ["object"]),
        ("policy", ["object"]),
        (None, ["object"]),
    ],
)
def test_a_mistake_is_named_where_it_is(data: Any, words: list[str]) -> None:
    with pytest.raises(SettingsError) as raised:
        read_policy(data)
    for word in words:
        assert word in str(raised.value)
    assert "Input" not in raised.value.message
    assert "validation" not in raised.value.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*WHOLE, "number", "ru"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(json_values)
def test_whatever_is_sent_is_read_or_refused_in_a_sentence(data: Any) -> None:
    try:
        policy = read_policy(data)
    except SettingsError as error:
        sentence = error.message
    else:
        assert read_policy(stored_form(policy)) == policy
        sentence = "The policy is fine."
    assert sentence.startswith("The policy")
    assert sentence.endswith(".")
