"""What an owner can lay down for a line. Every field has a default, so that {} is a policy, and a safe one."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from telephony.policy.fields import RULES, Greetings, Key, Language, Number, Pattern, Patterns, Texts, VoiceName
from telephony.policy.hours import Hours
from telephony.policy.tolls import is_emergency


class Caller(BaseModel):
    """How one caller, or callers whose numbers begin alike, are served. "" and null leave it to the line."""

    model_config = RULES

    number: Pattern = Field(description='a number, the beginning of numbers ("+7999*"), or "withheld"')
    persona: str = Field(default="", description="slug of the persona that answers")
    voice: VoiceName = Field(default="", description="voice, as engine:voice")
    language: Language = Field(default="", description="language of the call")
    greeting: Greetings = Field(default="", description="greeting, for all languages or by language")


class ForwardRule(BaseModel):
    """When and how a call goes to a person."""

    model_config = RULES

    to: Number = Field(default="", description="the person's number")
    when: Literal["never", "on_request", "after_hours", "always"] = Field(
        default="never", description="when the caller asks for a person, outside opening hours, or always"
    )
    how: Literal["sms", "line"] = Field(
        default="sms",
        description="sms: the caller hears that a colleague will call back, and the person gets the caller's number as "
        "a message; line: a second line dials the person and both are joined",
    )
    line: str = Field(default="", description="name of the second line")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.when != "never" and not self.to:
            raise ValueError("a call is to be forwarded, but `to` does not say to whom")
        if self.when != "never" and self.how == "line" and not self.line:
            raise ValueError("`line` does not name the second line that dials the person")
        if self.to and is_emergency(self.to, ""):
            raise ValueError(f"{self.to} is an emergency number: the machine never dials it")
        return self


class MenuChoice(BaseModel):
    """What one key does, see services.domain.MenuItem."""

    model_config = RULES

    key: Key = Field(description="the key: 0-9, * or #")
    label: Texts = Field(description="what the choice is called when the menu is read out")
    action: Literal["say", "persona", "message", "transfer"] = Field(description="what the key does")
    value: Texts = Field(default="", description="text to say, slug of the persona, or number to connect with")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.action in ("say", "persona") and not self.value:
            raise ValueError(f"key {self.key} does not say what to {'say' if self.action == 'say' else 'go on with'}")
        if self.action != "say" and not isinstance(self.value, str):
            raise ValueError(f"the value of key {self.key} is no text to be said: it cannot differ by language")
        if self.action == "transfer" and is_emergency(str(self.value), ""):
            raise ValueError(f"{self.value} is an emergency number: the machine never dials it")
        return self


class OutgoingRules(BaseModel):
    """Whom the machine may call by itself: what stands between an intruder and the company's telephone bill."""

    model_config = RULES

    enabled: bool = Field(default=True, description="place calls at all")
    allow: Patterns = Field(
        default=(),
        description="numbers that may be called. * opens ordinary numbers of the own country; foreign, premium and "
        "short numbers each need a pattern that names them (+44*, +7809*, 900). Emergency numbers are never called",
    )
    call_back: bool = Field(
        default=True, description="also call ordinary numbers that called or wrote to us in the last 30 days"
    )
    per_day: int = Field(default=20, ge=0, le=1000, description="calls a day, in the company's time zone")
    per_number_per_day: int = Field(default=5, ge=0, le=100, description="calls a day to the same number")
    hours_only: bool = Field(default=False, description="call in opening hours only")


class SmsRules(BaseModel):
    """Text messages."""

    model_config = RULES

    answer: bool = Field(default=True, description="let the secretary answer messages that come in")
    per_day: int = Field(default=100, ge=0, le=10_000, description="messages sent a day, in the company's time zone")
    per_number_per_hour: int = Field(default=10, ge=0, le=1000, description="messages an hour to the same number")
    delivery_reports: bool = Field(default=True, description="ask the network whether messages arrived")
    allow: Patterns = Field(
        default=(), description="numbers that may be written to, as for calls; who wrote or called last may always"
    )


class LinePolicy(BaseModel):
    """The policy of one line. It is read for each call, so that a change acts on the next one."""

    model_config = RULES

    answer_after_rings: Annotated[int, Field(ge=1, le=10)] | None = Field(
        default=None, description="rings before a call is answered; null: as the installation's settings say"
    )
    persona: str = Field(default="", description="slug of the persona that answers; empty: the language's own")
    voice: VoiceName = Field(default="", description="voice, as engine:voice; empty: the persona's own")
    language: Language = Field(
        default="", description="language of the calls; empty: the house's. Name it with a persona of another language"
    )
    hours: Hours = Field(
        default_factory=Hours,
        description="opening hours in the company's time zone; empty: the company's own, always where it has none",
    )
    outside_hours: Literal["answer", "reject", "ring"] = Field(
        default="answer", description="outside opening hours: answer with a greeting of its own, reject, or let it ring"
    )
    after_hours_greeting: Greetings = Field(
        default="", description="greeting outside opening hours, for all languages or by language; empty: a shipped one"
    )
    allow: Patterns = Field(default=(), description="if there is any, nobody else is answered; * is who shows a number")
    block: Patterns = Field(default=(), description='numbers that are rejected; "withheld" are those without one')
    callers: Annotated[tuple[Caller, ...], Field(strict=False, max_length=1000)] = Field(
        default=(), description="callers who are served in their own way; the closest description counts"
    )
    max_call_seconds: Annotated[int, Field(ge=30, le=86_400)] | None = Field(
        default=None, description="a longer call is ended politely; null: as the voice settings say"
    )
    calls_per_hour: int = Field(
        default=0, ge=0, le=1000, description="calls an hour from one number, withheld ones together; 0: any number"
    )
    record: bool | None = Field(default=None, description="keep a recording; null: as the voice settings say")
    consent_notice: Texts = Field(
        default="", description="heard before a recording begins; where it lacks a call's language, none is made"
    )
    forward: ForwardRule = Field(default_factory=ForwardRule, description="calls that go to a person")
    menu: Annotated[tuple[MenuChoice, ...], Field(strict=False, max_length=12)] = Field(
        default=(), description="keys that callers may press"
    )
    outgoing: OutgoingRules = Field(default_factory=OutgoingRules, description="calls that the machine places")
    sms: SmsRules = Field(default_factory=SmsRules, description="text messages")
    lost_call: Literal["nothing", "call_back", "sms"] = Field(
        default="nothing", description="after a call that our own modem failed: call back, or write lost_call_text"
    )
    lost_call_text: Texts = Field(
        default="", description="message to who was cut off, for all languages or by language; empty: a shipped one"
    )

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        keys = [choice.key for choice in self.menu]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise ValueError(f"key {twice} is in the menu twice")
        return self
