"""How each answer is taken while a message is being left: one function a step, no memory but the draft."""

from collections.abc import Callable

from services.dialogue.scripted import connecting, numbers
from services.dialogue.scripted.corrections import correct
from services.dialogue.scripted.draft import Draft, Step
from services.dialogue.scripted.keeping import dropped, finished, going_on, keeps_voice
from services.dialogue.scripted.questions import next_question, not_understood, question
from services.dialogue.scripted.scene import Reply, Scene
from services.dialogue.scripted.slots import slots_of
from services.knowledge.words import folded
from services.text.digits import spoken_digits

SHORT = 2  # words: a bare "yes, sure" is no message
LONG = 4  # words: more than a name
OFFERED_FIGURES = 3  # figures in the answer to a yes-no question that make it a number
PATIENCE = 3  # answers to the read-back that neither confirm nor correct


def matter(scene: Scene, draft: Draft) -> Reply:
    """Take the message itself."""
    text = _spoken(scene)
    bare = len(text.split()) <= SHORT and (scene.means("yes") or scene.means("hello"))
    asks_again = scene.means("ask_to_leave") and not slots_of(scene.language).matter(text) and len(text.split()) <= LONG
    if not text:
        return not_understood(scene, draft, "matter", "not_heard")
    if bare or asks_again:
        return not_understood(scene, draft, "matter", "ask_matter_again")
    if not draft.number and _only_a_number(scene, text):
        harvest(scene, draft, text)
        return going_on(scene, draft, scene.say("number_noted", ask=question(scene, draft)))
    take_matter(scene, draft, slots_of(scene.language).matter(text) or text)
    return next_question(scene, draft)


def take_matter(scene: Scene, draft: Draft, text: str) -> None:
    """Put down the message, and a name and a number when they are in it."""
    slots = slots_of(scene.language)
    bare = slots.without_contact(text)
    draft.matter = bare if slots.length(bare) >= LONG - 1 else text
    draft.settle("matter")
    harvest(scene, draft, text)


def name(scene: Scene, draft: Draft) -> Reply:
    """Take the name; a long answer is more of the message."""
    text = _spoken(scene)
    if text and (scene.means("decline") or (scene.means("no") and len(text.split()) <= SHORT)):
        draft.settle("name")
        return next_question(scene, draft)
    slots, had_number = slots_of(scene.language), bool(draft.number)
    found = slots.name(text) or slots.name(slots.without_figures(text))
    harvest(scene, draft, text)
    if found:
        draft.name = found
        draft.settle("name")
        return next_question(scene, draft)
    if draft.number and not had_number:
        return going_on(scene, draft, scene.say("number_noted", ask=question(scene, draft)))
    more = len(text.split()) >= LONG or (scene.means("question") and len(text.split()) >= SHORT)
    figures = spoken_digits(text, scene.language) or ""
    if more and draft.tries == 0 and len(figures) < numbers.PLAUSIBLE:
        draft.matter = f"{draft.matter.rstrip(' .?!')}. {text}" if draft.matter else text
        draft.tries += 1
        return going_on(scene, draft, scene.say("added", ask=question(scene, draft)))
    return not_understood(scene, draft, "name", "not_heard_name")


def offer(scene: Scene, draft: Draft) -> Reply:
    """Take the answer to "shall we call you back at this number"."""
    text = scene.utterance.text
    figures = spoken_digits(text, scene.language) or ""
    if len(figures) >= OFFERED_FIGURES:
        draft.settle("offer")
        return number(scene, draft)
    another = scene.means("change_number")
    if _refuses_call_back(scene) and not another:
        return _no_number(scene, draft)
    if (scene.means("yes") or _same_number_meant(scene)) and not another:
        return _whole(scene, draft, scene.conversation.number)
    if scene.means("no") or another:
        draft.settle("offer")
        draft.step = Step.NUMBER
        return going_on(scene, draft, question(scene, draft))
    draft.tries += 1
    if draft.tries < 2:
        return going_on(scene, draft, question(scene, draft))
    return _whole(scene, draft, scene.conversation.number)  # it is in the call's record anyway


def number(scene: Scene, draft: Draft) -> Reply:
    """Take a number: whole, in groups over several turns, keyed, or started over."""
    draft.step = Step.NUMBER
    slots, text = slots_of(scene.language), scene.utterance.text
    figures = spoken_digits(text, scene.language) or ""
    if scene.utterance.source == "digits":
        return _keyed(scene, draft, figures)
    if scene.means("start_over") and not figures:
        draft.partial = ""
        return going_on(scene, draft, scene.say("restart_number"))
    part = numbers.corrected_part(draft.partial, folded(text), slots) if draft.partial else None
    if part:
        return _dictated(scene, draft, part, echo=part)
    if figures:
        denied = scene.means("no")
        whole = numbers.merged(draft.partial, figures, denied=denied)
        return _dictated(scene, draft, whole, echo=whole if denied else figures)
    return _without_figures(scene, draft)


def _keyed(scene: Scene, draft: Draft, figures: str) -> Reply:
    """Take keyed figures; the caller has pressed # or paused, so five are enough for a number."""
    keyed = draft.partial + figures
    if len(keyed) >= 5 and not numbers.is_too_long(keyed, scene.language):
        return _whole(scene, draft, keyed)
    return _dictated(scene, draft, keyed, echo=figures) if figures else _without_figures(scene, draft)


