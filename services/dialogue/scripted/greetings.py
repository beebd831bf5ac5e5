"""How a call is opened: the notice, who answers, a word to a returning caller, what can be done without ears."""

import re

from services.dialogue.notice import notice_of
from services.dialogue.scripted import menu
from services.dialogue.scripted.connecting import connected
from services.dialogue.scripted.facts import company_name, persona_name
from services.dialogue.scripted.fixed import FixedText, together
from services.dialogue.scripted.phrases import fill
from services.dialogue.scripted.scene import Reply, Scene


def greeting(scene: Scene) -> Reply:
    """Open the conversation."""
    conversation = scene.conversation
    able = conversation.abilities
    if scene.outgoing:
        return _announced(scene, Reply.of("greeting", opening_words(scene), "opening"))
    if conversation.transfer_first and conversation.transfer_to and (able.transfer or able.call_back):
        return _announced(scene, _handed_on(scene))
    if not able.ears:
        return _announced(scene, Reply.of("greeting", _earless_greeting(scene), "no_ears"))
    opening = hello(scene)
    if not conversation.returning:
        return _announced(scene, Reply.of("greeting", together(opening, menu.told(scene))))
    name = scene.notes.name
    again = scene.say("greet_again_name", name=name) if name else scene.say("greet_again")
    first, last = _before_question(opening)
    return _announced(scene, Reply.of("greeting", together(first, again, last, menu.told(scene)), "returning"))


def _handed_on(scene: Scene) -> Reply:
    """Say who answers, and hand the caller on to the person whom the line's owner has named."""
    reply = connected(scene, scene.conversation.transfer_to)
    reply.text = together(_before_question(hello(scene))[0], reply.text)
    return reply


def opening_words(scene: Scene) -> str:
    """Return what a call of our own is opened with: the owner's words, else who calls and why.

    Not a fixed text where it holds the purpose: that may be about the very person who is called.
    """
    own = scene.conversation.opening.strip()
    if own:
        return fill(own, _names(scene))
    return together(scene.say("call_opening", **_names(scene)), purpose(scene) or scene.say("call_purpose_unknown"))


def purpose(scene: Scene) -> str:
    """Return the sentence that says why we call, "" where nobody has told."""
    text = scene.conversation.purpose.strip().rstrip(" .")
    return scene.say("call_purpose", purpose=text) if text else FixedText()


def hello(scene: Scene) -> str:
    """Return how the persona introduces herself."""
    persona = scene.conversation.persona
    if persona.language == scene.language and persona.greeting.strip():
        return FixedText(fill(persona.greeting, _names(scene)))
    return scene.say("greet_plain", **_names(scene))


def _names(scene: Scene) -> dict[str, str]:
    return {"company": company_name(scene), "name": persona_name(scene), "persona": persona_name(scene)}


def _announced(scene: Scene, reply: Reply) -> Reply:
    """Put the legal notice before the greeting, where the owner has one."""
    reply.notice = notice_of(scene.conversation)
    return reply


def _before_question(opening: str) -> tuple[str, str]:
    """Split off the question that a greeting ends with, so that it stays the last thing said; all of it is fixed."""
    found = re.fullmatch(r"(.*[.!])\s+([^.!?]+\?)", opening.strip(), re.S)
    return (FixedText(found[1]), FixedText(found[2])) if found else (opening, FixedText())


def _earless_greeting(scene: Scene) -> str:
    able = scene.conversation.abilities
    parts = [scene.say("greet_no_ears", **_names(scene))]
    if able.keep_audio:
        parts.append(scene.say("no_ears_record"))
    if able.keep_audio and able.digits:
        parts.append(scene.say("no_ears_finish"))
    if able.digits:
        parts.append(menu.told(scene) or scene.say("no_ears_keys"))
    if not able.keep_audio:
        parts.append(scene.say("no_ears_nothing"))
    return together(*parts)
