"""What a backup may hold: plain files inside it, and nothing that tar can do beside."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.backup.age import AgeWriter
from services.backup.archive import ArchiveReader, safe_name, write_end, write_file
from services.backup.maker import read_through
from services.errors import RefusedError, StorageError

PASSPHRASE = "correct horse battery"


def read_all(data: bytes, most: int = 1 << 20) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    reader = ArchiveReader(io.BytesIO(data), most)
    for name, size in reader.files():
        pieces = io.BytesIO()
        reader.take(name, size, pieces.write)
        found[name] = pieces.getvalue()
    return found


def archive(*files: tuple[str, bytes]) -> bytes:
    sink = io.BytesIO()
    for name, data in files:
        write_file(sink, name, io.BytesIO(data), len(data))
    write_end(sink)
    return sink.getvalue()


def tarred(fill: Callable[[tarfile.TarFile], None], style: int = tarfile.PAX_FORMAT) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=style) as tar:
        fill(tar)
    return target.getvalue()


def special(kind: bytes, name: str = "files/x", link: str = "", size: int = 0) -> Callable[[tarfile.TarFile], None]:
    def fill(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, link, size
        tar.addfile(info, io.BytesIO(bytes(size)))

    return fill


def test_plain_tar_reads_what_is_written_and_so_do_we() -> None:
    files = [("about.json", b"{}"), ("files/a", b"x" * 1000), ("files/" + "d" * 90 + "/" + "n" * 90, b""), ("я", b"1")]
    data = archive(*files)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert [(member.name, tar.extractfile(member).read()) for member in tar] == files  # type: ignore[union-attr]
    assert read_all(data) == dict(files)


@pytest.mark.parametrize(
    "fill",
    [
        special(tarfile.SYMTYPE, link="/etc/passwd"),
        special(tarfile.LNKTYPE, link="secret.key"),
        special(tarfile.CHRTYPE),
        special(tarfile.BLKTYPE),
        special(tarfile.FIFOTYPE),
        special(tarfile.DIRTYPE),
        special(tarfile.GNUTYPE_SPARSE),
        special(tarfile.XHDTYPE, size=100),
        special(tarfile.GNUTYPE_LONGNAME, size=100),
        special(tarfile.REGTYPE, "../outside"),
        special(tarfile.REGTYPE, "/etc/cron.d/x"),
        special(tarfile.REGTYPE, "files/../../x"),
        special(tarfile.REGTYPE, "files//x"),
        special(tarfile.REGTYPE, "files/\x1bx"),
        special(tarfile.REGTYPE, "files\\..\\x"),
        special(tarfile.REGTYPE, "files/" + "x" * 300),
    ],
)
def test_what_is_no_plain_file_inside_is_refused(fill: Callable[[tarfile.TarFile], None]) -> None:
    with pytest.raises(RefusedError):
        read_all(tarred(fill))


def test_a_file_that_claims_more_than_there_is_is_refused() -> None:
    info = tarfile.TarInfo("files/bomb")
    info.size = 1 << 50
    bomb = info.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(RefusedError, match="more than its own size"):
        read_all(bomb + bytes(10_000))


def test_a_file_twice_or_something_after_the_end_is_refused() -> None:
    with pytest.raises(RefusedError, match="twice"):
        read_all(archive(("a", b"1"), ("a", b"2")))
    with pytest.raises(RefusedError, match="after its end"):
        read_all(archive(("a", b"1")) + b"x")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_a_name_that_is_let_in_stays_inside(name: str) -> None:
    if safe_name(name):
        base = Path("/base")
        assert base in (base / name).resolve().parents
    else:
        with pytest.raises(StorageError):
            archive((name, b""))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2048))
def test_noise_is_refused_or_empty(data: bytes) -> None:
    try:
        assert read_all(data) == {}
    except RefusedError:
        pass


ABOUT = (
    b'{"created":"2026-11-21T00:00:00+00:00","version":"1","database":"sqlite","revision":"1","recordings":true,'
    b'"audit_head":"","format":1}'
)


@pytest.mark.parametrize(
    "files",
    [
        [],
        [("about.json", b"not json")],
        [("about.json", ABOUT)],
        [("files/x", b"1"), ("about.json", ABOUT)],
        [("about.json", ABOUT.replace(b'"format":1', b'"format":2')), ("manifest.json", b"{}")],
        [("about.json", ABOUT), ("elsewhere/x", b"1")],
        [("about.json", ABOUT), ("manifest.json", b'{"about":' + ABOUT + b',"files":[],"torn":[]}')],
        [("about.json", ABOUT), ("files/x", b"1"), ("manifest.json", b'{"about":' + ABOUT + b',"files":[],"torn":[]}')],
    ],
)
def test_a_backup_that_is_not_what_it_says_is_refused(tmp_path: Path, files: list[tuple[str, bytes]]) -> None:
    path = tmp_path / "evil.tar.age"
    with path.open("wb") as file:
        writer = AgeWriter(file, PASSPHRASE, 2)
        writer.write(archive(*files))
        writer.close()
    with pytest.raises(RefusedError):
        read_through(path, PASSPHRASE, lambda name, about: None)
