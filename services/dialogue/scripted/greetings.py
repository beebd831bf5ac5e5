"""How a call is opened: the notice, who answers, a word to a returning caller, what can be done without ears."""

import re

from services.dialogue.scripted.facts import company_name, notice, persona_name
from services.dialogue.scripted.fixed import FixedText, together
from services.dialogue.scripted.phrases import fill
from services.dialogue.scripted.scene import Reply, Scene


def greeting(scene: Scene) -> Reply:
    """Open the conversation."""
    conversation = scene.conversation
    values = {"company": company_name(scene), "name": persona_name(scene), "persona": persona_name(scene)}
    if not conversation.abilities.ears:
        return _announced(scene, Reply.of("greeting", _earless_greeting(scene, values), "no_ears"))
    persona = conversation.persona
    if persona.language == scene.language and persona.greeting.strip():
        opening: str = FixedText(fill(persona.greeting, values))
    else:
        opening = scene.say("greet_plain", **values)
    if not conversation.returning:
        return _announced(scene, Reply.of("greeting", opening))
    name = scene.notes.name
    again = scene.say("greet_again_name", name=name) if name else scene.say("greet_again")
    first, last = _before_question(opening)
    return _announced(scene, Reply.of("greeting", together(first, again, last), "returning"))


def _announced(scene: Scene, reply: Reply) -> Reply:
    """Put the legal notice before the greeting, where the owner has one."""
    reply.notice = notice(scene)
    return reply


def _before_question(opening: str) -> tuple[str, str]:
    """Split off the question that a greeting ends with, so that it stays the last thing said; all of it is fixed."""
    found = re.fullmatch(r"(.*[.!])\s+([^.!?]+\?)", opening.strip(), re.S)
    return (FixedText(found[1]), FixedText(found[2])) if found else (opening, FixedText())


def _earless_greeting(scene: Scene, values: dict[str, str]) -> str:
    able = scene.conversation.abilities
    parts = [scene.say("greet_no_ears", **values)]
    if able.keep_audio:
        parts.append(scene.say("no_ears_record"))
    if able.keep_audio and able.digits:
        parts.append(scene.say("no_ears_finish"))
    if able.digits:
        parts.append(scene.say("no_ears_keys"))
    if not able.keep_audio:
        parts.append(scene.say("no_ears_nothing"))
    return together(*parts)
