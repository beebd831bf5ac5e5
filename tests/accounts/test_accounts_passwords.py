"""Which passwords will do, and how they are kept."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.accounts.passwords import LONGEST, SHORTEST, Passwords, trouble
from services.errors import TooManyAttemptsError


@pytest.mark.parametrize(
    "password",
    [
        "seven grey herons waded", "семь серых цапель", "correct horse battery staple", "kV7#qz!Lm2@x",
        "8391-2047-5561", "d1b7a9c40ef3528d", "Ξύλινα τείχη 480",
    ],
)  # fmt: skip
def test_a_good_password_will_do(password: str) -> None:
    assert trouble(password, "olga") == ""


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", "shorter"), ("kV7#qz!Lm2@", "shorter"), ("x1y2z3" * 100, "longer"), ("password1234", "guess"),
        ("Password2024!", "guess"), ("qwertyuiop12", "guess"), ("123456789012", "guess"), ("aaaaaaaaaaaaaa", "guess"),
        ("abcdefghijklmn", "guess"), ("adminadminadmin", "guess"), ("abababababab", "guess"),
        ("olgaolgaolga1", "guess"), ("Olga-password-1", "guess"), ("йцукенгшщзхъ", "guess"),
        ("987654321098", "guess"), ("            ", "guess"),
        ("secretary-secretary", "guess"),
    ],
)  # fmt: skip
def test_a_weak_password_is_refused(password: str, words: str) -> None:
    assert words in trouble(password, "olga")


@given(st.text(max_size=LONGEST + 10), st.text(max_size=30))
def test_any_text_can_be_judged(password: str, username: str) -> None:
    verdict = trouble(password, username)
    assert verdict == "" or verdict.startswith("it is ")
    if len(password) < SHORTEST:
        assert verdict


async def test_a_hash_is_argon2id_salted_and_checks_its_password_only() -> None:
    passwords = Passwords()
    first, second = await passwords.hash("seven grey herons waded"), await passwords.hash("seven grey herons waded")
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert await passwords.verify(first, "seven grey herons waded")
    assert not await passwords.verify(first, "seven grey herons wade")
    assert not await passwords.verify(None, "seven grey herons waded")
    assert not await passwords.verify(None, "nobody's password"), "what is compared when there is no user opens nothing"
    assert not await passwords.verify("damaged", "seven grey herons waded")


async def test_one_password_is_the_same_however_it_was_typed() -> None:
    passwords = Passwords()
    composed, decomposed = "cafe\u0301 au lait noir", "café au lait noir"
    assert composed != decomposed
    assert await passwords.verify(await passwords.hash(composed), decomposed)


async def test_hashes_of_weaker_figures_are_known() -> None:
    passwords = Passwords()
    weaker = "$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHRzb21l$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
    assert passwords.outdated(weaker)
    assert not passwords.outdated(await passwords.hash("x"))


async def test_a_flood_is_turned_away_and_the_next_one_is_served() -> None:
    passwords = Passwords()
    stored = await passwords.hash("seven grey herons waded")
    answers = await asyncio.gather(*[passwords.verify(stored, "x") for _ in range(40)], return_exceptions=True)
    assert sum(isinstance(each, TooManyAttemptsError) for each in answers) == 24
    assert answers.count(False) == 16
    assert await passwords.verify(stored, "seven grey herons waded")
