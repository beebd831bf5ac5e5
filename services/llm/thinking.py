"""A reasoning model's thoughts, `<think> ... </think>`, taken out of its text while it streams: they are not spoken.

Servers that part thoughts from text themselves (`reasoning_content`) need nothing of this. A model may be told to think
by a tag in its template, so that only the closing tag appears in its text: that tag alone is dropped.
"""

import re

_TAGS = ("<think>", "</think>", "<thinking>", "</thinking>")
_TAG = re.compile("|".join(map(re.escape, _TAGS)), re.IGNORECASE)
_LONGEST = max(map(len, _TAGS))


class ThinkingFilter:
    """Passes on a stream of text without the thoughts in it; tags may be split anywhere between two pieces.

    Held back is only what may still become a tag, eleven characters at most, so the text is no later for it. Thoughts
    that never end are all dropped.
    """

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False

    def push(self, text: str) -> str:
        """Take the next piece; return what of it is to be said now, "" for nothing."""
        whole, said, at = self._held + text, [], 0
        for tag in _TAG.finditer(whole):
            if not self._thinking:
                said.append(whole[at : tag.start()])
            self._thinking = not tag[0].startswith("</")  # thoughts do not nest: one that names the tag ends as well
            at = tag.end()
        open_at = max(at, _begun(whole))
        if not self._thinking:
            said.append(whole[at:open_at])
        self._held = whole[open_at:]
        return "".join(said)

    def flush(self) -> str:
        """Return what was held back and became no tag: the stream is over."""
        held, self._held = self._held, ""
        return "" if self._thinking else held


def _begun(text: str) -> int:
    """Return where a tag may have begun at the end of `text`; its length for nowhere."""
    tail = text[-_LONGEST + 1 :].lower()
    place = tail.rfind("<")
    begun = place >= 0 and any(tag.startswith(tail[place:]) for tag in _TAGS)
    return len(text) - len(tail) + place if begun else len(text)
