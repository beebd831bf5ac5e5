"""Answers the secretary gives by herself: facts, small talk, keys, honest fallbacks."""

from collections.abc import Sequence

from services.dialogue.scripted import greetings, menu, message, recording
from services.dialogue.scripted.connecting import connected
from services.dialogue.scripted.facts import (
    FACTS,
    KEYS,
    company_name,
    fact,
    persona_name,
)
from services.dialogue.scripted.fixed import FixedText, together
from services.dialogue.scripted.intents import plain
from services.dialogue.scripted.languages import wished_language, words_in
from services.dialogue.scripted.phrases import LANGUAGES
from services.dialogue.scripted.scene import Reply, Scene
from services.dialogue.shapes import EndCall
from services.domain import MenuItem
from services.knowledge.shapes import FaqMatch
from services.knowledge.words import words_of

TALK = ("abilities", "hear_me", "hello", "thanks", "who")
NODS = ("acknowledge", "yes", "no")
NOD = 3  # words
MEANT = 3  # words: what follows an offer to take a message, and is no question, is the message
SLOW = "model_failed"  # the detail of an answer that the model did not give in time, or could not
LITERAL = 0.85  # of the FAQ's score: from here on the owner's own words for a wish win over the script


def by_offer(scene: Scene) -> Reply | None:
    """Take a plain yes or no as the answer to what was offered a moment ago."""
    offer = scene.notes.offer
    scene.notes.offer = ""
    if not offer or len(scene.utterance.text.split()) > 4:
        return None
    if scene.means("leave_message"):
        asked = scene.notes.asked if len(scene.notes.asked.split()) >= MEANT else ""
        return message.start(scene, asked) if offer == "message" else None
    if scene.means("no") or scene.means("dont") or (offer == "more" and scene.means("that_is_all")):
        if offer == "more":
            return scene.farewell(Reply.of("scripted", scene.say("goodbye"), "goodbye"))
        scene.notes.offer = "more"
        return Reply.of("scripted", scene.say("no_offer"), "declined")
    if scene.means("yes"):
        if offer == "message":
            return message.start(scene, scene.notes.asked)
        return Reply.of("scripted", scene.say("anything_else"), "more")
    return None


def told(found: Sequence[FaqMatch]) -> Reply:
    """Answer from the FAQ: one entry, or one for each of several questions asked together."""
    text, ids = together(*(FixedText(each.entry.answer) for each in found)), "+".join(each.entry.id for each in found)
    return Reply.of("faq", text, ids, min(each.score for each in found))


def known(scene: Scene, found: Sequence[FaqMatch]) -> Reply:
    """Answer from the FAQ; where the owner's answer speaks of a message, a plain yes begins one."""
    reply = told(found)
    if scene.intents.means("ask_to_leave", reply.text):
        scene.notes.offer, scene.notes.asked = "message", scene.utterance.text
    return reply


def wish(scene: Scene, score: float) -> bool:
    """Tell whether the caller wants something done rather than answered, unless the FAQ's match is nearly literal."""
    return score < LITERAL and bool(scene.intents.first(("leave_message", "human"), scene.utterance.text))


def by_intent(scene: Scene) -> Reply | None:
    """Answer what the script itself knows how to do."""
    if _names_company(scene) or scene.means("which_company"):
        return Reply.of("scripted", scene.say("this_is", company=company_name(scene)), "company")
    found = scene.intents.first(("leave_message", "human", "repeat", *TALK, *FACTS), scene.utterance.text)
    if found == "leave_message":
        return message.start(scene)
    if found == "human":
        return connected(scene, menu.whom_to_connect(scene))
    if found == "repeat":
        return _again(scene)
    if found in TALK:
        return _talk(scene, found)
    return fact(scene, found) if found else None


def by_language(scene: Scene, found: Sequence[FaqMatch]) -> Reply | None:
    """Answer "do you speak English?", with what the owner says to it in `found`.

    Where the line can change its language it has done so before, so another one is not served.
    """
    wanted = wished_language(scene.utterance.text)
    if not wanted:
        return None
    more = told(found).text if found and found[0].score >= LITERAL else ""
    if wanted == scene.language:
        return Reply.of("scripted", together(scene.say("speaks"), more or scene.say("anything_else")), "language")
    scene.notes.offer, text = "message", together(scene.say("speaks_only"), more, scene.say("speaks_only_offer"))
    return Reply.of("scripted", text, "no_language")


