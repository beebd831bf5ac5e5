"""The keyed menu of a call ("for prices, press 1"): read out behind the greeting, chosen from at any time."""

from services.dialogue.scripted.facts import TRANSFER_FACT, fact_text
from services.dialogue.scripted.fixed import FixedText, together
from services.dialogue.scripted.notes import Notes
from services.dialogue.scripted.scene import Scene
from services.dialogue.shapes import Conversation
from services.domain import MenuItem

_NAMED_KEYS = {"*": "key_star", "#": "key_hash"}


def takes_key(conversation: Conversation) -> bool:
    """Tell whether a single key is a choice now, and not the beginning of a number; `state` is not touched."""
    return bool(conversation.menu and conversation.abilities.digits) and Notes(dict(conversation.state)).draft is None


def item_on(scene: Scene, key: str) -> MenuItem | None:
    """Return what is on `key`, None for nothing that can be done on this line."""
    return next((item for item in _choices(scene) if item.key == key), None)


def told(scene: Scene) -> str:
    """Return the menu as it is read out, "" where there is none."""
    return together(*(_line(scene, item) for item in _choices(scene)))


def key_name(scene: Scene, key: str) -> str:
    """Return what a key is called aloud."""
    return scene.say(_NAMED_KEYS[key]) if key in _NAMED_KEYS else FixedText(key)


def message_on_zero(scene: Scene) -> bool:
    """Tell whether 0 takes a message here: it does where the menu has nothing else on it."""
    return all(item.action == "message" for item in _choices(scene) if item.key == "0")


def whom_to_connect(scene: Scene) -> str:
    """Return whom a caller is connected with, "" when the line cannot or the owner has named nobody."""
    conversation = scene.conversation
    if not (conversation.abilities.transfer or conversation.abilities.call_back):
        return ""
    return conversation.transfer_to or fact_text(scene, TRANSFER_FACT)


def _choices(scene: Scene) -> list[MenuItem]:
    conversation = scene.conversation
    if not conversation.abilities.digits:
        return []
    able = conversation.abilities.transfer or conversation.abilities.call_back
    return [
        item
        for item in conversation.menu
        if item.action != "transfer" or (able and (item.value or whom_to_connect(scene)))
    ]


def _line(scene: Scene, item: MenuItem) -> str:
    text = scene.say("menu_item", label=FixedText(item.label.strip(" .")), button=key_name(scene, item.key))
    return FixedText(text[:1].upper() + text[1:])
