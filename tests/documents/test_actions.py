"""Uploads: checked by their bytes, kept encrypted, never without their file."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from PIL import Image, PngImagePlugin
from sqlalchemy.orm import Session

from market import audit, db, documents
from market.documents import DocumentLost, Unusable, kinds
from tests.builders.accounts import EARLY, an_actor, an_organization
from tests.builders.documents import PDF, a_document, a_picture

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("data", "type"),
    [(a_picture("PNG"), "image/png"), (a_picture("JPEG"), "image/jpeg"), (a_picture("JPEG", 4000, 3000), "image/jpeg"), (PDF, "application/pdf")],
    ids=["png", "jpeg", "large jpeg", "pdf"],
)
def test_pictures_and_pdfs_are_taken(data: bytes, type: str) -> None:
    assert kinds.media_type_of(data) == type


def a_bomb() -> bytes:
    """A PNG of a few hundred bytes that claims to unpack to sixteen gigabytes."""
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 65_000, 65_000, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 10_000)) + chunk(b"IEND", b"")


def a_text_bomb() -> bytes:
    file, said = io.BytesIO(), PngImagePlugin.PngInfo()
    said.add_itxt("x", "0" * 100_000_000, zip=True)
    Image.new("L", (400, 300)).save(file, "PNG", pnginfo=said)
    return file.getvalue()


def other(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (400, 300)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "是空的"),
        (b"%PDF-1.7" + b"0" * kinds.LARGEST, "超过 5 MB"),
        (a_picture() + b"0" * kinds.LARGEST, "超过 5 MB"),
        (b"<html><script>alert(1)</script>", "只能上传"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "只能上传"),
        (b"MZ\x90\0 %PDF-1.7 %%EOF", "只能上传"),
        (other("GIF"), "只能上传"),
        (other("TIFF"), "只能上传"),
        (b"%PDF-1.7 and then the line was cut", "不完整"),
        (a_picture()[:-40], "打不开"),
        (a_picture("JPEG", 1200, 900)[:1500], "打不开"),
        (a_picture("PNG")[:60] + b"\xff" * 60 + a_picture("PNG")[120:], "打不开"),
        (a_picture("PNG", 200, 900), "图片太小"),
        (a_bomb(), "像素太多"),
        (a_text_bomb, "打不开"),  # takes half a second
    ],
    ids=["empty", "huge pdf", "huge picture", "html", "svg", "program", "gif", "tiff", "half a pdf", "half a png", "half a jpeg",
         "broken png", "tiny", "bomb", "text bomb"],
)  # fmt: skip
def test_anything_else_is_refused_in_words(data: bytes | Callable[[], bytes], said: str) -> None:
    with pytest.raises(Unusable) as refusal:
        kinds.media_type_of(data() if callable(data) else data)
    assert said in str(refusal.value.fields["document"])


def test_a_file_comes_back_as_it_was_and_lies_encrypted(session: Session) -> None:
    document = a_document(an_organization())
    path = documents.folder() / document.name
    assert documents.read(document) == a_picture()
    assert b"PNG" not in path.read_bytes()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert audit.history(document)[0].action == "document.stored"


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("执照.png", "执照.png"),
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\老板\执照 正本.JPG", "执照 正本.JPG"),
        ("a\r\nSet-Cookie: x=1\u202e.png", "aSet-Cookie: x=1.png"),
        ("长" * 500 + ".jpeg", "长" * 115 + ".jpeg"),
        ("", "file"),
        ("\u200b/", "file"),
    ],
)
def test_a_name_is_shown_and_never_used(session: Session, filename: str, shown: str) -> None:
    document = documents.store(an_organization().id, filename=filename, data=PDF, by=an_actor(), at=EARLY)
    assert document.filename == shown
    assert (documents.folder() / document.name).is_file()


def test_a_lost_or_changed_file_is_told_not_shown(session: Session) -> None:
    document, second = a_document(an_organization()), a_document(an_organization(), data=PDF)
    here, there = (documents.folder() / one.name for one in (document, second))
    os.replace(there, here)
    for one in (document, second):
        with pytest.raises(DocumentLost):
            documents.read(one)


def test_files_of_failed_transactions_are_swept_and_others_stay(database: None) -> None:
    with db.transaction():
        kept = a_document(an_organization())
    with pytest.raises(RuntimeError), db.transaction():
        a_document(an_organization())
        raise RuntimeError("the line broke")
    assert len(list(documents.folder().iterdir())) == 2
    assert documents.sweep(EARLY + HOUR / 2) == 0
    assert documents.sweep(EARLY + HOUR * 2) == 1
    with db.transaction(readonly=True):
        assert documents.read(db.session.merge(kept, load=False)) == a_picture()


def test_sweeping_where_nothing_was_ever_uploaded(database: None) -> None:
    assert documents.sweep(EARLY) == 0