def in_passing(scene: Scene, wanted: str) -> Reply:
    """Answer the same in the middle of a message, which goes on."""
    return Reply.of("scripted", scene.say("speaks" if wanted == scene.language else "speaks_only"), "language")


def _again(scene: Scene) -> Reply:
    """Say the last answer once more; one from before a change of language would be read by the wrong voice."""
    last = scene.notes.last
    if last and not any(words_in(each, last) for each in LANGUAGES if each != scene.language):
        return Reply.of("scripted", last, "repeat")
    if last:
        return Reply.of("scripted", together(scene.say("speaks"), scene.say("anything_else")), "language")
    return Reply.of("scripted", scene.say("nothing_to_repeat"), "repeat")


def _names_company(scene: Scene) -> bool:
    """Tell whether the caller only makes sure of the company: "hello, is this Mint Dental"."""
    said = set(plain(scene.utterance.text).split()) - set(scene.say("around_company").split())
    return bool(said) and said <= set(plain(company_name(scene)).split())


def _talk(scene: Scene, found: str) -> Reply:
    if found == "thanks":
        scene.notes.offer = "more"
    return Reply.of("scripted", scene.say(_talk_key(scene, found), persona=persona_name(scene)), found)


def _talk_key(scene: Scene, found: str) -> str:
    if found != "abilities" or not menu.whom_to_connect(scene):
        return found
    return "abilities_transfer" if scene.conversation.abilities.transfer else "abilities_call_back"


def unaided(scene: Scene, offered: str) -> Reply:
    """Answer where there is no model to ask: to a bad word, to a nod at nothing, to no words; else say what is so.

    `offered` is what was offered before this turn.
    """
    words, text = words_of(scene.language), scene.utterance.text
    found = scene.intents.first(("rude", "wait", "cancel", *NODS), text)
    if found == "rude":
        scene.notes.offer = "message"
        return Reply.of("scripted", scene.say("rude"), "rude")
    if found == "wait":
        return Reply.of("scripted", scene.say("wait"), "wait")
    if found and len(text.split()) <= NOD:
        scene.notes.offer = "more"
        return Reply.of("scripted", scene.say("more_help" if found in ("yes", "acknowledge") else "no_offer"), found)
    if words is not None and not words.stems(text):
        return Reply.of("scripted", scene.say("anything_else"), "filler")
    return unknown(scene, offered=offered)


def goodbye(scene: Scene) -> Reply:
    """Part politely and end the call."""
    return scene.farewell(Reply.of("scripted", scene.say("goodbye"), "goodbye"))


def key(scene: Scene) -> Reply:
    """Answer a pressed key; the closing # alone arrives as no digits at all."""
    pressed = scene.utterance.text.strip()[:1]
    item = menu.item_on(scene, pressed)
    if item is not None:
        return _chosen(scene, item)
    if pressed in ("", "0", "#"):
        return message.start(scene)
    if pressed == "*" and scene.notes.last:
        return _again(scene)
    if choices := menu.told(scene):
        return _nothing_on(scene, pressed, choices)
    if pressed in KEYS:
        return fact(scene, KEYS[pressed])
    return Reply.of("scripted", scene.say("key_unknown"), "key")


def _chosen(scene: Scene, item: MenuItem) -> Reply:
    """Do what the owner has laid on a key; another persona has taken the call over before this is asked."""
    scene.notes.wrong_keys = scene.notes.misses = 0
    if item.action == "message":
        return message.start(scene)
    if item.action == "transfer":
        return connected(scene, item.value or menu.whom_to_connect(scene))
    if item.action == "say":
        return Reply.of("scripted", FixedText(item.value), "menu")
    if scene.conversation.persona.slug == item.value:
        return Reply.of("greeting", greetings.hello(scene), "menu")
    return connected(scene, "")


