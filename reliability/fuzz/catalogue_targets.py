"""The catalogue: its data files, what people type into forms, and what a peer sent in one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

from reliability.fuzz.mutation import behind_bytes, mutate_cbor, mutate_json, mutate_text
from reliability.fuzz.target import Check, Target, need
from tests.catalogue.samples import TYPED
from watchline.catalogue import load_catalogue
from watchline.catalogue.catalogue import Catalogue
from watchline.catalogue.forms import Field
from watchline.catalogue.given import NotAllowed
from watchline.catalogue.loading import load
from watchline.catalogue.positions import format_position, parse_position
from watchline.catalogue.texts import is_clean
from watchline.catalogue.times import format_day, format_time, parse_day, parse_time
from watchline.core.encoding import encode
from watchline.core.entries import Notice, Precedence
from watchline.core.pairing import verify_digits
from watchline.desk.home import check_language, check_zone
from watchline.desk.officers import check_officer_name
from watchline.errors import PeerError, UsageError

ZONE = "Asia/Tokyo"
_REPLACED = (
    "catalogue.json", "common.json", "places.json", "words/values.json", "forms/decline.json", "forms/acknowledgement.json",
)  # fmt: skip


def resolve(text: str) -> list[int]:
    """A reference as its integers, as a desk makes them of what people type."""
    parts = text.split("/")
    if not all(part.isascii() and part.isdigit() and len(part) < 17 for part in parts):
        raise UsageError("this names no entry")
    return [int(part) for part in parts]


# --- data files


def _packaged() -> dict[str, str]:
    """The files that the fuzzed ones need: few, as all are read for every input."""
    folder = files("watchline.catalogue")
    return {name: folder.joinpath(name).read_text(encoding="utf-8") for name in _REPLACED}


def _check_data_file() -> Check:
    """The first byte says which of a few data files the rest replaces."""
    packaged = _packaged()

    def check(data: bytes) -> None:
        name = _REPLACED[data[0] % len(_REPLACED)] if data else _REPLACED[0]
        loaded = load({**packaged, name: data[1:].decode("utf-8", "surrogateescape")})
        catalogue = Catalogue(loaded)
        need(all(catalogue.title(form, "ja").text for form in catalogue.forms.values()), "a form has no title")

    return check


def _genuine_data_files() -> Mapping[str, bytes]:
    return {name.replace("/", "-"): bytes([number]) + text.encode() for number, (name, text) in enumerate(_packaged().items())}


# --- what people type


def _fields() -> list[Field]:
    return [field for form in load_catalogue().forms.values() for field in form.fields]


def _check_given() -> Check:
    """The first two bytes choose a field of a form, the rest is what was typed into it; JSON is tried as JSON, too."""
    fields = _fields()

    def check(data: bytes) -> None:
        kind = fields[int.from_bytes(data[:2], "big") % len(fields)].kind
        text = data[2:].decode("utf-8", "surrogateescape")
        try:
            value = kind.parse(text, resolve)
        except NotAllowed:
            value = kind.parse(_json(text), resolve)
        kind.check(value)
        encode(value)
        again = kind.to_json(value, lambda parts: "/".join(map(str, parts)))
        need(kind.parse(json.loads(json.dumps(again)), resolve) == value, "a value read back from JSON is another one")

    return check


def _json(text: str) -> object:
    """What a program would give in place of text: the parsed JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise NotAllowed("JSON") from None


def _genuine_given() -> Mapping[str, bytes]:
    catalogue, fields = load_catalogue(), _fields()
    found: dict[str, bytes] = {}
    for form, assignments in TYPED.items():
        for name, text in assignments.items():
            field = next(each for each in catalogue.form(form).fields if each.name == name)
            if field.type not in {key.partition(".")[0] for key in found} or field.type in {"when", "area", "list"}:
                found[f"{field.type}.{name}"] = fields.index(field).to_bytes(2, "big") + text.encode()
    return found


def _check_typed() -> Check:
    """Text of the command line that is no field: positions, times, days, languages, zones, names, digits."""
    readers: Sequence[Callable[[str], object]] = (check_language, check_zone, check_officer_name, _read_digits)

    def check(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        position = parse_position(text)
        need(position is None or parse_position(format_position(position)) is not None, "a position that was shown is none")
        seconds, day = parse_time(text), parse_day(text)
        need(seconds is None or parse_time(format_time(seconds)) == seconds, "a time that was shown is another one")
        need(day is None or parse_day(format_day(day)) == day, "a day that was shown is another one")
        for read in readers:
            try:
                read(text)
            except UsageError as error:
                need(len(error.message) < 2_000, "an error repeats too much of what was given")

    return check


def _read_digits(text: str) -> None:
    try:
        verify_digits(bytes(32), text)
    except PeerError:
        return


def _genuine_typed() -> Mapping[str, bytes]:
    texts = ("35°36.0'N 139°42.0'E", "35-36.0N,139-42.0E", "-35.6,139.7", "2025-12-06T16:32:00+09:00", "2023-03-01", "zh-Hans")
    digits = " ".join(["01234"] * 12)
    return {f"{number}": text.encode() for number, text in enumerate((*texts, "Asia/Tokyo", "duty", digits))}


# --- what a peer sent


def _check_reading() -> Check:
    catalogue = load_catalogue()

    def check(data: bytes) -> None:
        notice = Notice.decode(data)
        for language, zone in (("en", None), ("zh-Hans", ZONE)):
            reading = catalogue.read(
                notice.form, notice.version, notice.fields, language=language, zone=zone, precedence=int(notice.precedence)
            )
            json.dumps(reading.fields)
            texts = [reading.title.text, *(part for row in reading.rows for part in (row.label, row.text))]
            need(all(is_clean(text, lines=True) for text in texts), "a reader is shown what a terminal obeys")

    return check


def _genuine_readings() -> Mapping[str, bytes]:
    catalogue = load_catalogue()
    found = {}
    for code, assignments in TYPED.items():
        fields = catalogue.form(code).parse(assignments, resolve)
        notice = Notice(code, catalogue.form(code).version, Precedence.PRIORITY, False, "en", dict(fields))
        found[code] = notice.encode()
    return found


TARGETS = (
    Target("catalogue-file", _check_data_file, _genuine_data_files, behind_bytes(1, mutate_json), (ValueError,), 200),
    Target("given", _check_given, _genuine_given, behind_bytes(2, mutate_text), (NotAllowed, UsageError), inputs=4_000),
    Target("typed", _check_typed, _genuine_typed, mutate_text, (UsageError,)),
    Target("reading", _check_reading, _genuine_readings, mutate_cbor, inputs=500),
)
