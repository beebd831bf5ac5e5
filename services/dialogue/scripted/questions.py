"""What is asked while a message is taken, and what comes next."""

from services.dialogue.scripted import connecting
from services.dialogue.scripted.draft import Draft, Step
from services.dialogue.scripted.fixed import together
from services.dialogue.scripted.keeping import finished, going_on, keeps_voice
from services.dialogue.scripted.numbers import read_back
from services.dialogue.scripted.scene import Reply, Scene

_QUESTIONS = {
    Step.MATTER: "ask_matter",
    Step.NAME: "ask_name",
    Step.OFFER: "offer_number",
    Step.NUMBER: "ask_number",
    Step.FIX: "ask_what",
}


def question(scene: Scene, draft: Draft) -> str:
    """Return the question that is open now."""
    if draft.call_back:
        return connecting.question(scene, draft)
    if draft.step is Step.CONFIRM:
        return scene.say("confirm", summary=summary(scene, draft))
    return scene.say(_QUESTIONS[draft.step])


def next_question(scene: Scene, draft: Draft, lead: str = "", *, again: bool = False) -> Reply:
    """Move to the first question that is not settled and ask it after `lead`; read all back when none is left."""
    known_number = bool(scene.conversation.number) and "offer" not in draft.settled
    if "name" not in draft.settled:
        draft.step = Step.NAME
    elif "number" not in draft.settled:
        draft.step = Step.OFFER if known_number else Step.NUMBER
    else:
        draft.step = Step.CONFIRM
        if draft.call_back and not draft.number:
            return connecting.without_number(scene, draft)
        if not draft.worth_keeping(keep_audio=scene.conversation.abilities.keep_audio):
            return finished(scene, draft, scene.say("nothing_taken"), confirmed=False)
    if draft.call_back:
        text = question(scene, draft)
    elif draft.step is Step.CONFIRM and again:
        text = scene.say("confirm_again", summary=summary(scene, draft))
    elif draft.step is Step.CONFIRM:
        text = scene.say("confirm", summary=summary(scene, draft, voice=not lead))
    elif draft.step is Step.NAME and not lead:
        text = scene.say("noted_ask_name")
    else:
        text = question(scene, draft)
    return going_on(scene, draft, together(lead, text))


def not_understood(scene: Scene, draft: Draft, slot: str, key: str) -> Reply:
    """Ask once more; the second time keep the voice as the answer and go on."""
    draft.tries += 1
    if draft.tries < 2:
        text = scene.say(key)
        return going_on(scene, draft, text)
    draft.settle(slot)
    draft.voice = keeps_voice(scene, draft)
    return next_question(scene, draft, scene.say("voice_kept") if draft.voice else "")


def summary(scene: Scene, draft: Draft, *, voice: bool = True) -> str:
    """Read the message back, figures in groups; without `voice` the recording has just been spoken of."""
    parts = []
    if draft.matter:
        parts.append(scene.say("summary_matter", matter=draft.matter.rstrip(" .")))
    if draft.name:
        parts.append(scene.say("summary_name", name=draft.name))
    if draft.number and same_number(draft.number, scene.conversation.number):
        parts.append(scene.say("summary_number_same"))
    elif draft.number:
        parts.append(scene.say("summary_number", number=read_back(draft.number, scene.language)))
    elif draft.refused_number:
        parts.append(scene.say("summary_no_number"))
    if voice and (draft.voice or (not draft.matter and keeps_voice(scene, draft))):
        parts.append(scene.say("summary_voice"))
    return " ".join(parts)


def same_number(one: str, other: str) -> bool:
    """Tell whether two numbers are written differently but call the same phone: +7 916 ..., 8 916 ..."""
    plain = ["".join(filter(str.isdigit, each))[-10:] for each in (one, other)]
    return len(plain[0]) >= 5 and plain[0] == plain[1]