def _nothing_on(scene: Scene, pressed: str, choices: str) -> Reply:
    """Say that nothing is on that key; the choices are told once more, and then no more."""
    scene.notes.wrong_keys += 1
    text = scene.say("key_unknown_menu", button=menu.key_name(scene, pressed))
    if scene.notes.wrong_keys == 1 or not scene.conversation.abilities.ears:
        return Reply.of("scripted", together(text, choices), "key")
    return Reply.of("scripted", together(text, scene.say("key_unknown_speak")), "key")


def not_heard(scene: Scene) -> Reply:
    """Somebody spoke and nothing was understood: ask, then offer other ways, then keep the voice, then part."""
    notes, able = scene.notes, scene.conversation.abilities
    notes.misses += 1
    if not able.ears and notes.misses < 3:
        keys = (menu.told(scene) or scene.say("no_ears_keys")) if able.digits else FixedText()
        return Reply.of("scripted", together(scene.say("no_ears_nothing"), keys), "no_ears")
    if notes.misses == 1:
        return Reply.of("scripted", scene.say("not_heard"), "not_heard")
    if notes.misses == 2:
        notes.offer = "message"
        if choices := menu.told(scene):
            return Reply.of("scripted", together(scene.say("not_heard_menu"), choices), "not_heard")
        return Reply.of("scripted", scene.say("not_heard_keys" if able.digits else "not_heard_offer"), "not_heard")
    if notes.misses == 3 and able.keep_audio:
        return recording.begin(scene, scene.say("not_heard_record"))
    return scene.farewell(Reply.of("scripted", scene.say("not_heard_goodbye"), "not_heard"))


def unknown(scene: Scene, detail: str = "fallback", offered: str = "") -> Reply:
    """Nobody knows the answer, or it does not come (SLOW): say so and offer a message; the third time, take one.

    `offered` is what was offered before: who goes on telling after the offer of a message, leaves one.
    """
    notes, text = scene.notes, scene.utterance.text.strip()
    if offered == "message" and len(text.split()) >= MEANT and not scene.means("question"):
        return message.start(scene, _both(notes.asked, text))
    notes.unknowns += 1
    if notes.unknowns > 2:
        reply = message.start(scene, _both(notes.asked, text))
        reply.text = scene.say("fallback_last", ask=scene.say("ask_name"))
        return reply
    notes.offer, notes.asked = "message", scene.utterance.text
    if detail == SLOW:
        return Reply.of("scripted", scene.say("slow"), detail)
    if notes.unknowns == 1:
        return Reply.of("scripted", scene.say("fallback"), detail)
    return Reply.of("scripted", scene.say("fallback_again"), detail)


def _both(asked: str, text: str) -> str:
    """Join what was asked before with what is said now: both are for the owner."""
    return f"{asked.rstrip(' .?!')}. {text}" if asked else text


def silence(scene: Scene, count: int) -> Reply:
    """Nobody has said anything for a while, for the `count`-th time in a row."""
    draft = message.in_progress(scene)
    if draft is not None:
        return message.silence(scene, draft, count)
    if count >= (2 if scene.outgoing else 3):  # who was called and says nothing is not looking for a button
        return scene.farewell(Reply.of("scripted", scene.say("silence_goodbye"), "silence"))
    able = scene.conversation.abilities
    if count == 2 and able.digits and (able.ears or able.keep_audio) and menu.message_on_zero(scene):
        return Reply.of("scripted", scene.say("still_there_keys"), "silence")
    return Reply.of("scripted", scene.say("still_there"), "silence")


def time_is_up(scene: Scene) -> Reply:
    """End a call that has lasted as long as calls may; a message being taken is in the book already."""
    draft = message.in_progress(scene)
    reply = Reply.of("scripted", scene.say("time_is_up_kept" if draft and draft.saved else "time_is_up"), "time_is_up")
    reply.effects.append(EndCall("max_call"))
    return reply


def apology(scene: Scene) -> Reply:
    """A part of the house failed in the middle of this turn."""
    if not scene.conversation.abilities.ears:
        return Reply.of("scripted", scene.say("apology_no_ears"), "apology")
    scene.notes.offer = "message"
    return Reply.of("scripted", scene.say("apology"), "apology")
