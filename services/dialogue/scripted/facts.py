"""The company's facts, asked in words or by keys."""

from services.dialogue.known_facts import facts_of
from services.dialogue.notice import NOTICE_FACT
from services.dialogue.scripted.fixed import FixedText
from services.dialogue.scripted.scene import Reply, Scene

FACTS = ("hours", "address", "prices", "phone")
KEYS = {"1": "hours", "2": "address", "3": "prices"}
TRANSFER_FACT = "transfer"  # the number or extension the owner gave for "connect me with a person"
UNTOLD = (TRANSFER_FACT, NOTICE_FACT)  # no caller asks for these, and no model is told


def fact(scene: Scene, key: str) -> Reply:
    """Tell a fact of the company, or that the owner has not given it."""
    text = fact_text(scene, key)
    if text:
        return Reply.of("facts", FixedText(text), key)
    if scene.conversation.abilities.ears:
        scene.notes.offer = "message"
        scene.notes.asked = scene.utterance.text if scene.utterance.source != "digits" else ""
        return Reply.of("scripted", scene.say("no_fact"), key)
    return Reply.of("scripted", scene.say("no_fact_earless"), key)


def fact_text(scene: Scene, key: str) -> str:
    """Return a fact in the language spoken, or what the company's settings tell; whom to call has no language."""
    company = scene.conversation.company
    if key == TRANSFER_FACT:
        return company.fact(key, scene.language) or company.fact(key, company.language)
    return facts_of(company, scene.language).get(key, "")


def company_name(scene: Scene) -> str:
    """Return the company's name as this language says it."""
    company = scene.conversation.company
    return FixedText(company.fact("name", scene.language) or company.name)


def persona_name(scene: Scene) -> str:
    """Return the name the secretary goes by."""
    return FixedText(scene.conversation.persona.name)
