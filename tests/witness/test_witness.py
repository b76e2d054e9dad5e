"""A witness signs only what goes on from what it signed before, whatever its disk does and whenever it dies."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.journal.faulty_disk import Fault, FaultyDisk
from tests.witness.sample_logs import KEY, START, Given, SampleLog, Wall, witness_of
from watchline.core.checkpoint import COSIGNATURE, VerifierKey
from watchline.core.merkle import EMPTY_ROOT
from watchline.core.witnessing import TreeHead, read_cosignatures
from watchline.errors import JournalError, SecretError, UsageError
from watchline.witness.home import KEY_FILE, STORE_FILE, make_witness, read_witness
from watchline.witness.logs import Anyone, Listed
from watchline.witness.service import Answer, Witness
from watchline.witness.store import Known, Store

LOG, BRANCH = SampleLog(), SampleLog(branch="another")


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    made = witness_of(tmp_path / "witness.db", Given(LOG))
    yield made
    made.store.close()


def times(answer: Answer, size: int, log: SampleLog = LOG) -> list[int]:
    assert answer.status == 200, answer
    return [each.time for each in read_cosignatures(answer.body, log.checkpoint(size), [KEY.verifier])]


def test_log_that_grows_is_cosigned_at_each_step(witness: Witness) -> None:
    for old, size in [(0, 3), (3, 3), (3, 20), (20, 64)]:
        assert times(witness.add_checkpoint(LOG.request(old, size)), size) == [START]


def test_rollback_of_a_log_is_refused_with_the_size_that_is_known(witness: Witness) -> None:
    witness.add_checkpoint(LOG.request(0, 20))

    for request in (LOG.request(0, 3), LOG.request(3, 10), LOG.request(0, 20), LOG.request(0, 64)):
        assert witness.add_checkpoint(request) == Answer(409, "text/x.tlog.size", b"20\n")


def test_split_view_is_refused_after_a_restart_too(tmp_path: Path) -> None:
    first = witness_of(tmp_path / "witness.db", Given(LOG))
    first.add_checkpoint(LOG.request(0, 20))
    first.store.close()

    again = witness_of(tmp_path / "witness.db", Given(LOG), create=False)

    assert [again.add_checkpoint(BRANCH.request(20, size)).status for size in (20, 30)] == [409, 422]
    assert again.store.known(LOG.key.name) == Known(TreeHead(20, LOG.checkpoint(20).root), START)
    again.store.close()


def test_logs_do_not_touch_each_other(tmp_path: Path) -> None:
    other = SampleLog("another/log")
    witness = witness_of(tmp_path / "witness.db", Given(LOG, other))

    assert times(witness.add_checkpoint(LOG.request(0, 20)), 20)
    assert times(witness.add_checkpoint(other.request(0, 3)), 3, other)
    assert witness.add_checkpoint(SampleLog("unknown").request(0, 3)).status == 404
    witness.store.close()


def test_no_time_is_signed_below_one_that_was_signed(tmp_path: Path) -> None:
    wall = Wall()
    witness = witness_of(tmp_path / "witness.db", Given(LOG), wall)
    witness.add_checkpoint(LOG.request(0, 3))

    wall.now = START - 1
    assert witness.add_checkpoint(LOG.request(3, 9)).status == 503
    assert witness.store.known(LOG.key.name) == Known(TreeHead(3, LOG.checkpoint(3).root), START)

    wall.now = START + 1
    assert times(witness.add_checkpoint(LOG.request(3, 9)), 9) == [START + 1]
    witness.store.close()


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from([LOG, BRANCH]), st.integers(0, 64), st.integers(0, 64)), max_size=20))
@settings(max_examples=30)
def test_whatever_is_asked_in_whatever_order_one_log_is_signed(asked: list[tuple[SampleLog, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        witness = witness_of(Path(folder) / "witness.db", Given(LOG))
        signed: list[tuple[int, bytes]] = []
        for log, one, two in asked:
            known = witness.store.known(LOG.key.name)
            old = one if known is None or one % 2 else known.head.size
            if old <= two and witness.add_checkpoint(log.request(old, two)).status == 200:
                signed.append((two, log.checkpoint(two).root))
        witness.store.close()
    assert [size for size, _ in signed] == sorted(size for size, _ in signed)
    assert any(all(log.checkpoint(size).root == root for size, root in signed) for log in (LOG, BRANCH))


# -- the disk

SIZES = [3, 9, 20, 33]


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    made = FaultyDisk("witness")
    yield made
    made.unregister()


def play(path: Path, promised: list[int]) -> None:
    """A witness's short life; `promised` has the size of every cosignature that left it."""
    witness = witness_of(path, Given(LOG), vfs="witness")
    try:
        for old, size in zip([0, *SIZES], SIZES, strict=False):
            if witness.add_checkpoint(LOG.request(old, size)).status == 200:
                promised.append(size)
    finally:
        witness.store.close()


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["power", "io", "short", "fsync"])
@pytest.mark.parametrize("seed", range(3))
def test_disk_that_fails_at_any_operation_never_lets_a_signed_size_be_taken_back(
    tmp_path: Path, fault: Fault, seed: int
) -> None:
    at = struck = 0
    while True:
        at += 1
        folder = tmp_path / str(at)
        folder.mkdir()
        path, promised = folder / "witness.db", [0]
        disk = FaultyDisk("witness", seed)
        disk.strike(fault, at)
        try:
            play(path, promised)
            done = not disk.dead and disk._fault is not None
        except (JournalError, apsw.Error):
            done = False
        finally:
            disk.unregister()
        if done:
            break
        struck += 1
        check_keeps(path, promised[-1])
    assert struck > 10 or fault == "fsync"
    assert struck


