"""Answers the secretary gives by herself: greeting, facts, small talk, keys, honest fallbacks."""

from services.dialogue.scripted import message, recording
from services.dialogue.scripted.facts import FACTS, KEYS, TRANSFER_FACT, company_name, fact, fact_text
from services.dialogue.scripted.phrases import fill
from services.dialogue.scripted.scene import Reply, Scene
from services.dialogue.shapes import Transfer

LITERAL = 0.85  # of the FAQ's score: from here on the owner's own words for a wish win over the script


def greeting(scene: Scene) -> Reply:
    """Open the conversation."""
    conversation = scene.conversation
    values = {"company": company_name(scene), "name": conversation.persona.name, "persona": conversation.persona.name}
    if not conversation.abilities.ears:
        return Reply.of("greeting", _earless_greeting(scene, values), "no_ears")
    persona = conversation.persona
    if persona.language == scene.language and persona.greeting.strip():
        opening = fill(persona.greeting, values)
    else:
        opening = scene.say("greet_plain", **values)
    if not conversation.returning:
        return Reply.of("greeting", opening)
    name = scene.notes.name
    again = scene.say("greet_again_name", name=name) if name else scene.say("greet_again")
    return Reply.of("greeting", f"{opening} {again}", "returning")


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
    return " ".join(parts)


def by_offer(scene: Scene) -> Reply | None:
    """Take a plain yes or no as the answer to what was offered a moment ago."""
    offer = scene.notes.offer
    scene.notes.offer = ""
    if not offer or len(scene.utterance.text.split()) > 4:
        return None
    if scene.means("leave_message"):
        return message.start(scene, scene.notes.asked) if offer == "message" else None
    if scene.means("no") or scene.means("dont"):
        if offer == "more":
            return scene.farewell(Reply.of("scripted", scene.say("goodbye"), "goodbye"))
        scene.notes.offer = "more"
        return Reply.of("scripted", scene.say("no_offer"), "declined")
    if scene.means("yes"):
        if offer == "message":
            return message.start(scene, scene.notes.asked)
        return Reply.of("scripted", scene.say("anything_else"), "more")
    return None


def wish(scene: Scene, score: float) -> bool:
    """Tell whether the caller wants something done rather than answered, unless the FAQ's match is nearly literal."""
    return score < LITERAL and bool(scene.intents.first(("leave_message", "human"), scene.utterance.text))


def by_intent(scene: Scene) -> Reply | None:
    """Answer what the script itself knows how to do."""
    found = scene.intents.first(
        ("leave_message", "human", "repeat", "abilities", "hello", "thanks", *FACTS), scene.utterance.text
    )
    if found == "leave_message":
        return message.start(scene)
    if found == "human":
        return _human(scene)
    if found == "repeat":
        return Reply.of("scripted", scene.notes.last or scene.say("nothing_to_repeat"), "repeat")
    if found == "abilities":
        key = "abilities_transfer" if _operator(scene) else "abilities"
        return Reply.of("scripted", scene.say(key), "abilities")
    if found == "thanks":
        scene.notes.offer = "more"
    if found in ("hello", "thanks"):
        return Reply.of("scripted", scene.say(found), found)
    return fact(scene, found) if found else None


def goodbye(scene: Scene) -> Reply:
    """Part politely and end the call."""
    return scene.farewell(Reply.of("scripted", scene.say("goodbye"), "goodbye"))


def key(scene: Scene) -> Reply:
    """Answer a pressed key; the closing # alone arrives as no digits at all."""
    pressed = scene.utterance.text.strip()[:1]
    if pressed in ("", "0", "#"):
        return message.start(scene)
    if pressed in KEYS:
        return fact(scene, KEYS[pressed])
    if pressed == "*" and scene.notes.last:
        return Reply.of("scripted", scene.notes.last, "repeat")
    return Reply.of("scripted", scene.say("key_unknown"), "key")


def not_heard(scene: Scene) -> Reply:
    """Somebody spoke and nothing was understood: ask, then offer other ways, then keep the voice, then part."""
    notes, able = scene.notes, scene.conversation.abilities
    notes.misses += 1
    if not able.ears and notes.misses < 3:
        keys = scene.say("no_ears_keys") if able.digits else ""
        return Reply.of("scripted", f"{scene.say('no_ears_nothing')} {keys}".strip(), "no_ears")
    if notes.misses == 1:
        return Reply.of("scripted", scene.say("not_heard"), "not_heard")
    if notes.misses == 2:
        notes.offer = "message"
        return Reply.of("scripted", scene.say("not_heard_keys" if able.digits else "not_heard_offer"), "not_heard")
    if notes.misses == 3 and able.keep_audio:
        return recording.begin(scene, scene.say("not_heard_record"))
    return scene.farewell(Reply.of("scripted", scene.say("not_heard_goodbye"), "not_heard"))


def unknown(scene: Scene, detail: str = "fallback") -> Reply:
    """Nobody knows the answer: say so and offer a message; the third time in a row, take one."""
    notes = scene.notes
    notes.unknowns += 1
    if notes.unknowns > 2:
        reply = message.start(scene, scene.utterance.text)
        reply.text = scene.say("fallback_last", ask=scene.say("ask_name"))
        return reply
    notes.offer, notes.asked = "message", scene.utterance.text
    if notes.unknowns == 1:
        return Reply.of("scripted", scene.say("fallback"), detail)
    return Reply.of("scripted", scene.say("fallback_keys" if scene.keys_offered else "fallback_again"), detail)


def silence(scene: Scene, count: int) -> Reply:
    """Nobody has said anything for a while, for the `count`-th time in a row."""
    draft = message.in_progress(scene)
    if draft is not None:
        return message.silence(scene, draft, count)
    if count >= 3:
        return scene.farewell(Reply.of("scripted", scene.say("silence_goodbye"), "silence"))
    able = scene.conversation.abilities
    if count == 2 and able.digits and (able.ears or able.keep_audio):
        return Reply.of("scripted", scene.say("still_there_keys"), "silence")
    return Reply.of("scripted", scene.say("still_there"), "silence")


def apology(scene: Scene) -> Reply:
    """A part of the house failed in the middle of this turn."""
    if not scene.conversation.abilities.ears:
        return Reply.of("scripted", scene.say("apology_no_ears"), "apology")
    scene.notes.offer = "message"
    return Reply.of("scripted", scene.say("apology"), "apology")


def _human(scene: Scene) -> Reply:
    to = _operator(scene)
    if to:
        reply = Reply.of("scripted", scene.say("connecting"), "transfer")
        reply.effects.append(Transfer(to))
        return reply
    scene.notes.offer = "message"
    return Reply.of("scripted", scene.say("no_transfer"), "no_transfer")


def _operator(scene: Scene) -> str:
    """Return whom to connect with, "" when the line cannot transfer or the owner has named nobody."""
    return fact_text(scene, TRANSFER_FACT) if scene.conversation.abilities.transfer else ""
