"""Our own log on a line: composing, checkpoints, epochs, sending and sending again, and the peer's receipts (rules 10-19, 23).

Nothing here is durable by itself: `Line` gathers the records of one turn, and the desk commits them before it sends a frame.
An index is used once: what is sent again is the stored ciphertext, never a new one.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchline.core import shapes
from watchline.core.checkpoint import Checkpoint, cosignature_message, origin
from watchline.core.encoding import decode, encode
from watchline.core.entries import NUMBERED, Again, Body, Continues, EntryType, Leaf
from watchline.core.epochs import NO_ROOT_KEY, Chain, hedged_seed, open_epoch, seal_body
from watchline.core.frames import ENTRIES_ROOM, Entries, FullEntry, Item, Receipt, ShownCheckpoint, WireEntry, entry_room
from watchline.core.kept_statements import statement_record, stored_statement
from watchline.core.keys import verify_ed25519
from watchline.core.limits import EPOCH_LEAVES, EPOCH_SECONDS, FRAME_ENTRIES_MAX, PREKEYS_MAX
from watchline.core.merkle import Edge, leaf_hash
from watchline.core.records import (
    CheckpointRecord,
    EntryRecord,
    PrekeyRecord,
    ReceiptRecord,
    Record,
    StateRecord,
)
from watchline.core.setting import LineSetup, Moment, Reader, damaged
from watchline.core.statements import Statement, StatementType, epoch_values, sign_statement
from watchline.errors import BadSignature, Rollback

STATE_PART = "outgoing"
WINDOW_ENTRIES = 4_096  # entries under way without a receipt; the rest wait in the journal
PREKEYS_STOCK_MAX = 2 * PREKEYS_MAX  # a batch may cross the last one of a peer that saw no status of ours
ROOTS_KEPT = 1_024  # recent sizes whose roots are kept at hand
PUMP_FRAMES = 8  # sent again in one turn: about what a link takes before it is congested
RESEND_FIRST_SECONDS, RESEND_LAST_SECONDS = 2.0, 60.0
SHOW_FULL_SECONDS = 0.5  # between two answers to requests for a full form


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be composed. nonce, assertions: its release by people, if it has one. once: the caller's retry key.

    again: where it stood in an earlier pair, if it was issued there before (rule 30).
    """

    type: EntryType
    content: bytes
    nonce: bytes | None = None
    assertions: tuple[object, ...] = ()
    re: int | None = None
    once: str | None = None
    released: bool = False
    again: Again | None = None