def check_keeps(path: Path, promised: int) -> None:
    """What was signed is known at the next start; at most one step more, for which no signature left."""
    with suppress(JournalError):
        store = Store(path, create=promised == 0)
        known = store.known(LOG.key.name)
        size = 0 if known is None else known.head.size
        store.close()
        assert size in SIZES or size == 0
        assert size >= promised
        again = witness_of(path, Given(LOG), create=False)
        if promised:
            assert again.add_checkpoint(BRANCH.request(0, 64)).status == 409
            assert again.add_checkpoint(LOG.request(0, promised)).status == 409
        again.store.close()
        return
    assert promised == 0


def test_full_disk_signs_nothing_and_goes_on_when_there_is_room(tmp_path: Path, disk: FaultyDisk) -> None:
    witness = witness_of(tmp_path / "witness.db", Given(LOG), vfs="witness")
    disk.strike("full")

    with pytest.raises(JournalError) as caught:
        witness.add_checkpoint(LOG.request(0, 20))

    assert caught.value.facts["reason"] == "disk-full"
    assert witness.store.failed is None
    disk.heal()
    assert times(witness.add_checkpoint(LOG.request(0, 9)), 9)
    witness.store.close()


def test_after_a_failed_write_nothing_is_signed_any_more(tmp_path: Path, disk: FaultyDisk) -> None:
    witness = witness_of(tmp_path / "witness.db", Given(LOG), vfs="witness")
    disk.strike("fsync")

    for _ in range(2):
        with pytest.raises(JournalError):
            witness.add_checkpoint(LOG.request(0, 20))

    assert witness.store.failed is not None
    witness.store.close()


# -- the folder


def test_witness_is_one_process(tmp_path: Path) -> None:
    store = Store(tmp_path / "witness.db", create=True)

    with pytest.raises(JournalError) as caught:
        Store(tmp_path / "witness.db")

    assert caught.value.facts["reason"] == "in-use"
    store.close()


def test_witness_whose_memory_is_gone_does_not_start_under_its_key(tmp_path: Path) -> None:
    make_witness(tmp_path, "w1")
    (tmp_path / STORE_FILE).unlink()

    with pytest.raises(JournalError) as caught:
        Store(tmp_path / STORE_FILE)

    assert caught.value.facts["reason"] == "missing"


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + bytes(4080), b"something else" * 400])
def test_file_that_is_no_witness_memory_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "witness.db").write_bytes(content)
    with pytest.raises(JournalError):
        Store(tmp_path / "witness.db")


