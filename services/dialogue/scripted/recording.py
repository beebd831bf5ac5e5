"""The caller's voice as the message: what is left when speech cannot be understood."""

from services.dialogue.scripted import menu
from services.dialogue.scripted.draft import Draft, Step
from services.dialogue.scripted.facts import KEYS, fact
from services.dialogue.scripted.fixed import FixedText
from services.dialogue.scripted.keeping import finished, going_on
from services.dialogue.scripted.scene import Reply, Scene


def begin(scene: Scene, text: str = "") -> Reply:
    """Start keeping the voice; the utterance at hand is its first part. `text` is said instead of the usual words."""
    draft = Draft.new(scene.conversation.call_id, scene.now, scene.utterance.span, Step.RECORD)
    draft.number = scene.conversation.number
    draft.hear(scene.utterance.span)
    if draft.spans:
        return going_on(scene, draft, text or _acknowledged(scene))
    if not scene.conversation.abilities.keep_audio:
        return Reply.of("scripted", scene.say("no_ears_nothing"), "no_ears")
    reply = Reply.of("message", text or _invitation(scene), draft.step.value)
    scene.notes.draft = draft.to_json()
    return reply


def step(scene: Scene, draft: Draft) -> Reply:
    """Take one more stretch of voice, or a key."""
    utterance = scene.utterance
    if utterance.source == "digits":
        return _key(scene, draft, utterance.text.strip()[:1])
    draft.hear(utterance.span)
    if utterance.understood:
        if scene.means("goodbye") or scene.means("that_is_all"):
            return end(scene, draft)
        draft.matter = f"{draft.matter} {utterance.text.strip()}".strip()
    return going_on(scene, draft, _acknowledged(scene))


def end(scene: Scene, draft: Draft) -> Reply:
    """Thank the caller: the owner will hear this."""
    return scene.farewell(finished(scene, draft, scene.say("record_done"), confirmed=True))


def _key(scene: Scene, draft: Draft, pressed: str) -> Reply:
    item = menu.item_on(scene, pressed)
    if item is not None and item.action == "say":
        return Reply.of("scripted", FixedText(item.value), "menu")
    if pressed in KEYS and not scene.conversation.menu:
        return fact(scene, KEYS[pressed])
    if pressed not in ("", "0", "#"):
        unknown = scene.say("key_unknown_menu", button=menu.key_name(scene, pressed))
        return Reply.of("scripted", unknown if scene.conversation.menu else scene.say("key_unknown"), "key")
    if draft.spans or draft.matter:
        return end(scene, draft)
    return Reply.of("message", _invitation(scene), draft.step.value)


def _invitation(scene: Scene) -> str:
    return scene.say("record_go" if scene.keys_offered else "record_go_plain")


def _acknowledged(scene: Scene) -> str:
    return scene.say("recorded" if scene.keys_offered else "recorded_plain")