class Outgoing:
    """The sending half of a line. Its changing state is small, sealed at rest as one blob, and read back by `restore`."""

    def __init__(self, setup: LineSetup, reader: Reader, *, entries_per_checkpoint: int = FRAME_ENTRIES_MAX) -> None:
        self.setup = setup
        self._reader = reader
        self._entries_per_checkpoint = entries_per_checkpoint
        self._prefix = setup.outgoing.prefix()
        self.origin = origin(setup.line, setup.own_id, setup.pair.ours, setup.pair.theirs)
        self.edge = Edge.EMPTY
        self.chain = Chain(0, NO_ROOT_KEY, bytes(32))
        self.next_chain: Chain | None = None
        self.next_held = False
        self.next_statement: Statement | None = None
        self.epoch_leaves = 0
        self.epoch_opened_wall = 0
        self.last_number = 0
        self.received = 0
        self.sent = 0
        self.committed = 0
        self.flowing = True
        self.prekeys: dict[int, bytes] = {}
        self.highest_prekey = 0
        self._roots: dict[int, bytes] = {0: Edge.EMPTY.root()}
        self._fresh: list[tuple[EntryRecord, WireEntry]] = []
        self._fresh_room = 0
        self._records: list[Record] = []
        self._items: list[Item] = []
        self._changed = False
        self._resend_after = RESEND_FIRST_SECONDS
        self._shown_full_at: float | None = None
        self.stored_terms: list[int] = []
        self.resend_at: float | None = None

    # --- life

    def begin(self, moment: Moment, held: Edge, continues: Continues) -> None:
        """Begin the log of a new pair: epoch 1 under the certificate's key, and CONTINUES as leaf 0 (rules 28, 40)."""
        self._open_epoch(moment, 0, self.setup.peer_certificate.certificate.public.kem)
        assert self.next_chain is not None
        self._enter_next_epoch(moment)
        self.last_number = continues.last_number
        self.compose(Draft(EntryType.CONTINUES, continues.encode(), released=True), moment, held)

    def restore(self) -> None:
        """Take up the state that was committed, and check it against the whole log, recomputed from its leaves (rule 23)."""
        blob = self._reader.state(self.setup.line, self.setup.part(STATE_PART))
        if blob is None:
            raise damaged("a line has entries and no state")
        parts = shapes.array(decode(blob), "outgoing state", length=11)
        self.chain = Chain(parts[0], parts[1], parts[2])
        if parts[3] is not None:
            self.next_chain = Chain(*parts[3])
        self.epoch_leaves, self.epoch_opened_wall, self.last_number = parts[4:7]
        self.highest_prekey = parts[7]
        self.edge = Edge.from_bytes(parts[8], parts[9])
        recomputed = Edge.EMPTY
        log = self.setup.outgoing_log
        for index, (leaf, kind, _) in enumerate(self._reader.leaves(log, 0, self._reader.size(log))):
            recomputed = recomputed.append(leaf_hash(leaf))
            if kind == EntryType.TERMS:
                self.stored_terms.append(index)
        if recomputed != self.edge:
            raise damaged("our log does not lead to the root that was committed")
        receipt = self._reader.latest_receipt(self.setup.outgoing_log)
        self.received = self.sent = receipt.size if receipt is not None else 0
        self.committed = self.edge.size
        self._remember_root(self.edge.size, self.edge.root())
        if parts[10]:
            self.next_statement = stored_statement(self._reader, self.setup, StatementType.EPOCH, ours=True)
            if self.next_statement is None:
                raise damaged("an epoch was prepared, and its statement is gone")
        self.prekeys = self._reader.prekeys(self.setup.line, self.setup.pair, ours=False)

    def _state(self) -> StateRecord:
        following = self.next_chain
        blob = encode(
            [
                self.chain.epoch,
                self.chain.root_key,
                self.chain.chain_key,
                None if following is None else [following.epoch, following.root_key, following.chain_key],
                self.epoch_leaves,
                self.epoch_opened_wall,
                self.last_number,
                self.highest_prekey,
                self.edge.size,
                self.edge.to_bytes(),
                self.next_statement is not None,
            ]
        )
        return StateRecord(self.setup.line, self.setup.part(STATE_PART), blob)

    # --- composing

    def compose(self, draft: Draft, moment: Moment, held: Edge) -> EntryRecord:
        """Append one entry to our log. held: the peer's log as we hold it, which the leaf names.

        Raises ValueError for a body beyond the limit; the record is durable once the desk has committed this turn.
        """
        if self.next_chain is not None and self.next_held:
            self._close_checkpoint()
            self._enter_next_epoch(moment)
        said = Body(draft.content, draft.nonce, tuple(draft.assertions), draft.again)
        body = said.encode()
        blinding, committed = self.chain.commit(body)
        index = self.edge.size
        leaf = Leaf(self.setup.outgoing, index, int(draft.type), moment.wall, committed, held.size, held.root(), draft.re)
        encoded = leaf.encode(self._prefix)
        message_key = self.chain.message_key(encoded)
        sealed = seal_body(message_key, encoded, body)
        number = None if draft.again is None else draft.again.number
        if draft.again is None and draft.type in NUMBERED:
            number = self.last_number = self.last_number + 1
        record = EntryRecord(
            log=self.setup.outgoing_log,
            index=index,
            type=int(draft.type),
            leaf=encoded,
            body=body,
            blinding=blinding,
            sealed=sealed,
            epoch=self.chain.epoch,
            time=moment.wall,
            re=draft.re,
            number=number,
            nonce=draft.nonce,
            once=draft.once,
            released=draft.released,
            message_key=message_key,
            said=said,
        )
        wire = WireEntry(int(draft.type), moment.wall, committed, held.size, draft.re, sealed)
        if self._fresh and self._fresh_room + entry_room(wire) > ENTRIES_ROOM:
            self._close_checkpoint()
        self.edge = self.edge.append(leaf_hash(encoded))
        self.chain = self.chain.next()
        self.epoch_leaves += 1
        self._fresh.append((record, wire))
        self._fresh_room += entry_room(wire)
        self._changed = True
        if len(self._fresh) >= self._entries_per_checkpoint:
            self._close_checkpoint()
        return record

    def _close_checkpoint(self) -> None:
        """Sign the log as it stands, over all that was composed since the last signature."""
        if not self._fresh:
            return
        fresh, self._fresh, self._fresh_room = self._fresh, [], 0
        root = self.edge.root()
        signature = self._sign(self.edge.size, root)
        self._remember_root(self.edge.size, root)
        self._records.extend(record for record, _ in fresh)
        self._records.append(CheckpointRecord(self.setup.outgoing_log, self.edge.size, root, signature))
        start = fresh[0][0].index
        if self.flowing and self.sent == start and self.edge.size - self.received <= WINDOW_ENTRIES:
            self._items.append(self._entries_item(fresh[0][0].epoch, start, tuple(wire for _, wire in fresh), signature))
            self.sent = self.edge.size

    def _entries_item(self, epoch: int, start: int, entries: tuple[WireEntry, ...], signature: bytes) -> Entries:
        return Entries(self.setup.pair.ours, self.setup.pair.theirs, epoch, start, entries, signature)

    def _sign(self, size: int, root: bytes) -> bytes:
        return self.setup.own_keys.log.sign(Checkpoint(self.origin, size, root).text())

    def _remember_root(self, size: int, root: bytes) -> None:
        self._roots[size] = root
        if len(self._roots) > ROOTS_KEPT:
            for old in list(self._roots)[: ROOTS_KEPT // 2]:
                del self._roots[old]

    def root_at(self, size: int) -> bytes:
        """The root of our log as it stands, or at a size up to `committed`; from the journal if it is not at hand."""
        if size == self.edge.size:
            return self.edge.root()
        root = self._roots.get(size)
        if root is None:
            root = self._reader.root_at(self.setup.outgoing_log, size)
            self._remember_root(size, root)
        return root

    # --- epochs

    def epoch_due(self, moment: Moment) -> bool:
        """Whether the next epoch should be prepared: after 50 leaves, 24 hours, or the first single-use prekey (rule 15).

        Never before the peer holds the last one: epochs follow each other, so one that was lost would be lost for good.
        """
        if self.next_chain is not None or self.next_statement is not None or not self.prekeys:
            return False
        aged = abs(moment.wall - self.epoch_opened_wall) >= EPOCH_SECONDS  # a clock that was set back must not hold it up
        return aged or self.epoch_leaves >= EPOCH_LEAVES or self.chain.epoch == 1

    def prepare_epoch(self, moment: Moment) -> None:
        """Open the next epoch under the oldest prekey; entries change to it once the peer says that it holds it (rule 14)."""
        pre_id = min(self.prekeys)
        self._open_epoch(moment, pre_id, self.prekeys.pop(pre_id))
        self._records.append(PrekeyRecord(self.setup.line, self.setup.pair, False, pre_id, None))

    def _open_epoch(self, moment: Moment, pre_id: int, prekey: bytes) -> None:
        setup, epoch = self.setup, self.chain.epoch + 1
        seed = hedged_seed(setup.own_keys.hedge, moment.random(32), setup.outgoing, epoch, self.edge.size, self.edge.root())
        secret, mark = setup.secrets.spoken_with_mark
        opening, chain = open_epoch(setup.outgoing, epoch, pre_id, prekey, seed, secret, self.chain.root_key, mark=mark)
        statement = sign_statement(StatementType.EPOCH, setup.outgoing, epoch_values(opening), setup.own_keys.statement)
        self.next_chain, self.next_statement, self.next_held = chain, statement, False
        self._records.append(statement_record(setup, statement, moment.wall, ours=True))
        self._items.append(statement.stated())
        self._changed = True

    def epoch_held(self, epoch: int) -> None:
        """The peer's status says that it holds this epoch: the next entry may be sealed under it."""
        if self.next_chain is not None and epoch >= self.next_chain.epoch:
            self.next_held = True
        announced = self.chain if self.next_chain is None else self.next_chain
        if epoch >= announced.epoch:
            self.next_statement = None

    def _enter_next_epoch(self, moment: Moment) -> None:
        assert self.next_chain is not None
        self.chain, self.next_chain, self.next_held = self.next_chain, None, False
        self.epoch_leaves, self.epoch_opened_wall = 0, moment.wall
        self._changed = True

    def keep_prekeys(self, keys: dict[int, bytes]) -> bool:
        """Stock the peer's single-use keys; False if none is new. A number that was ever seen is not taken again (rule 10)."""
        fresh = {pre_id: key for pre_id, key in sorted(keys.items()) if pre_id > self.highest_prekey}
        for pre_id, key in list(fresh.items())[: max(0, PREKEYS_STOCK_MAX - len(self.prekeys))]:
            self._records.append(PrekeyRecord(self.setup.line, self.setup.pair, False, pre_id, key))
            self.prekeys[pre_id] = key
            self.highest_prekey = pre_id
            self._changed = True
        return bool(fresh)

    # --- sending again

    def restart_sending(self, from_size: int, moment: Moment) -> None:
        """Send again what the peer does not hold, from this size on; at connect, and when a status shows it behind."""
        self.sent = max(self.received, min(self.sent, from_size))
        self._resend_after = RESEND_FIRST_SECONDS
        self.resend_at = moment.running + self._resend_after
        if self.next_statement is not None:
            self._items.append(self.next_statement.stated())

    def resend_if_due(self, moment: Moment) -> None:
        """After 2, 4, 8 ... 60 s without a receipt, send all unreceipted again (rule 39)."""
        if self.resend_at is None or moment.running < self.resend_at:
            return
        if self.received >= self.committed and self.next_statement is None:
            self.resend_at = None
            return
        self.sent = self.received
        self._resend_after = min(2 * self._resend_after, RESEND_LAST_SECONDS)
        self.resend_at = moment.running + self._resend_after
        if self.next_statement is not None:
            self._items.append(self.next_statement.stated())

    @property
    def has_more(self) -> bool:
        """Whether committed entries wait that the window has room for."""
        return self.flowing and self.sent < self.committed and self.sent - self.received < WINDOW_ENTRIES

    def pump(self) -> None:
        """Put committed entries under way that are not, as far as the window goes, and a few frames a turn."""
        for _ in range(PUMP_FRAMES):
            if not self.has_more:
                return
            entries: list[WireEntry] = []
            epoch, room = 0, 0
            stop = min(self.sent + FRAME_ENTRIES_MAX, self.committed)
            for record in self._reader.entries(self.setup.outgoing_log, self.sent, stop):
                wire = _to_wire(record)
                if entries and (record.epoch != epoch or room + entry_room(wire) > ENTRIES_ROOM):
                    break
                entries.append(wire)
                epoch, room = record.epoch, room + entry_room(wire)
            end = self.sent + len(entries)
            self._items.append(self._entries_item(epoch, self.sent, tuple(entries), self._signature_at(end)))
            self.sent = end

    def _signature_at(self, size: int) -> bytes:
        stored = self._reader.checkpoint_at(self.setup.outgoing_log, size)
        return stored.signature if stored is not None else self._sign(size, self.root_at(size))

    def show_full(self, index: int, moment: Moment) -> None:
        """Send one durable entry with its whole leaf, as the peer asked. The request is not signed: two a second are enough."""
        if self._shown_full_at is not None and moment.running - self._shown_full_at < SHOW_FULL_SECONDS:
            return
        record = self._reader.entry(self.setup.outgoing_log, index) if index < self.committed else None
        if record is None or record.sealed is None:
            return
        self._shown_full_at = moment.running
        root = self.root_at(index + 1)
        self._items.append(FullEntry(record.epoch, record.leaf, record.sealed, root, self._sign(index + 1, root)))

    # --- receipts

    def accept_receipt(self, receipt: Receipt, moment: Moment) -> ReceiptRecord | None:
        """Verify a receipt on our log and remember how far it reaches; None if it tells nothing new.

        Raises BadSignature (rule 23) if it is not the custody cosignature of our root at that size.
        """
        if receipt.size <= self.received:
            return None
        if receipt.size > self.committed:
            raise BadSignature("a receipt for entries that were never sent", rule=23, size=receipt.size)
        root = self.root_at(receipt.size)
        message = cosignature_message(receipt.time, Checkpoint(self.origin, receipt.size, root).text())
        verify_ed25519(self.setup.peer_certificate.certificate.public.custody, receipt.signature, message)
        self.received = receipt.size
        self.sent = max(self.sent, receipt.size)
        self._resend_after = RESEND_FIRST_SECONDS
        self.resend_at = None if self.received >= self.edge.size else moment.running + self._resend_after
        record = ReceiptRecord(self.setup.outgoing_log, receipt.size, root, receipt.time, receipt.signature)
        self._records.append(record)
        return record

    def rollback_shown_by(self, shown: ShownCheckpoint) -> Rollback | None:
        """What a checkpoint under our own log key, shown by the peer, proves: our rollback, or None if this log holds it.

        Raises BadSignature if our log key did not sign it: then it proves nothing.
        """
        text = Checkpoint(self.origin, shown.size, shown.root).text()
        verify_ed25519(self.setup.own_keys.log.public, shown.signature, text)
        if shown.size <= self.committed and self.root_at(shown.size) == shown.root:
            return None
        rollback = Rollback(
            "this node was set back: the peer holds a log under our own key that ours is not",
            rule=26,
            hint="this home is an old copy: stop this node, and call the other desk",
            our_size=self.committed,
            shown_size=shown.size,
        )
        rollback.evidence = encode([[shown.size, shown.root, shown.signature], self.committed, self.root_at(self.committed)])
        return rollback

    # --- one turn

    def turn(self, moment: Moment) -> tuple[list[Record], list[Item], bool]:
        """Close the turn: (records to commit, items to send after, whether they must be durable before anything is seen)."""
        self._close_checkpoint()
        changed, self._changed = self._changed, False
        if changed:
            self._records.append(self._state())
        if self.resend_at is None and (self.sent > self.received or self.next_statement is not None):
            self.resend_at = moment.running + self._resend_after
        records, self._records = self._records, []
        items, self._items = self._items, []
        self.committed = self.edge.size
        return records, items, changed


def _to_wire(record: EntryRecord) -> WireEntry:
    leaf = Leaf.decode(record.leaf)
    assert record.sealed is not None  # of an entry of this pair; only what is recovered of an earlier one has none
    return WireEntry(record.type, leaf.time, leaf.commitment, leaf.peer_size, leaf.re, record.sealed)