def test_memory_of_another_program_or_a_newer_version_is_refused_and_untouched(tmp_path: Path) -> None:
    for pragma, reason in (("application_id", "foreign"), ("user_version", "newer")):
        path = tmp_path / f"{pragma}.db"
        Store(path, create=True).close()
        connection = apsw.Connection(str(path))
        connection.pragma(pragma, 99)
        connection.close()
        with pytest.raises(JournalError) as caught:
            Store(path)
        assert caught.value.facts["reason"] == reason


def test_head_below_the_known_one_is_a_bug_and_is_not_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "witness.db", create=True)
    store.advance("log", TreeHead(5, bytes(32)), START)

    with pytest.raises(RuntimeError):
        store.advance("log", TreeHead(4, EMPTY_ROOT), START)

    assert store.known("log") == Known(TreeHead(5, bytes(32)), START)
    store.close()


def test_key_is_made_once_and_read_back(tmp_path: Path) -> None:
    made = make_witness(tmp_path / "w", "witness.example.org/w1")

    assert read_witness(tmp_path / "w") == made
    assert (tmp_path / "w" / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert VerifierKey.parse(made.verifier.to_text()) == VerifierKey(made.name, COSIGNATURE, made.key.public)
    with pytest.raises(UsageError):
        make_witness(tmp_path / "w", "another")


@pytest.mark.parametrize("name", ["", "two words", "a+b", "tab\t"])
def test_name_that_no_key_has_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        make_witness(tmp_path / "w", name)
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("content", [b"", b"PRIVATE+KEY+w1+00000000+BAAA", b"\xff\xfe", b"x" * 5000])
def test_key_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(SecretError):
        read_witness(tmp_path)


def test_making_that_was_interrupted_is_finished(tmp_path: Path) -> None:
    (tmp_path / STORE_FILE).touch()
    made = make_witness(tmp_path, "w1")
    Store(tmp_path / STORE_FILE).close()
    assert read_witness(tmp_path) == made


# -- which logs


def test_list_is_read_again_when_an_unknown_origin_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "logs.txt"
    path.write_text("# none yet\n")
    listed = Listed(path)
    assert listed.key(LOG.key.name) is None

    path.write_text(f"{LOG.key.to_text()}  # tokyo\n")

    assert listed.key(LOG.key.name) == LOG.key
    assert listed.offer(LOG.key.to_text())[0] == 404


def test_list_that_was_broken_later_leaves_the_logs_that_were_in_it(tmp_path: Path) -> None:
    path = tmp_path / "logs.txt"
    path.write_text(LOG.key.to_text())
    listed = Listed(path)
    for broken in (b"news", b"\xff\xfe"):
        path.write_bytes(broken)
        assert listed.key("another") is None
        assert listed.key(LOG.key.name) == LOG.key
    path.unlink()
    assert listed.key("another") is None
    with pytest.raises(UsageError):
        Listed(path)


def test_anyone_is_served_under_the_key_that_came_first_up_to_a_number(tmp_path: Path) -> None:
    store = Store(tmp_path / "witness.db", create=True)
    anyone = Anyone(store, logs_max=2)
    other = VerifierKey(LOG.key.name, LOG.key.algorithm, KEY.key.public)

    assert anyone.key(LOG.key.name) is None
    assert anyone.offer(LOG.key.to_text())[0] == 200
    assert anyone.offer(LOG.key.to_text())[0] == 200
    assert anyone.offer(other.to_text())[0] == 409
    assert anyone.key(LOG.key.name) == LOG.key
    assert [anyone.offer(vkey)[0] for vkey in ("news", "", KEY.verifier.to_text())] == [400, 400, 400]
    assert [anyone.offer(SampleLog(f"log{n}").key.to_text())[0] for n in range(3)] == [200, 503, 503]
    store.close()
