"""Keeping a message while and after it is taken: the book has it as soon as there is anything to have."""

from services.dialogue.scripted.draft import Draft
from services.dialogue.scripted.scene import Reply, Scene
from services.dialogue.shapes import KeepAudio
from services.domain import TakenMessage


def going_on(scene: Scene, draft: Draft, text: str) -> Reply:
    """Say `text` and wait for the next answer; what there is so far is saved, unconfirmed."""
    reply = Reply.of("message", text, draft.step.value)
    _keep(scene, draft, reply, confirmed=False)
    scene.notes.draft = reply.draft = draft.to_json()
    return reply


def finished(scene: Scene, draft: Draft, text: str, *, confirmed: bool) -> Reply:
    """End the flow with what there is."""
    reply = Reply.of("message", text, "confirmed" if confirmed else "unconfirmed")
    _keep(scene, draft, reply, confirmed=confirmed)
    reply.draft = draft.to_json()
    scene.notes.draft = None
    scene.notes.offer = "more"
    if draft.name:
        scene.notes.name = draft.name
    return reply


def dropped(scene: Scene, draft: Draft, text: str) -> Reply:
    """The caller takes the message back: what was saved of it leaves the book, and its sound is let go."""
    reply = Reply.of("message", text, "cancelled")
    if draft.saved:
        reply.discarded, reply.draft = draft.id, draft.to_json()
        reply.effects.append(KeepAudio(draft.id, ()))
    scene.notes.draft = None
    return reply


def keeps_voice(scene: Scene, draft: Draft) -> bool:
    """Tell whether the caller's own voice is part of the message."""
    return scene.conversation.abilities.keep_audio and bool(draft.spans)


def _keep(scene: Scene, draft: Draft, reply: Reply, *, confirmed: bool) -> None:
    keep_audio = scene.conversation.abilities.keep_audio
    if not draft.worth_keeping(keep_audio=keep_audio):
        return
    draft.saved = True
    reply.taken = _taken(scene, draft, confirmed=confirmed)
    if keeps_voice(scene, draft):
        reply.effects.append(KeepAudio(draft.id, draft.audio))


def _taken(scene: Scene, draft: Draft, *, confirmed: bool) -> TakenMessage:
    conversation = scene.conversation
    return draft.taken(
        conversation.company.id,
        conversation.id,
        scene.language,
        confirmed=confirmed,
        keep_audio=conversation.abilities.keep_audio,
    )
