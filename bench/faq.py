"""FAQ search: time by the number of entries, and precision and recall on the labelled paraphrases of the tests.

Run: .venv/bin/python -m bench.faq
"""

import random
import statistics
import time
import tomllib
from pathlib import Path

from services.domain import FaqEntry
from services.knowledge.faq import MARGIN, THRESHOLD
from services.knowledge.index import FaqIndex
from services.knowledge.seed import seed_faq
from services.knowledge.words import words_of

LABELLED = Path(__file__).parent.parent / "tests" / "knowledge" / "faq_paraphrases.toml"
SYLLABLES = "ка ло ми ру те но ви са по де ри жа бо ну ще ма ле ти зо га пра сте кло дво".split()


def synthetic(count: int, rng: random.Random) -> list[FaqEntry]:
    vocabulary = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(max(500, count // 2))]

    def phrase() -> str:
        return "где " + " ".join(rng.choices(vocabulary, k=rng.randint(2, 5))) + " у вас"

    return [FaqEntry(str(n), phrase(), "ответ", "ru", (phrase(), phrase(), phrase())) for n in range(count)]


def timing(count: int) -> None:
    rng = random.Random(7)
    words = words_of("ru")
    assert words is not None
    entries = [*seed_faq("ru"), *synthetic(count - 15, rng)]
    began = time.perf_counter()
    index = FaqIndex(entries, words)
    built = time.perf_counter() - began
    texts = [text for group in tomllib.loads(LABELLED.read_text("utf-8"))["ru"].values() for text in group]
    texts += [rng.choice(entries).question + " скажите " + rng.choice(entries).question for _ in range(200)]
    times = []
    for text in texts:
        began = time.perf_counter()
        index.search(text, 2)
        times.append((time.perf_counter() - began) * 1000)
    p95 = statistics.quantiles(times, n=20)[-1]
    print(
        f"{count:>6} entries, {index.size} phrases: built in {built * 1000:.0f} ms; "
        f"search median {statistics.median(times):.2f} ms, p95 {p95:.2f} ms, max {max(times):.2f} ms"
    )


def quality() -> None:
    labelled = tomllib.loads(LABELLED.read_text("utf-8"))
    for language in ("ru", "en"):
        words = words_of(language)
        assert words is not None
        index = FaqIndex(seed_faq(language), words)
        asked = [(f"seed-{language}-{entry}", text) for entry, texts in labelled[language].items() for text in texts]
        asked += [("", text) for text in labelled["unanswerable"][language]]
        answered = [(entry, _best(index, text)) for entry, text in asked]
        given = [pair for pair in answered if pair[1]]
        right = sum(entry == found for entry, found in given)
        wanted = sum(bool(entry) for entry, _ in answered)
        print(f"{language}: precision {right / len(given):.3f}, recall {right / wanted:.3f} of {wanted} paraphrases")


def _best(index: FaqIndex, text: str) -> str:
    found = index.search(text, 2)
    if not found or found[0].score < THRESHOLD:
        return ""
    return "" if len(found) > 1 and found[0].score - found[1].score < MARGIN else found[0].entry.id


if __name__ == "__main__":
    quality()
    for size in (15, 1_000, 10_000):
        timing(size)
