"""The evidence archive: any unzip reads it, and every byte of it is refused if `pack` would not have written it."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.core import archive
from watchline.core.archive import NAME_BYTES_MAX, PARTS_MAX, pack, unpack
from watchline.errors import Malformed

PARTS = {"readme.txt": b"What this is.\n", "notes/ours.note": b"\xff" * 70, "notes/7/empty": b""}

_words = st.from_regex(r"[a-z0-9_-][a-z0-9._-]{0,6}", fullmatch=True)
_names = st.lists(_words, min_size=1, max_size=4).map("/".join)


def _without_folders_as_parts(parts: dict[str, bytes]) -> dict[str, bytes]:
    folders = {name[:place] for name in parts for place, character in enumerate(name) if character == "/"}
    return {name: content for name, content in parts.items() if name not in folders}


parts_strategy = st.dictionaries(_names, st.binary(max_size=50), max_size=6).map(_without_folders_as_parts)


def _zipped(parts: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive as Python's own zipfile writes it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", compression) as file:
        for name, content in parts:
            file.writestr(zipfile.ZipInfo(name), content, compression)
    return written.getvalue()


def _refused_for(why: str, data: bytes) -> Malformed:
    with pytest.raises(Malformed) as caught:
        unpack(data)
    assert why in caught.value.message
    assert caught.value.rule == 41
    offset = caught.value.facts["offset"]
    assert isinstance(offset, int)
    assert 0 <= offset <= len(data)
    return caught.value


@pytest.mark.slow
@given(parts_strategy)
def test_parts_come_back_in_order_of_name(parts: dict[str, bytes]) -> None:
    unpacked = unpack(pack(parts))
    assert unpacked == parts
    assert list(unpacked) == sorted(parts)


@pytest.mark.slow
@given(parts_strategy)
def test_another_unzip_reads_the_same_parts(parts: dict[str, bytes]) -> None:
    with zipfile.ZipFile(io.BytesIO(pack(parts))) as file:
        assert file.testzip() is None
        assert {info.filename: file.read(info) for info in file.infolist()} == parts
        assert {info.date_time for info in file.infolist()} <= {(1980, 1, 1, 0, 0, 0)}


def test_archive_has_the_bytes_of_another_writer_that_stores_without_extras_under_ms_dos() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name, content in sorted(PARTS.items()):
            info = zipfile.ZipInfo(name)
            info.create_system, info.create_version, info.extract_version = 0, 10, 10
            file.writestr(info, content)
        for info in file.infolist():
            info.external_attr = 0
    assert pack(PARTS) == written.getvalue()
    assert unpack(written.getvalue()) == PARTS


@pytest.mark.needs("unzip")
def test_unzip_program_extracts_the_parts(tmp_path: Path) -> None:
    (tmp_path / "evidence.zip").write_bytes(pack(PARTS))
    subprocess.run(["unzip", "-q", "evidence.zip", "-d", "out"], cwd=tmp_path, check=True)
    found = {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    assert found == {name: content for name, content in PARTS.items() if "." in name}
    assert (tmp_path / "out/notes/7/empty").read_bytes() == b""


def test_order_in_which_parts_are_given_does_not_matter() -> None:
    assert pack(dict(reversed(PARTS.items()))) == pack(PARTS)


def test_archive_with_any_bit_changed_is_refused() -> None:
    whole = pack(PARTS)
    for place in range(len(whole)):
        for bit in range(8):
            changed = whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]
            with pytest.raises(Malformed):
                unpack(changed)


def test_archive_cut_short_at_any_byte_is_refused() -> None:
    whole = pack(PARTS)
    for end in range(len(whole)):
        with pytest.raises(Malformed):
            unpack(whole[:end])
    middle = whole.index(b"What this is.") + 3
    assert _refused_for("cut short in the content of a part", whole[:middle]).facts["part"] == "readme.txt"
    assert _refused_for("cut short", whole[:-1]).facts["offset"] == len(whole) - 1


def test_archive_with_bytes_left_over_or_before_it_is_refused() -> None:
    whole = pack(PARTS)
    assert _refused_for("bytes left over", whole + b"\x00").facts["offset"] == len(whole)
    _refused_for("the directory is not that of the parts", b"\x00" + whole)
    _refused_for("bytes left over", pack({}) + whole)


@pytest.mark.slow
@given(st.binary(max_size=60) | st.tuples(parts_strategy, st.binary(max_size=30)).map(lambda pair: pack(pair[0]) + pair[1]))
def test_any_bytes_are_refused_or_what_pack_writes(data: bytes) -> None:
    try:
        parts = unpack(data)
    except Malformed:
        return
    assert pack(parts) == data


@pytest.mark.slow
@given(parts_strategy.filter(bool), st.data())
def test_archive_with_a_piece_replaced_is_refused_or_what_pack_writes(parts: dict[str, bytes], data: st.DataObject) -> None:
    whole = pack(parts)
    place = data.draw(st.integers(0, len(whole)))
    put, removed = data.draw(st.binary(max_size=4)), data.draw(st.integers(0, 4))
    try:
        unpacked = unpack(whole[:place] + put + whole[place + removed :])
    except Malformed:
        return
    assert pack(unpacked) == whole[:place] + put + whole[place + removed :]


def test_changed_content_is_named_with_its_part_and_offset() -> None:
    whole = pack(PARTS)
    place = whole.index(b"What this is.")
    error = _refused_for("the header and content of a part disagree", whole[:place] + b"w" + whole[place + 1 :])
    assert error.facts["part"] == "readme.txt"


def test_archive_of_another_writer_is_refused() -> None:
    _refused_for("the header and content of a part disagree", _zipped([("a", b"x")]))
    _refused_for("part", _zipped([("a", b"x" * 1000)], zipfile.ZIP_DEFLATED))


def test_parts_out_of_order_or_twice_are_refused() -> None:
    one, two = pack({"a": b"1"}), pack({"b": b"2"})
    first, second = one[: one.index(b"PK\x01\x02")], two[: two.index(b"PK\x01\x02")]
    _refused_for("a part is not in order of name, or stands twice", second + first + pack({}))
    _refused_for("a part is not in order of name, or stands twice", first + first + pack({}))


@pytest.mark.parametrize(
    "name",
    ["", "/", "/etc/passwd", "../up", "a/../../up", "a/..", ".", "..", ".hidden", "a/.hidden", "a//b", "a/", "a\\b", "c:/a",
     "A", "é", "水", "a b", "a\nb", "a\x00b", "a\n", "a/b/c/d/e/f/g/h/i", "x" * (NAME_BYTES_MAX + 1)],
)  # fmt: skip
def test_name_that_leads_astray_is_refused_when_writing_and_reading(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        pack({name: b""})
    # The same name in an archive that is right in all else.
    good = "x" * len(name.encode())
    if good:
        with pytest.raises(Malformed):
            unpack(archive._local_header(good, b"").replace(good.encode(), name.encode()) + pack({}))
    _refused_for("part", _zipped([(name, b"")]) if name else archive._local_header("", b"") + pack({}))


@pytest.mark.parametrize(
    "name", ["x" * NAME_BYTES_MAX, "a/b/c/d/e/f/g/h", "a.b/c..d", "-/_", "0.9", "x" * 100 + "/" + "y" * 99]
)
def test_name_at_its_bounds_is_taken_when_writing_and_reading(name: str) -> None:
    assert unpack(pack({name: b"1"})) == {name: b"1"}


def test_place_of_a_fault_is_told_by_its_byte_in_the_file() -> None:
    whole = pack({"a": b"12", "b": b"3"})
    second, directory = whole.index(b"PK\x03\x04", 1), whole.index(b"PK\x01\x02")
    cases = [
        ("cut short in the header", whole[: second + 29], second + 29, None),
        ("cut short in the name", whole[: second + 30], second + 30, None),
        ("cut short in the content", whole[: second + 31], second + 31, "b"),
        ("header and content of a part disagree", whole[: second + 10] + b"\1" + whole[second + 11 :], second + 10, "b"),
        ("a part's name", whole[: second + 30] + b"B" + whole[second + 31 :], second, None),
        ("order of name", whole[: second + 30] + b"a" + whole[second + 31 :], second, "a"),
        ("the directory is not", whole[: directory + 9] + b"\1" + whole[directory + 10 :], directory + 9, None),
        ("cut short", whole[: directory + 9], directory + 9, None),
        ("bytes left over", whole + b"\0\0", len(whole), None),
    ]
    for why, data, offset, part in cases:
        facts = _refused_for(why, data).facts
        assert (facts["offset"], facts["part"]) == (offset, part)


def test_part_named_like_the_folder_of_another_is_refused_when_writing_and_reading() -> None:
    parts = {"a": b"", "a-b": b"", "a/b": b""}
    with pytest.raises(ValueError, match="another one's folder"):
        pack(parts)
    locals_only = b"".join(archive._local_header(name, b"") for name in sorted(parts))
    _refused_for("another one's folder", locals_only)


def test_size_beyond_the_file_costs_nothing_and_is_refused() -> None:
    whole = bytearray(pack({"a": b"1"}))
    whole[18:26] = b"\xff" * 8
    _refused_for("cut short in the content of a part", bytes(whole))


@pytest.mark.slow
def test_more_parts_than_the_limit_are_refused_when_writing_and_reading() -> None:
    names = [f"{number:05}" for number in range(PARTS_MAX + 1)]
    with pytest.raises(ValueError, match="more than 65534 parts"):
        pack(dict.fromkeys(names, b""))
    most = pack(dict.fromkeys(names[:-1], b""))
    assert len(unpack(most)) == PARTS_MAX
    place = most.index(b"PK\x01\x02")
    _refused_for("more than 65534 parts", most[:place] + archive._local_header(names[-1], b"") + most[place:])


def test_archive_beyond_the_limit_of_bytes_is_refused_when_writing_and_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pack(PARTS)
    monkeypatch.setattr(archive, "EVIDENCE_BYTES_MAX", len(whole))
    assert unpack(pack(PARTS)) == PARTS
    monkeypatch.setattr(archive, "EVIDENCE_BYTES_MAX", len(whole) - 1)
    with pytest.raises(ValueError, match="more than"):
        pack(PARTS)
    with pytest.raises(Malformed, match="more than"):
        unpack(whole)
    monkeypatch.setattr(archive, "EVIDENCE_BYTES_MAX", 1)
    with pytest.raises(ValueError, match="more than 1 bytes"):
        pack({"a": b"12"})
