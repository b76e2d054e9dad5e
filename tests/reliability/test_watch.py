"""What the watch expects of desks whose disks were put back as if nothing had happened: of one end, and of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from reliability.medium import MediumVFS
from reliability.simulator.pool import NODE_KEY, WAL_BYTES, home, journal_path, line_id, party
from reliability.simulator.violation import Violation
from reliability.simulator.watch import Direction, Watch, Wire
from watchline.core.merkle import leaf_hash
from watchline.core.records import EntryRecord, Log, Pair, ReceiptRecord, Record
from watchline.journal import Journal
from watchline.journal.sqlite import open_journal

TOKYO, BEIJING = "Tokyo", "Beijing"
LINE, PAIR = line_id(TOKYO, BEIJING), Pair(1, 1)
DIRECTION = Direction(LINE, TOKYO, *PAIR)
TWO_RECEIPTS = "fork: Beijing gave receipts for two heads of size 1"
TWO_CONTENTS = "key: Tokyo sent two contents as entry 0"
WORDS, OTHER_WORDS, THIRD_WORDS = b"words", b"other words", b"third words"


def entry(words: bytes, *, outgoing: bool) -> EntryRecord:
    return EntryRecord(Log(LINE, PAIR, outgoing), 0, 1, words, words, bytes(32), words if outgoing else None, 1, 0)


def wire(words: bytes) -> Wire:
    return 1, 0, words, 0, None, words


class Story:
    """Tokyo writes, Beijing receipts, and disks are put back; a watch looks on."""

    def __init__(self, copy: Callable[[str], Journal], liar: str | None = None) -> None:
        self.watch = Watch([party(TOKYO), party(BEIJING)], [(TOKYO, BEIJING)], liar)
        self._copy = copy
        self.commit(BEIJING, entry(b"Beijing's own", outgoing=True))

    def commit(self, desk: str, *records: Record) -> None:
        self.watch.committing(desk, list(records))
        self.watch.committed(desk)

    def write(self, words: bytes) -> None:
        self.commit(TOKYO, entry(words, outgoing=True))

    def say(self, words: bytes) -> None:
        self.watch.say(DIRECTION, 0, wire(words))

    def take(self, words: bytes) -> None:
        self.commit(BEIJING, entry(words, outgoing=False))

    def receipt(self, words: bytes) -> None:
        self.commit(BEIJING, ReceiptRecord(Log(LINE, PAIR, False), 1, leaf_hash(words), 0, bytes(64)))

    def deliver(self, words: bytes) -> None:
        """All of it, from the author's disk to the receipt."""
        self.write(words)
        self.say(words)
        self.take(words)
        self.receipt(words)

    def put_back(self, *desks: str) -> None:
        """A copy without a word takes the place of each disk; Beijing has said its own first entry again."""
        for desk in desks:
            self.watch.put_back(desk, self._copy(desk))
            if desk == BEIJING:
                self.commit(BEIJING, entry(b"Beijing's own", outgoing=True))


@pytest.fixture
def copy() -> Iterator[Callable[[str], Journal]]:
    """Opens an old copy of a desk's disk, by the desk's name: paired, and without a word."""
    disks: list[MediumVFS] = []
    journals: list[Journal] = []

    def opened(name: str) -> Journal:
        disk = MediumVFS(f"copy {len(disks)}")
        disk.restore(home(name, (TOKYO if name == BEIJING else BEIJING,), "calm"))
        disks.append(disk)
        journals.append(open_journal(journal_path(), NODE_KEY, False, vfs=disk.name, wal_bytes=WAL_BYTES))
        return journals[-1]

    yield opened
    for journal in journals:
        journal.close()
    for disk in disks:
        disk.unregister()


@pytest.fixture
def story(copy: Callable[[str], Journal]) -> Story:
    told = Story(copy)
    told.deliver(WORDS)
    return told


@pytest.mark.parametrize("order", [(TOKYO, BEIJING), (BEIJING, TOKYO)])
def test_what_both_ends_have_lost_may_be_said_and_receipted_anew(story: Story, order: Sequence[str]) -> None:
    """Neither disk knows of it, so no desk can tell; the watch had asked it of them (seed 4250)."""
    story.put_back(*order)
    story.deliver(OTHER_WORDS)
    assert (story.watch.counts["said_anew"], story.watch.counts["receipted_anew"]) == (1, 1)


def test_receipt_for_another_log_is_given_once_after_both_ends_were_set_back(story: Story) -> None:
    story.put_back(TOKYO, BEIJING)
    story.deliver(OTHER_WORDS)
    story.receipt(OTHER_WORDS)
    for words in (WORDS, THIRD_WORDS):
        with pytest.raises(Violation, match=TWO_RECEIPTS):
            story.receipt(words)


def test_receiver_that_alone_was_set_back_has_no_second_log_to_receipt(story: Story) -> None:
    story.put_back(BEIJING)
    story.receipt(WORDS)
    story.put_back(BEIJING)
    with pytest.raises(Violation, match=TWO_RECEIPTS):
        story.receipt(OTHER_WORDS)


def test_receiver_that_was_not_set_back_knows_what_it_receipted(story: Story) -> None:
    story.put_back(TOKYO)
    story.write(OTHER_WORDS)
    with pytest.raises(Violation, match=TWO_CONTENTS):
        story.say(OTHER_WORDS)
    with pytest.raises(Violation, match=TWO_RECEIPTS):
        story.receipt(OTHER_WORDS)


@pytest.mark.parametrize("order", [(TOKYO, BEIJING), (BEIJING, TOKYO)])
def test_receiver_set_back_to_a_copy_that_holds_the_entry_knows_of_it(
    story: Story, copy: Callable[[str], Journal], order: Sequence[str]
) -> None:
    """Tokyo has lost it, and Beijing's copy has not."""
    holding = copy(BEIJING)
    holding.commit([entry(b"Beijing's own", outgoing=True), entry(WORDS, outgoing=False)])
    for desk in order:
        story.watch.put_back(desk, holding if desk == BEIJING else copy(desk))
    story.write(OTHER_WORDS)
    with pytest.raises(Violation, match=TWO_CONTENTS):
        story.say(OTHER_WORDS)
    with pytest.raises(Violation, match=TWO_RECEIPTS):
        story.receipt(OTHER_WORDS)


def test_receiver_may_receipt_again_what_the_copy_holds_that_was_put_back(story: Story, copy: Callable[[str], Journal]) -> None:
    holding = copy(BEIJING)
    holding.commit([entry(b"Beijing's own", outgoing=True), entry(WORDS, outgoing=False)])
    story.put_back(TOKYO, BEIJING)
    story.deliver(OTHER_WORDS)
    story.watch.put_back(BEIJING, holding)
    story.receipt(WORDS)
    with pytest.raises(Violation, match=TWO_RECEIPTS):
        story.receipt(OTHER_WORDS)


def test_receiver_that_was_set_back_may_believe_another_lie(copy: Callable[[str], Journal]) -> None:
    story = Story(copy, liar=TOKYO)
    story.receipt(WORDS)
    with pytest.raises(Violation, match=TWO_RECEIPTS):
        story.receipt(OTHER_WORDS)
    story.put_back(BEIJING)
    story.receipt(OTHER_WORDS)


def test_one_message_key_for_two_contents_is_found_whoever_was_set_back(story: Story) -> None:
    story.put_back(TOKYO, BEIJING)
    with pytest.raises(Violation, match=TWO_CONTENTS):
        story.watch.say(DIRECTION, 0, (*wire(WORDS)[:-1], OTHER_WORDS))