def _without_figures(scene: Scene, draft: Draft) -> Reply:
    finished_dictating = scene.means("that_is_all") or scene.means("yes") or scene.utterance.source == "digits"
    if len(draft.partial) >= 3 and finished_dictating:
        return _whole(scene, draft, draft.partial)
    if scene.conversation.number and _same_number_meant(scene):
        return _whole(scene, draft, scene.conversation.number)
    if _refuses_call_back(scene):
        return _no_number(scene, draft)
    if not draft.partial and scene.means("no") and len(scene.utterance.text.split()) <= SHORT:
        return _no_number(scene, draft)
    if not draft.partial and (scene.means("yes") or scene.means("change_number")):
        return going_on(scene, draft, scene.say("dictate"))
    if draft.partial and scene.means("no") and len(draft.partial) >= numbers.PLAUSIBLE:
        return going_on(scene, draft, scene.say("more_digits", digits=numbers.echoed(draft.partial, scene.language)))
    if draft.partial and draft.tries >= 1:
        draft.number = draft.partial  # better a part and the voice than nothing
    return not_understood(scene, draft, "number", "not_a_number")


def _dictated(scene: Scene, draft: Draft, figures: str, *, echo: str) -> Reply:
    """Keep the figures so far; echo the last group and wait for more, unless the number is or may be whole."""
    draft.tries = 0
    if numbers.is_too_long(figures, scene.language):
        draft.partial = ""
        return going_on(scene, draft, scene.say("wrong_number"))
    if numbers.is_whole(figures, scene.language):
        return _whole(scene, draft, figures)
    draft.partial = figures
    if numbers.may_be_whole(figures, scene.language):
        return going_on(scene, draft, scene.say("whole_number", digits=numbers.echoed(figures, scene.language)))
    return going_on(scene, draft, scene.say("more_digits", digits=numbers.echoed(echo, scene.language)))


def _whole(scene: Scene, draft: Draft, figures: str) -> Reply:
    draft.number, draft.partial, draft.refused_number = figures, "", False
    draft.settle("number")
    return next_question(scene, draft)


def _no_number(scene: Scene, draft: Draft) -> Reply:
    draft.number, draft.partial, draft.refused_number = "", "", scene.means("dont")
    draft.settle("number")
    return next_question(scene, draft)


def confirm(scene: Scene, draft: Draft) -> Reply:
    """Take yes, a correction, or what to change, after the message was read back."""
    text = scene.utterance.text
    if text and correct(draft, text, slots_of(scene.language)):
        draft.tries = 0
        return next_question(scene, draft, again=True)
    if text and (slot := scene.intents.first(("change_number", "change_name", "change_matter"), text)):
        return _reopened(scene, draft, slot)
    if draft.step is Step.FIX and len(spoken_digits(text, scene.language) or "") >= OFFERED_FIGURES:
        draft.reopen("number")
        return number(scene, draft)
    if draft.voice and not draft.name and (found := slots_of(scene.language).name(text)):
        draft.name, draft.tries = found, 0
        return next_question(scene, draft, again=True)
    if draft.call_back:
        return _confirm_call_back(scene, draft)
    if text and (scene.means("yes") or scene.means("thanks")):
        return finished(scene, draft, scene.say("done"), confirmed=True)
    draft.tries += 1
    if draft.tries >= PATIENCE or (not text and draft.tries >= PATIENCE - 1):
        voice = keeps_voice(scene, draft)
        return finished(
            scene, draft, scene.say("done_unconfirmed" if voice else "done_unconfirmed_silent"), confirmed=False
        )
    if scene.means("no"):
        draft.step = Step.FIX
        return going_on(scene, draft, question(scene, draft))
    return going_on(scene, draft, scene.say("ask_yes"))


def _confirm_call_back(scene: Scene, draft: Draft) -> Reply:
    """Take yes or no to the number that is called back; a doubtful one is better called than none."""
    draft.tries += 1
    if scene.means("no") and draft.tries < PATIENCE:
        return _reopened(scene, draft, "change_number")
    if scene.means("yes") or scene.means("thanks") or draft.tries >= PATIENCE:
        return connecting.promised(scene, draft)
    return going_on(scene, draft, question(scene, draft))


def _reopened(scene: Scene, draft: Draft, intent: str) -> Reply:
    """Ask one thing again; the old answer stays until a new one is there, so a hang-up loses nothing."""
    slot = intent.removeprefix("change_")
    draft.reopen(slot)
    draft.step = Step(slot)
    return going_on(scene, draft, question(scene, draft))


def cancel(scene: Scene, draft: Draft) -> Reply:
    """Take the whole message back."""
    return dropped(scene, draft, scene.say("cancelled"))


def harvest(scene: Scene, draft: Draft, text: str) -> None:
    """Take a name and a number that were given before they were asked for."""
    sure = slots_of(scene.language).sure_name(text)
    if sure and not draft.name:
        draft.name = sure
        draft.settle("name")
    figures, language = spoken_digits(text, scene.language) or "", scene.language
    if not draft.number and numbers.is_whole(figures, language) and not numbers.is_too_long(figures, language):
        draft.number = figures
        draft.settle("number")


def _only_a_number(scene: Scene, text: str) -> bool:
    figures = spoken_digits(text, scene.language) or ""
    return numbers.is_whole(figures, scene.language) and not slots_of(scene.language).content(text)


def _spoken(scene: Scene) -> str:
    """Return the words of the utterance, "" for keys: they answer no open question."""
    return "" if scene.utterance.source == "digits" else scene.utterance.text.strip()


def _refuses_call_back(scene: Scene) -> bool:
    return scene.utterance.understood and (scene.means("dont") or scene.means("decline"))


def _same_number_meant(scene: Scene) -> bool:
    return slots_of(scene.language).same_number.search(folded(scene.utterance.text)) is not None


HANDLERS: dict[Step, Callable[[Scene, Draft], Reply]] = {
    Step.MATTER: matter,
    Step.NAME: name,
    Step.OFFER: offer,
    Step.NUMBER: number,
    Step.CONFIRM: confirm,
    Step.FIX: confirm,
}
