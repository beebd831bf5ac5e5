"""E-mail and web addresses, spelled the way people dictate them."""

import re

_EMAIL = re.compile(r"(?:mailto:)?(?P<user>[\w.+-]+)@(?P<host>[\w-]+(?:\.[\w-]+)+)")
_URL = re.compile(
    r"(?P<scheme>https?://)?(?P<host>(?:[A-Za-z0-9а-яё-]+\.)+(?P<zone>[A-Za-z]{2,}|рф|рус|москва))(?::\d+)?"
    r"(?P<path>/[\w./%&=?#+~-]*[\w/])?(?![\w@])",
)
_IP = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]\d|\w)")
_ZONES = frozenset(
    (
        "ru com org net info рф рус москва su io ai dev app uk us de fr eu biz pro online shop store site tech me tv "
        "ua by kz"
    ).split()
)
_WORDS = {
    "ru": {".": "точка", "@": "собака", "-": "дефис", "_": "подчёркивание", "/": "слэш", "+": "плюс"},
    "en": {".": "dot", "@": "at", "-": "dash", "_": "underscore", "/": "slash", "+": "plus"},
}
_ZONE_WORDS = {
    "ru": {"ru": "ру", "com": "ком", "org": "орг", "net": "нет", "info": "инфо", "рф": "эр эф", "www": "три дабл ю"},
    "en": {"ru": "R U", "www": "W W W"},
}
_PIECE = re.compile(r"\d+|[^\W\d_]+|[@./_+-]")


def speak_addresses(text: str, language: str) -> str:
    """Spell the e-mail, web and IP addresses of `text` in "ru" or "en"."""
    text = _EMAIL.sub(lambda found: _spell(f"{found['user']}@{found['host']}", language), text)
    text = _URL.sub(lambda found: _say_url(found, language), text)
    return _IP.sub(lambda found: f" {_WORDS[language]['.']} ".join(found[0].split(".")), text)


def _say_url(found: re.Match[str], language: str) -> str:
    if not found["scheme"] and found["zone"].lower() not in _ZONES:
        return found[0]
    path = (found["path"] or "").split("?")[0].rstrip("/")
    return _spell(found["host"].removeprefix("www.") + path, language)


def _spell(address: str, language: str) -> str:
    marks, zones = _WORDS[language], _ZONE_WORDS[language]
    pieces = _PIECE.findall(address)
    said = []
    for index, piece in enumerate(pieces):
        follows_dot = index > 0 and pieces[index - 1] == "."
        said.append(marks.get(piece) or (zones.get(piece.lower()) if follows_dot else None) or piece)
    return " ".join(said)
