"""The page and the text of a published readout: just what was signed, bound to its evidence, and harmless whatever it says."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from tests.desk.sample_readouts import FIELDS, OWN_TEXT, Json, evidence, readout, talks
from watchline.core.encoding import Value
from watchline.core.evidence import verify_evidence
from watchline.desk.columns import columns
from watchline.desk.talks_readout import Signed, page, text
from watchline.errors import NegativeAnswer, UsageError

FILE = "readout.evidence"
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)></p>&amp; {{ words }} \"'"
HOSTILE: dict[int, Value] = {
    **FIELDS,
    2: MARKUP,
    3: f"{MARKUP}\nSignature\n{'-' * 78}\n  Entry\n{'W' * 4_000}\n{' ' * 400}far\t\ttabs\n語" + "長" * 300,
    4: [[MARKUP, [[1, 1, 1, 1]]]],
}
LANGUAGES = ["en", "ja", "zh-Hans"]


class Reader(HTMLParser):
    """What a page has: its elements with their attributes, and the text of what is marked as signed."""

    def __init__(self, shown: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.signed: list[str] = []
        self.text = ""
        self._within = False
        self.feed(shown)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "p" and "signed" in (dict(attrs).get("class") or "").split():
            self._within = True
            self.signed.append("")

    def handle_endtag(self, tag: str) -> None:
        self._within = self._within and tag != "p"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._within:
            self.signed[-1] += data


@cache
def signed_file(hostile: bool = False, exercise: bool = False) -> bytes:
    return evidence(HOSTILE if hostile else FIELDS, exercise=exercise)


def told(fields: dict[int, Value] = FIELDS) -> Json:
    return readout(fields, [["ours:2"]]) if fields is HOSTILE else readout(fields)


def signed(fields: dict[int, Value] = FIELDS) -> Signed:
    return Signed.read(signed_file(fields is HOSTILE), FILE, told(fields))


def pages(language: str = "en", fields: dict[int, Value] = FIELDS) -> Reader:
    return Reader(page(told(fields), talks(told(fields)), signed(fields), language=language, zone="Asia/Tokyo"))


def texts(language: str = "en", fields: dict[int, Value] = FIELDS) -> str:
    return text(told(fields), talks(told(fields)), signed(fields), language=language, zone="Asia/Tokyo")


def squeezed(shown: str) -> str:
    return re.sub(r"\s", "", shown)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_has_exactly_the_words_that_were_signed_in_their_order(language: str) -> None:
    (entry,) = [entry for entry in verify_evidence(signed_file()).entries if entry.get("form") == "readout"]
    fields = entry["fields"]
    words = [fields["2"], fields["3"], *(point[0] for point in fields["4"] if point[0]), fields["5"], fields["6"]]
    assert pages(language).signed == words
    assert words[1] == OWN_TEXT


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_has_every_word_that_was_signed_in_its_order_within_78_columns(language: str) -> None:
    shown = texts(language)
    assert max(map(columns, shown.split("\n"))) <= 78
    words = [FIELDS[2], OWN_TEXT, "気球について抗議した。", FIELDS[5], FIELDS[6]]
    assert re.search(".*".join(re.escape(squeezed(each)) for each in words), squeezed(shown))


@pytest.mark.slow
@pytest.mark.parametrize("fields", [FIELDS, HOSTILE], ids=["plain", "hostile"])
def test_page_names_entry_signers_and_the_file_with_its_hash_and_how_to_check(fields: dict[int, Value]) -> None:
    digest = sha256(signed_file(fields is HOSTILE)).hexdigest()
    for shown in (pages(fields=fields).text, texts(fields=fields)):
        for part in ("Tokyo 1 (log a-1-1, place 1)", "officer 1 (duty)", FILE, digest, f"watchline verify {FILE}"):
            assert part in shown
        assert signed().fingerprint in " ".join(shown.split())


def test_point_by_reference_shows_the_words_of_the_record_apart_from_what_was_signed() -> None:
    shown = pages()
    assert "Agenda item Beijing 4 in the record" in shown.text
    assert "Unblocking of supply chains" in shown.text
    assert "To try to open a hotline" in shown.text
    assert not any("supply chains" in each or "hotline" in each for each in shown.signed)
    assert "as it stands in Tokyo 5, Beijing 41" in shown.text


def test_point_in_own_words_shows_no_word_of_the_other_entry() -> None:
    assert "about Tokyo 2" in pages().text
    assert "Balloons" not in pages().text + texts()


def test_facts_of_the_round_are_in_the_readers_time_and_words() -> None:
    assert "22 February (2023-02-22)" in pages().text
    assert "Iikura House" in texts()
    assert "+09:00 Asia/Tokyo" in texts()


def test_hostile_text_makes_no_element_and_no_link() -> None:
    plain, hostile = pages(), pages(fields=HOSTILE)
    assert {tag for tag, _ in hostile.tags} <= {tag for tag, _ in plain.tags}
    assert not any({"href", "src", "style", "onerror"} & attributes.keys() for _, attributes in hostile.tags)
    assert hostile.signed[0] == MARKUP
    assert hostile.signed[1] == HOSTILE[3]


def test_page_loads_nothing_and_runs_nothing() -> None:
    tags = pages().tags
    assert "script" not in {tag for tag, _ in tags}
    policies = [attributes["content"] or "" for tag, attributes in tags if "http-equiv" in attributes]
    assert [policy.split(";")[0] for policy in policies] == ["default-src 'none'"]


def test_nothing_that_people_signed_passes_for_a_heading_of_the_text() -> None:
    plain, hostile = texts(), texts(fields=HOSTILE)

    def headings(shown: str) -> list[str]:
        return [line for line in shown.split("\n") if line and not line.startswith(" ")]

    assert [line for line in headings(hostile) if line not in headings(plain)] == []
    assert headings(hostile).count("Signature") == 1
    assert max(map(columns, hostile.split("\n"))) <= 78


def test_confidential_readout_is_never_made_a_page() -> None:
    confidential = {**told(), "publication": "confidential"}
    known = signed()
    for make in (
        lambda: Signed.read(signed_file(), FILE, confidential),
        lambda: page(confidential, talks(), known, language="en", zone=None),
        lambda: text(confidential, talks(), known, language="en", zone=None),
    ):
        with pytest.raises(UsageError, match="confidential"):
            make()


@pytest.mark.parametrize(
    "change",
    [
        {"own_text": OWN_TEXT + " And more."},
        {"title": None},
        {"agreed_text": "Something else."},
        {"differences": ""},
        {"points": []},
        {"points": [*told()["points"][:2], {"text": "Their words.", "about": ["ours:5", "theirs:41"]}]},
    ],
)
def test_evidence_of_another_text_than_the_desk_tells_is_refused(change: Json) -> None:
    with pytest.raises(NegativeAnswer, match="does not show this readout"):
        Signed.read(signed_file(), FILE, {**told(), **change})


def test_evidence_that_is_damaged_is_refused() -> None:
    damaged = bytearray(signed_file())
    damaged[len(damaged) // 2] ^= 1
    with pytest.raises(NegativeAnswer):
        Signed.read(bytes(damaged), FILE, told())


def test_readout_that_people_did_not_release_is_refused() -> None:
    with pytest.raises(NegativeAnswer):
        Signed.read(evidence(FIELDS, released=False), FILE, told())


def test_published_flag_of_the_evidence_counts_and_not_what_is_told() -> None:
    with pytest.raises(NegativeAnswer):
        Signed.read(evidence({**FIELDS, 7: "confidential"}), FILE, told())


def test_readout_that_its_side_replaced_says_so() -> None:
    later = {**told(), "id": "ours:9"}
    theirs = {**told(), "id": "theirs:9", "side": "theirs"}
    assert "Replaced" not in page(told(), talks(told(), theirs), signed(), language="en", zone=None)
    assert "Replaced by a later readout of the same side: Tokyo 9" in texts_of(talks(told(), later))


def test_readout_that_its_side_withdrew_says_so() -> None:
    withdrawn = {**told(), "withdrawn": True}
    for make in (page, text):
        assert "Tokyo has withdrawn this readout." in make(withdrawn, talks(), signed(), language="en", zone=None)
        assert "withdrawn" not in make(told(), talks(), signed(), language="en", zone=None)


def texts_of(round_: Json) -> str:
    return text(told(), round_, signed(), language="en", zone=None)


def test_what_the_evidence_does_not_show_is_said() -> None:
    weaker = replace(signed(), complete=False, received=None, officers=())
    for make in (page, text):
        shown, before = (make(told(), talks(), each, language="en", zone=None) for each in (weaker, signed()))
        for words in ("It is provisional", "no receipt by Beijing is shown", "a machine of Tokyo, as the terms allow"):
            assert words in shown
            assert words not in before


def test_readout_of_an_exercise_is_marked() -> None:
    made = Signed.read(signed_file(exercise=True), FILE, told())
    shown = Reader(page(told(), talks(), made, language="en", zone=None))
    assert ("body", {"class": "exercise"}) in shown.tags
    assert "EXERCISE" in shown.text
    assert "[EXERCISE]" in text(told(), talks(), made, language="en", zone=None)


def test_reader_of_a_language_without_words_gets_english() -> None:
    assert ("html", {"lang": "en"}) in pages("fr").tags
    assert "Readout of the talks" in texts("fr")
