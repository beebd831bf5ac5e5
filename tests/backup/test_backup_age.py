"""The encryption of backups: age's own, as another implementation of it reads and writes it."""

import io
import os

import pyrage  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.backup.age import CHUNK, AgeReader, AgeWriter
from services.errors import RefusedError

PASSPHRASE = "correct horse battery"
QUICK = 2  # log2 of scrypt's N


def sealed(data: bytes, step: int = 7_777) -> bytes:
    target = io.BytesIO()
    writer = AgeWriter(target, PASSPHRASE, QUICK)
    for start in range(0, len(data), step):
        writer.write(data[start : start + step])
    writer.close()
    return target.getvalue()


def opened(data: bytes, passphrase: str = PASSPHRASE, step: int = 10_000) -> bytes:
    reader = AgeReader(io.BytesIO(data), passphrase)
    return b"".join(iter(lambda: reader.read(step), b""))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17])
def test_age_itself_reads_what_is_written(size: int) -> None:
    data = os.urandom(size)
    for step in (1 + size // 3, 7_777, 4 * CHUNK):
        assert pyrage.passphrase.decrypt(sealed(data, step), PASSPHRASE) == data
        assert opened(sealed(data, step)) == data


def test_what_age_itself_writes_is_read() -> None:
    data = os.urandom(CHUNK + 5)
    assert opened(pyrage.passphrase.encrypt(data, PASSPHRASE)) == data


def test_another_passphrase_opens_nothing() -> None:
    with pytest.raises(RefusedError, match="passphrase"):
        opened(sealed(b"all that we know"), PASSPHRASE + " ")


_SEALED = sealed(bytes(range(256)) * 700)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(_SEALED) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed(place: int, change: int) -> None:
    damaged = bytearray(_SEALED)
    damaged[place] ^= change
    with pytest.raises(RefusedError):
        opened(bytes(damaged))


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.integers(0, len(_SEALED) - 1), st.sampled_from([CHUNK * 2 + 16 * 3, 0, 1, len(_SEALED) - 1])))
def test_nothing_can_be_cut_off(length: int) -> None:
    with pytest.raises(RefusedError):
        opened(_SEALED[:length])


def test_nothing_can_be_added_and_chunks_cannot_change_places() -> None:
    with pytest.raises(RefusedError):
        opened(_SEALED + b"\0")
    head = len(_SEALED) - (256 * 700 + 3 * 16)
    first, second = head + CHUNK + 16, head + 2 * (CHUNK + 16)
    with pytest.raises(RefusedError):
        opened(_SEALED[:head] + _SEALED[first:second] + _SEALED[head:first] + _SEALED[second:])
    with pytest.raises(RefusedError):
        opened(_SEALED[:first] + _SEALED[second:])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_what_is_no_backup_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedError):
        opened(data)


def test_a_passphrase_that_would_take_all_memory_is_not_tried() -> None:
    greedy = sealed(b"x").replace(b" 2\n", b" 40\n", 1)
    with pytest.raises(RefusedError, match="work factor"):
        opened(greedy)
