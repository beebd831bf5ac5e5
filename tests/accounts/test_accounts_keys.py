"""The installation's secret, and the tokens signed with it."""

import asyncio
import logging
import sys
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from call_events import Clock

from services.accounts.secret_key import SecretKey
from services.accounts.tokens import LIFETIME, Tokens
from services.errors import StorageError

ROOT = Path(__file__).parents[2]
DERIVE = "import sys; from pathlib import Path; from services.accounts.secret_key import SecretKey\n" \
    "print(SecretKey(Path(sys.argv[1])).derive('test').hex())"  # fmt: skip


def test_the_key_is_made_once_for_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"
    key = SecretKey(path)
    assert not path.exists(), "only when it is needed"
    first = key.derive("one")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret.key"]
    assert (key.derive("one"), SecretKey(path).derive("one")) == (first, first)
    assert key.derive("two") != first
    assert first.hex() not in path.read_text()
    assert SecretKey(tmp_path / "other.key").derive("one") != first


async def test_processes_that_start_together_have_one_key(tmp_path: Path) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", DERIVE, str(tmp_path / "secret.key"), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(4)
    ]
    told = {output for output, _ in await asyncio.gather(*(each.communicate() for each in processes))}
    assert len(told) == 1
    assert SecretKey(tmp_path / "secret.key").derive("test").hex() == told.pop().decode().strip()


@pytest.mark.parametrize("content", [b"", b"00" * 31, b"not hexadecimal", b"\xff" * 64])
def test_a_damaged_key_is_told_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    with pytest.raises(StorageError, match="backup"):
        SecretKey(path).derive("one")
    assert path.read_bytes() == content


def test_a_key_that_others_may_read_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "secret.key"
    SecretKey(path).derive("one")
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        SecretKey(path).derive("one")
    assert "others may read the key" in caplog.text


def test_a_token_names_its_user_until_it_is_over(tmp_path: Path) -> None:
    clock = Clock()
    tokens = Tokens(SecretKey(tmp_path / "secret.key"), clock)
    token = tokens.issue("u1", "s3")
    claims = tokens.read(token)
    assert claims is not None
    assert (claims.user_id, claims.session_id, claims.expires_at) == ("u1", "s3", clock.now() + LIFETIME)
    clock.seconds = LIFETIME.total_seconds() - 1
    assert tokens.read(token) is not None
    clock.seconds += 1
    assert tokens.read(token) is None


def test_a_token_of_other_making_is_none_of_ours(tmp_path: Path) -> None:
    clock, key = Clock(), SecretKey(tmp_path / "secret.key")
    tokens = Tokens(key, clock)
    good = {"sub": "u1", "sid": "s1", "aud": "access", "exp": clock.now() + timedelta(hours=1)}
    key_id, mine = key.derive_all("access tokens")[0]
    named = {"kid": key_id}
    assert tokens.read(jwt.encode(good, mine, "HS256", headers=named)) is not None
    others = [
        jwt.encode(good, mine, "HS256"),
        jwt.encode(good, mine, "HS256", headers={"kid": "another"}),
        jwt.encode(good, key.derive("something else"), "HS256", headers=named),
        jwt.encode(good, mine * 2, "HS512", headers=named),
        jwt.encode(good, "", "none", headers=named),
        jwt.encode({**good, "aud": "refresh"}, mine, "HS256", headers=named),
        jwt.encode({**good, "exp": "x"}, mine, "HS256", headers=named),
        *(jwt.encode({k: v for k, v in good.items() if k != name}, mine, "HS256", headers=named) for name in good),
        "",
        "a.b.c",
        "é",
    ]
    assert [tokens.read(each) for each in others] == [None] * len(others)


def test_a_token_outlives_the_rotation_of_its_key_until_the_key_is_dropped(tmp_path: Path) -> None:
    key = SecretKey(tmp_path / "secret.key")
    tokens = Tokens(key, Clock())
    (before,), token = key.ids(), tokens.issue("u1", "s1")
    key.rotate()
    assert tokens.read(token) is not None
    assert jwt.get_unverified_header(tokens.issue("u1", "s1"))["kid"] == key.ids()[0] != before
    key.drop([before])
    assert tokens.read(token) is None
