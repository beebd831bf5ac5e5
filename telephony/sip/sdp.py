"""Session descriptions (RFC 8866) as far as one telephone call needs them: offer and answer of one stream (RFC 3264).

G.711 is the only sound spoken, because every SIP peer speaks it; keys travel as events (RFC 4733) where the peer takes
them.
"""

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.errors import LineError

PCMU, PCMA = 0, 8
NAMES = {PCMU: "PCMU", PCMA: "PCMA"}
EVENTS_OFFERED = 101
"""The customary payload type for keys in our offers."""
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_ANSWERS = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


@dataclass(frozen=True, slots=True)
class Description:
    """What the other side said. `payloads` are types of G.711 as {type: 0 or 8} in their order of preference.

    `others` are its other media as (what, protocol, formats), each with its place among the media: they are declined.
    """

    host: str
    port: int
    payloads: dict[int, int]
    events: int | None
    direction: str = "sendrecv"
    others: tuple[tuple[int, str], ...] = ()

    @property
    def held(self) -> bool:
        """True when the other side listens to nothing of ours."""
        return self.direction in ("sendonly", "inactive") or self.host in ("0.0.0.0", "::")  # noqa: S104


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both will speak: `codec` 0 (mu-law) or 8 (A-law) as `payload_type`, keys as `events` or, None, as tones."""

    host: str
    port: int
    payload_type: int
    codec: int
    events: int | None
    held: bool = False


@dataclass(slots=True)
class _Medium:
    line: str
    host: str = ""
    direction: str = ""
    maps: dict[int, str] = field(default_factory=dict)


def read(text: str) -> Description:
    """Read a description. Raises LineError when it offers no sound that we speak, or is none at all."""
    host, direction, media = "", "sendrecv", _media(text)
    for kind, value in _lines(text):
        if kind == "m":
            break
        if kind == "c":
            host = _address(value)
        elif kind == "a" and value in _DIRECTIONS:
            direction = value
    others = []
    chosen: Description | None = None
    for place, medium in enumerate(media):
        what, port, protocol, *formats = [*medium.line.split(), "", "", ""]
        plain = what == "audio" and protocol in ("RTP/AVP", "RTP/AVPF") and port.partition("/")[0].isdigit()
        number = int(port.partition("/")[0]) if plain else 0
        payloads = _payloads(formats, medium.maps) if plain and 0 < number < 65536 else {}
        if chosen is None and payloads:
            events = next((each for each in medium.maps if medium.maps[each] == "telephone-event/8000"), None)
            toward = medium.direction or direction
            chosen = Description(medium.host or host, number, payloads, events, toward)
        else:
            others.append((place, f"{what} 0 {protocol} {' '.join(each for each in formats if each) or '0'}"))
    if chosen is None or not chosen.host:
        raise LineError("The other side offers no telephone sound (G.711) that can be spoken here.")
    return Description(chosen.host, chosen.port, chosen.payloads, chosen.events, chosen.direction, others=tuple(others))


def agree(theirs: Description, codecs: Sequence[int]) -> Agreed:
    """Choose the first of our `codecs` (0, 8) that they speak. Raises LineError when there is none."""
    for codec in codecs:
        for payload_type, each in theirs.payloads.items():
            if each == codec:
                return Agreed(theirs.host, theirs.port, payload_type, codec, theirs.events, theirs.held)
    raise LineError("The other side speaks another kind of G.711 than is allowed here.")


class OurSide:
    """Writes our descriptions of one call; each change gets the next version number (RFC 3264, section 8)."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._session = secrets.randbits(31)
        self._version = 0

    def offer(self, codecs: Sequence[int]) -> str:
        """Offer `codecs` in our order of preference, and keys as events."""
        return self._write([(each, each) for each in codecs], EVENTS_OFFERED, "sendrecv", ())

    def answer(self, theirs: Description, agreed: Agreed) -> str:
        """Answer their offer with what was agreed, and decline their other media."""
        chosen = [(agreed.payload_type, agreed.codec)]
        return self._write(chosen, agreed.events, _ANSWERS[theirs.direction], theirs.others)

    def _write(
        self,
        payloads: Sequence[tuple[int, int]],
        events: int | None,
        direction: str,
        others: Sequence[tuple[int, str]],
    ) -> str:
        kind = f"IP{ipaddress.ip_address(self._host).version}"
        self._version += 1
        formats = [payload_type for payload_type, _ in payloads] + ([] if events is None else [events])
        media = [
            [
                f"m=audio {self._port} RTP/AVP {' '.join(map(str, formats))}",
                *(f"a=rtpmap:{payload_type} {NAMES[codec]}/8000" for payload_type, codec in payloads),
                *([] if events is None else [f"a=rtpmap:{events} telephone-event/8000", f"a=fmtp:{events} 0-15"]),
                "a=ptime:20",
                f"a={direction}",
            ]
        ]
        for place, line in others:
            media.insert(place, [f"m={line}"])
        head = [
            "v=0",
            f"o=- {self._session} {self._version} IN {kind} {self._host}",
            "s=-",
            f"c=IN {kind} {self._host}",
            "t=0 0",
        ]
        return "".join(f"{line}\r\n" for line in [*head, *(line for lines in media for line in lines)])


def _lines(text: str) -> list[tuple[str, str]]:
    return [(line[0], line[2:].strip()) for line in text.splitlines() if len(line) > 2 and line[1] == "="]


def _media(text: str) -> list[_Medium]:
    media: list[_Medium] = []
    for kind, value in _lines(text):
        if kind == "m":
            media.append(_Medium(value))
        elif media and kind == "c":
            media[-1].host = _address(value)
        elif media and kind == "a":
            name, _, rest = value.partition(":")
            if name in _DIRECTIONS:
                media[-1].direction = name
            elif name == "rtpmap":
                payload_type, _, encoding = rest.partition(" ")
                if payload_type.isdecimal() and int(payload_type) < 128:
                    media[-1].maps[int(payload_type)] = encoding.strip().lower().removesuffix("/1")
    return media


def _payloads(formats: Sequence[str], maps: dict[int, str]) -> dict[int, int]:
    static = {PCMU: "pcmu/8000", PCMA: "pcma/8000"} | maps
    codecs = {"pcmu/8000": PCMU, "pcma/8000": PCMA}
    numbers = [int(each) for each in formats if each.isdecimal()]
    return {each: codecs[static[each]] for each in numbers if static.get(each) in codecs}


def _address(value: str) -> str:
    parts = value.split()
    return parts[2].partition("/")[0] if len(parts) == 3 else ""
