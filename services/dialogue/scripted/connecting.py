"""Handing a caller on to a person: connected at once, or, where the line only calls back, called back at once."""

from services.dialogue.scripted.draft import Draft, Step
from services.dialogue.scripted.keeping import dropped, finished, going_on
from services.dialogue.scripted.numbers import read_back
from services.dialogue.scripted.scene import Reply, Scene
from services.dialogue.shapes import EndCall, Transfer


def connected(scene: Scene, to: str) -> Reply:
    """Hand the caller on to `to`, or offer a message where nobody can be reached ("")."""
    able = scene.conversation.abilities
    if to and able.transfer:
        reply = Reply.of("scripted", scene.say("connecting"), "transfer")
        reply.effects.append(Transfer(to))
        return reply
    if to and able.call_back and scene.conversation.number:
        return _promised(scene, Reply.of("scripted", scene.say("call_back_now"), "call_back"), Transfer(to))
    if to and able.call_back and (able.ears or able.digits):
        return _ask_number(scene, to)
    return not_connected(scene)


def not_connected(scene: Scene) -> Reply:
    """Say that nobody can be reached, and offer to take a message."""
    scene.notes.offer = "message"
    return Reply.of("scripted", scene.say("no_transfer"), "no_transfer")


def question(scene: Scene, draft: Draft) -> str:
    """Return what is asked of a caller who is to be called back and whose number is withheld."""
    if draft.step is Step.CONFIRM:
        return scene.say("call_back_confirm", number=read_back(draft.number, scene.language))
    return scene.say("call_back_number")


def promised(scene: Scene, draft: Draft) -> Reply:
    """The number is known: keep the wish for the owner, too, and have the caller called back."""
    reply = finished(scene, draft, scene.say("call_back_now_number"), confirmed=True)
    return _promised(scene, reply, Transfer(draft.call_back, draft.number))


def without_number(scene: Scene, draft: Draft) -> Reply:
    """Nobody can call a caller back who gives no number."""
    scene.notes.offer = "more"
    return dropped(scene, draft, scene.say("call_back_no_number"))


def _ask_number(scene: Scene, to: str) -> Reply:
    draft = Draft.new(scene.conversation.call_id, scene.now, scene.utterance.span, Step.NUMBER)
    draft.call_back = to
    draft.matter = scene.say("call_back_matter")
    draft.settle("matter")
    draft.settle("name")
    scene.notes.unknowns = scene.notes.misses = 0
    scene.notes.offer = ""
    return going_on(scene, draft, question(scene, draft))


def _promised(scene: Scene, reply: Reply, transfer: Transfer) -> Reply:
    reply.effects.append(transfer)
    if scene.conversation.abilities.hang_up:
        reply.effects.append(EndCall("call_back"))
    return reply
