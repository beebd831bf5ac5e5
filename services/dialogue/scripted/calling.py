"""What is said on calls of our own only: the opening again where it was cut, why we call, goodbye to who is busy."""

from services.dialogue.notice import notice_of
from services.dialogue.scripted import greetings
from services.dialogue.scripted.facts import company_name, persona_name
from services.dialogue.scripted.fixed import together
from services.dialogue.scripted.intents import plain
from services.dialogue.scripted.scene import Reply, Scene

_SHORT = 2  # words: a "hello?" or a "yes, speaking"
_BRIEF = 6  # words: longer ones speak of being busy rather than say so


def answer(scene: Scene) -> Reply | None:
    """Answer what is said to a caller rather than by one, None for anything else."""
    if not scene.outgoing:
        return None
    text = scene.utterance.text
    if _into_opening(scene):
        return Reply.of("greeting", greetings.opening_words(scene), "again")
    if scene.means("refuses_call") and len(text.split()) <= _BRIEF:
        return scene.farewell(Reply.of("scripted", scene.say("sorry_to_trouble"), "refused"))
    if scene.means("who"):
        who = scene.say("who_calls", persona=persona_name(scene), company=company_name(scene))
        return Reply.of("scripted", together(who, greetings.purpose(scene)), "who")
    if scene.means("why_calling") and (why := greetings.purpose(scene)):
        return Reply.of("scripted", why, "purpose")
    if scene.means("hello"):
        return Reply.of("greeting", greetings.opening_words(scene), "again")
    return None


def _into_opening(scene: Scene) -> bool:
    """Tell whether a mere hello, a yes or a word of theirs has cut the opening, so that it wants saying again."""
    conversation = scene.conversation
    said = [turn.text for turn in conversation.history if turn.role == "secretary"][-1:]
    opening = greetings.opening_words(scene)
    whole = [plain(opening), plain(f"{notice_of(conversation)} {opening}")]
    heard = plain(said[0]) if said else ""
    if heard in whole or not any(each.startswith(heard) for each in whole):
        return False
    return len(scene.utterance.text.split()) <= _SHORT or bool(
        scene.intents.first(("hello", "hear_me", "why_calling"), scene.utterance.text)
    )
