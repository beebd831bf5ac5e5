"""Taking a message: an explicit state machine whose whole memory is the draft in the conversation's state.

    MATTER -> NAME -> OFFER -> NUMBER -> CONFIRM <-> FIX        RECORD (the caller's voice only)

Answers given early are not asked for again; goodbye, "cancel", "repeat" and a question of the FAQ work at every step.
"""

from services.dialogue.scripted import recording, steps
from services.dialogue.scripted.draft import Draft, Step
from services.dialogue.scripted.fixed import together
from services.dialogue.scripted.keeping import finished, going_on
from services.dialogue.scripted.languages import wished_language
from services.dialogue.scripted.questions import next_question, question
from services.dialogue.scripted.scene import Reply, Scene
from services.dialogue.scripted.slots import slots_of

CALLED_OFF = 6  # words: "no, I have changed my mind, nothing" is no message
BRIEF = 4  # words: longer utterances mention goodbyes and cancellations rather than mean them


def in_progress(scene: Scene) -> Draft | None:
    """Return the message being taken, None when there is none or it cannot be read."""
    draft = Draft.from_json(scene.notes.draft)
    if draft is None:
        scene.notes.draft = None
    return draft


def start(scene: Scene, matter: str = "") -> Reply:
    """Begin a message; what the caller has already said of it (or asked, as `matter`) is not asked again."""
    words = scene.utterance.understood and scene.utterance.source != "digits"
    if not scene.conversation.abilities.ears and not words:
        return recording.begin(scene)
    scene.notes.unknowns = scene.notes.misses = 0
    scene.notes.offer = ""
    draft = Draft.new(scene.conversation.call_id, scene.now, scene.utterance.span)
    lead = scene.say("will_pass") if matter else ""
    if not matter and scene.utterance.source != "digits":
        matter = slots_of(scene.language).matter(scene.utterance.text) or _whole_wish(scene)
    if scene.utterance.source != "digits":
        steps.harvest(scene, draft, scene.utterance.text)
    if matter or draft.name or draft.number:
        draft.hear(scene.utterance.span)
    if matter:
        steps.take_matter(scene, draft, matter)
        return next_question(scene, draft, lead)
    return going_on(scene, draft, scene.say("start_matter"))


def _whole_wish(scene: Scene) -> str:
    """Return "call me back about the contract" as the message it is; "" for "can I leave a message"."""
    slots, text = slots_of(scene.language), scene.utterance.text.strip()
    if scene.means("ask_to_leave"):
        return slots.after_asking(text)
    return text if scene.means("leave_message") and slots.length(text) >= BRIEF else ""


def step(scene: Scene, draft: Draft) -> Reply:
    """Take one answer."""
    if draft.step is Step.RECORD:
        return recording.step(scene, draft)
    if scene.utterance.understood and scene.utterance.source != "digits":
        aside = _aside(scene, draft)
        if aside is not None:
            return aside
    draft.hear(scene.utterance.span)
    return steps.HANDLERS[draft.step](scene, draft)


def may_be_question(scene: Scene, draft: Draft) -> bool:
    """Tell whether the utterance looks like a question rather than the answer that is awaited."""
    spoken = scene.utterance.source != "digits" and scene.utterance.understood
    return spoken and draft.step is not Step.RECORD and scene.means("question")


def asks_for_language(scene: Scene, draft: Draft) -> str:
    """Return the language asked for in the middle of the message, "" for none; one word may be a name."""
    spoken = scene.utterance.source != "digits" and draft.step is not Step.RECORD
    return wished_language(scene.utterance.text) if spoken and len(scene.utterance.text.split()) > 1 else ""


def interrupted(scene: Scene, draft: Draft, answer: Reply) -> Reply:
    """Answer a question in the middle of the message and go back to it."""
    reply = going_on(scene, draft, "")
    reply.by = answer.by
    reply.text = together(answer.text, scene.say("back_to", ask=question(scene, draft)))
    return reply


def silence(scene: Scene, draft: Draft, count: int) -> Reply:
    """Nobody answers: ask again, and at the third time part with what there is."""
    if draft.step is Step.RECORD:
        if draft.spans or draft.matter:
            return recording.end(scene, draft)
        if count < 3:
            return Reply.of("message", scene.say("still_there"), "silence")
    elif count < 3:
        return Reply.of("message", together(scene.say("still_there"), question(scene, draft)), "silence")
    return _leave(scene, draft)


def _aside(scene: Scene, draft: Draft) -> Reply | None:
    """Handle what may be said at any step and answers no question."""
    words = len(scene.utterance.text.split())
    brief = words <= (BRIEF - 1 if draft.step is Step.MATTER else BRIEF)
    if draft.step is Step.NUMBER and scene.means("that_is_all"):
        return None
    if scene.means("goodbye") and (brief or draft.step is not Step.MATTER):
        return _leave(scene, draft)
    if (brief and scene.means("cancel")) or (words <= CALLED_OFF and scene.means("call_off")):
        return steps.cancel(scene, draft)
    if brief and scene.means("dont") and draft.step not in (Step.OFFER, Step.NUMBER):
        return steps.cancel(scene, draft)
    if brief and scene.means("wait"):
        return going_on(scene, draft, scene.say("wait"))
    if brief and scene.means("repeat"):
        return going_on(scene, draft, question(scene, draft))
    return None


def _leave(scene: Scene, draft: Draft) -> Reply:
    """The caller goes: keep what there is; "yes, that is right, goodbye" confirms it."""
    if not draft.worth_keeping(keep_audio=scene.conversation.abilities.keep_audio):
        scene.notes.draft = None
        return scene.farewell(Reply.of("scripted", scene.say("goodbye"), "goodbye"))
    confirmed = draft.step is Step.CONFIRM and scene.means("yes")
    return scene.farewell(finished(scene, draft, scene.say("goodbye_kept"), confirmed=confirmed))
