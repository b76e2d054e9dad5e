"""The peer's log on a line: custody of its entries, forks, epochs followed, prekeys given, receipts made (rules 10, 14, 20-23).

Checks go cheapest first: the outer tag held before anything comes here; then incarnations, index, open, commitment, tree,
signature. Until the signature over the whole has held, nothing of this object changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from watchline.core import amendments, shapes
from watchline.core.checkpoint import Checkpoint, cosignature_message, origin
from watchline.core.encoding import decode, encode
from watchline.core.entries import NUMBERED, Body, Continues, EntryType, Leaf, commitment
from watchline.core.epochs import NO_ROOT_KEY, Chain, open_body
from watchline.core.frames import Entries, FullEntry, Item, Receipt, Refusal, ShownCheckpoint, WireEntry
from watchline.core.kept_statements import statement_evidence
from watchline.core.keys import KemKey, verify_ed25519
from watchline.core.limits import EARLY_BYTES_MAX, EARLY_ENTRIES_MAX, PREKEYS_MAX
from watchline.core.line_keys import follow
from watchline.core.merkle import Edge, leaf_hash
from watchline.core.outgoing import Outgoing
from watchline.core.persons import Roster
from watchline.core.records import CheckpointRecord, EntryRecord, PrekeyRecord, ReceiptRecord, Record, StateRecord
from watchline.core.release import is_released, verify_roster_entry
from watchline.core.setting import LineSetup, Moment, Reader, damaged
from watchline.core.statements import Statement, StatementType, read_epoch, sign_statement
from watchline.core.stubs import is_copy_of
from watchline.errors import BadProof, BadSignature, Fork, Malformed, PeerError, WrongParty

STATE_PART, ROSTER_PART = "incoming", "peer-roster"
UPCOMING_MAX = 4  # epochs announced and not begun; an honest sender has one
EXPECTED_MAX = 64  # heads the peer claimed by status and has not sent the entries of
ASK_SECONDS = 1.0  # one request a second and line (rule 39)
FULL_FORMS_PER_TURN = 4  # answers to a request that are looked at: each costs a signature check
ROOTS_KEPT = 1_024  # recent sizes whose roots are kept at hand


@dataclass(slots=True)
class _Step:
    """The log as it would stand after some more entries; adopted whole or thrown away. `fault`: the first, with its entry."""

    edge: Edge
    chain: Chain
    claimed: int
    number: int
    roster: Roster
    history: amendments.TermsHistory
    records: list[EntryRecord] = field(default_factory=list)
    nonces: set[bytes] = field(default_factory=set)
    fault: tuple[PeerError, EntryRecord] | None = None


class Incoming:
    """The receiving half of a line. Its changing state is small, sealed at rest as one blob, and read back by `restore`."""

    def __init__(self, setup: LineSetup, reader: Reader) -> None:
        self.setup = setup
        self._reader = reader
        self._prefix = setup.incoming.prefix()
        self.origin = origin(setup.line, setup.peer_identity.id, setup.pair.theirs, setup.pair.ours)
        self.edge = Edge.EMPTY
        self.history = amendments.TermsHistory(setup.terms, amendments.is_lower(setup))
        self._own_continues: Continues | None = None
        self.chain: Chain | None = None
        self.upcoming: list[Chain] = []
        self.claimed = 0
        self.last_number = 0
        self.prekeys: dict[int, bytes] = {}
        self.next_pre_id = 1
        self.cosigned = 0
        self._early: dict[int, Entries] = {}
        self._early_bytes = 0
        self._expected: dict[int, tuple[bytes, Statement]] = {}
        self._roots: dict[int, bytes] = {0: Edge.EMPTY.root()}
        self._durable = Edge.EMPTY
        self._turn: dict[int, EntryRecord] = {}
        self._turn_nonces: set[bytes] = set()
        self._records: list[Record] = []
        self._items: list[Item] = []
        self._changed = False
        self._receipt_due = False
        self._asked: tuple[int, float] | None = None
        self._full_forms_left = FULL_FORMS_PER_TURN
        self._stored_terms: list[int] = []
        self.dropped = 0

    # --- life

    def restore(self) -> None:
        """Take up the state that was committed, and check it against the whole log, recomputed from its leaves (rule 23)."""
        blob = self._reader.state(self.setup.line, self.setup.part(STATE_PART))
        if blob is None:
            return  # nothing ever came
        parts = shapes.array(decode(blob), "incoming state", length=7)
        self.chain = None if parts[0] is None else Chain(*parts[0])
        self.upcoming = [Chain(*chain) for chain in parts[1]]
        self.claimed, self.last_number, self.next_pre_id = parts[2:5]
        self.edge = Edge.from_bytes(parts[5], parts[6])
        recomputed = Edge.EMPTY
        log = self.setup.incoming_log
        for index, (leaf, kind, _) in enumerate(self._reader.leaves(log, 0, self._reader.size(log))):
            recomputed = recomputed.append(leaf_hash(leaf))
            if kind == EntryType.TERMS:
                self._stored_terms.append(index)
        if recomputed != self.edge:
            raise damaged("the peer's log does not lead to the root that was committed")
        self._durable = self.edge
        self.cosigned = self.edge.size
        self.prekeys = self._reader.prekeys(self.setup.line, self.setup.pair, ours=True)

    def begin_terms(self, continues: Continues) -> None:
        """Find the terms under which a new pair begins, as far as our own word goes; the peer's entry 0 may say less."""
        self._own_continues = continues
        self.history = self._settled(self.history, None)

    def restore_terms(self, own: Sequence[int]) -> None:
        """Take up the terms from the journal. own: the indexes of our TERMS entries; those of the peer's are known."""
        logs = (self.setup.outgoing_log, own), (self.setup.incoming_log, self._stored_terms)
        ours, theirs = (amendments.entered_in(self._reader.entry(log, index) for index in found) for log, found in logs)
        self._own_continues = amendments.read_continues(self._reader.entry(self.setup.outgoing_log, 0))
        self.history = self._settled(self.history.with_all(ours, theirs), self._reader.entry(self.setup.incoming_log, 0))

    def note_own(self, record: EntryRecord) -> None:
        """Take an entry of ours into account: it may propose terms, or accept them."""
        entered = amendments.entered_of(record)
        if entered is not None:
            self.history = self.history.with_entry(True, entered)

    def _settled(self, history: amendments.TermsHistory, first: EntryRecord | None) -> amendments.TermsHistory:
        """The terms that the pair begins with, once entry 0 of both is known. first: the peer's, None while it is not here."""
        theirs, setup = amendments.read_continues(first), self.setup
        source = amendments.JournalSource(setup, self._reader)
        return history.with_base(
            amendments.base_of(setup.pair, self._own_continues, theirs, source, setup.terms, history.lower)
        )

    def _state(self) -> StateRecord:
        blob = encode(
            [
                None if self.chain is None else [self.chain.epoch, self.chain.root_key, self.chain.chain_key],
                [[chain.epoch, chain.root_key, chain.chain_key] for chain in self.upcoming],
                self.claimed,
                self.last_number,
                self.next_pre_id,
                self.edge.size,
                self.edge.to_bytes(),
            ]
        )
        return StateRecord(self.setup.line, self.setup.part(STATE_PART), blob)

    @property
    def epoch(self) -> int:
        """The last epoch we hold; 0 for none yet."""
        if self.upcoming:
            return self.upcoming[-1].epoch
        return 0 if self.chain is None else self.chain.epoch

    def root_at(self, size: int) -> bytes:
        """The root of the peer's log at a size up to what we hold."""
        if size == self.edge.size:
            return self.edge.root()
        root = self._roots.get(size)
        if root is not None:
            return root
        if size <= self._durable.size:
            return self._reader.root_at(self.setup.incoming_log, size)
        edge = self._durable  # what came in this turn is not in the journal yet
        for index in range(edge.size, size):
            edge = edge.append(leaf_hash(self._turn[index].leaf))
        return edge.root()

    def leaf_at(self, index: int) -> Leaf | None:
        """The leaf of an entry in custody, this turn's included; None if there is none."""
        return next(self._leaves(index, index + 1), None)

    def record_at(self, index: int) -> EntryRecord | None:
        """An entry in custody, this turn's included; None if there is none."""
        return self._turn.get(index) or self._reader.entry(self.setup.incoming_log, index)

    def _leaves(self, start: int, stop: int) -> Iterator[Leaf]:
        for leaf, _, _ in self._reader.leaves(self.setup.incoming_log, start, min(stop, self._durable.size)):
            yield Leaf.decode(leaf)
        for index in range(max(start, self._durable.size), min(stop, self.edge.size)):
            yield Leaf.decode(self._turn[index].leaf)

    # --- entries

    def receive(self, item: Entries, own: Outgoing, moment: Moment) -> list[EntryRecord]:
        """Take entries into custody if they follow on; give those that were new.

        Early ones wait (`next_early`). What does not open or is not signed is asked for in full form. Raises Fork, or
        another PeerError with `evidence`, for what the peer signed and must not have: then the line stops.
        """
        size, end = self.edge.size, item.start + len(item.entries)
        if item.start > size:
            self._keep_early(item)
            return []
        if item.start < size and not self._same_as_known(item, moment):
            return []
        if end <= size:
            return []
        chain = self._chain_for(item.epoch)
        if chain is None:
            if item.epoch > self.epoch:
                self._keep_early(item)
            return []
        step = self._step(chain)
        for index, entry in enumerate(item.entries[size - item.start :], start=size):
            if not self._follow(step, index, entry, own, moment):
                self._ask_full_form(index, moment)
                return []
        root = step.edge.root()
        try:
            self._verify_head(end, root, item.signature)
        except BadSignature:
            self._ask_full_form(size, moment)
            return []
        return self._adopt(step, root, item.signature)

    def _step(self, chain: Chain) -> _Step:
        return _Step(self.edge, chain, self.claimed, self.last_number, self.setup.peer_roster, self.history)

    def next_early(self) -> Entries | None:
        """Give back the first waiting entries whose turn has come, None if there are none."""
        for start in sorted(self._early):
            item = self._early[start]
            if start > self.edge.size:
                return None
            if item.epoch <= self.epoch:
                self._early_bytes -= self._early.pop(start).weight_bytes
                return item
        return None

    def _follow(self, step: _Step, index: int, entry: WireEntry, own: Outgoing, moment: Moment) -> bool:
        """Rebuild an entry's leaf, open it and move on; False if it does not open, which damage and a fork both cause."""
        if entry.peer_size > own.committed:
            return False
        leaf = Leaf(
            self.setup.incoming,
            index,
            entry.type,
            entry.time,
            entry.commitment,
            entry.peer_size,
            own.root_at(entry.peer_size),
            entry.re,
        )
        try:
            self._append(step, leaf, leaf.encode(self._prefix), entry.sealed, own, moment)
        except BadSignature:
            return False
        return True

    def _append(self, step: _Step, leaf: Leaf, encoded: bytes, sealed: bytes, own: Outgoing, moment: Moment) -> None:
        message_key = step.chain.message_key(encoded)
        body = open_body(message_key, encoded, sealed)
        blinding = step.chain.blinding(body)
        fault, read = _judge(leaf, body, blinding, step.claimed)
        step.edge = step.edge.append(leaf_hash(encoded))
        step.chain = step.chain.next()
        step.claimed = max(step.claimed, leaf.peer_size)
        number, misnumbered = _number(step, leaf, read)
        fault = fault or misnumbered
        released = read is not None and self._stands_behind(step, leaf, read, moment) and not self._is_used(read, step)
        record = EntryRecord(
            log=self.setup.incoming_log,
            index=leaf.index,
            type=leaf.type,
            leaf=encoded,
            body=body,
            blinding=blinding,
            sealed=sealed,
            epoch=step.chain.epoch,
            time=moment.wall,
            re=leaf.re,
            number=number,
            nonce=None if read is None else read.nonce,
            released=released,
            message_key=message_key,
            said=read,
        )
        step.records.append(record)
        if record.nonce is not None:
            step.nonces.add(record.nonce)
        if leaf.type == EntryType.TERMS and read is not None:
            entered = amendments.read_entered(leaf, read.content, released)
            step.history = step.history if entered is None else step.history.with_entry(False, entered)
        elif leaf.index == 0:
            step.history = self._settled(step.history, record)
        fault = fault or self._broken_promise(step)
        if fault is not None and step.fault is None:
            step.fault = fault, record

    def _stands_behind(self, step: _Step, leaf: Leaf, body: Body, moment: Moment) -> bool:
        """Whether those who must stand behind an entry do; a change of the roster holds for the very next entry."""
        if leaf.type != EntryType.ROSTER:
            terms = step.history.at(False, leaf.index, leaf.peer_size)
            return is_released(leaf, body, self._target(step, leaf), step.roster, terms, moment.wall)
        try:
            step.roster, _ = verify_roster_entry(body, step.roster, self.setup.peer_identity, self.setup.line, moment.wall)
        except PeerError:
            return False
        return True

    def _target(self, step: _Step, leaf: Leaf) -> Body | None:
        """What an answer (an entry of ours) or a cancel (one of the peer's own) refers to; None for what we do not hold.

        In the first pair of a line nothing was issued again, so there nobody needs it.
        """
        if leaf.re is None or self.setup.pair == (1, 1):
            return None
        ahead = leaf.re - self.edge.size
        if leaf.type != EntryType.CANCEL:
            record = self._reader.entry(self.setup.outgoing_log, leaf.re)
        elif 0 <= ahead < len(step.records):
            record = step.records[ahead]
        else:
            record = self.record_at(leaf.re)
        return None if record is None else Body.decode(record.body)

    def _broken_promise(self, step: _Step) -> PeerError | None:
        """A fork, if the entries lead to another root than a status of the peer named for this size."""
        root, statement = self._expected.get(step.edge.size, (None, None))
        if root is None or statement is None or root == step.edge.root():
            return None
        size = step.edge.size
        fork = Fork("the peer signed another root of its log than its entries lead to", rule=26, size=size)
        fork.evidence = statement_evidence(statement)
        return fork

    def _is_used(self, body: Body, step: _Step) -> bool:
        """Whether the peer used a release with this nonce before: it counts once, and once more in each new pair in which the
        same content is issued again (rules 8, 30). What we used does not count: our logs and its have no common order.
        """
        nonce = body.nonce
        if nonce is None:
            return False
        if nonce in step.nonces or nonce in self._turn_nonces:
            return True
        places = self._reader.by_nonce(self.setup.line, nonce, False)
        if places is None:
            return False
        (log, index), (last, _) = places
        if body.again is None or last.pair == self.setup.pair:
            return True
        return not is_copy_of(body, self._reader.entry(log, index))

    def _adopt(self, step: _Step, root: bytes, signature: bytes) -> list[EntryRecord]:
        log = self.setup.incoming_log
        if step.fault is not None:
            fault, broken = step.fault
            head = [step.edge.size, root, signature]
            leaves = [record.leaf for record in step.records]
            fault.evidence = encode([head, leaves, broken.index, broken.blinding, broken.body, fault.evidence])
            raise fault
        self.edge, self.claimed, self.last_number = step.edge, step.claimed, step.number
        self.chain, self.history = step.chain, step.history
        self.upcoming = [chain for chain in self.upcoming if chain.epoch > step.chain.epoch]
        self._roots[step.edge.size] = root
        if len(self._roots) > ROOTS_KEPT:
            for old in list(self._roots)[: ROOTS_KEPT // 2]:
                del self._roots[old]
        if self._expected:
            self._expected = {size: claim for size, claim in self._expected.items() if size > step.edge.size}
        self._turn.update((record.index, record) for record in step.records)
        self._turn_nonces |= step.nonces
        self._records.extend(step.records)
        self._records.append(CheckpointRecord(log, step.edge.size, root, signature))
        self._changed = self._receipt_due = True
        if step.roster is not self.setup.peer_roster:
            self.setup = replace(self.setup, peer_roster=step.roster)
            self._records.append(StateRecord(self.setup.line, ROSTER_PART, step.roster.encode()))
        return step.records

    def _chain_for(self, epoch: int) -> Chain | None:
        for chain in (self.chain, *self.upcoming):
            if chain is not None and chain.epoch == epoch:
                return chain
        return None

    def _same_as_known(self, item: Entries, moment: Moment) -> bool:
        """Compare with what is in custody: the same is receipted again, another leaf under a known index is asked for."""
        stop = min(item.start + len(item.entries), self.edge.size)
        for entry, known in zip(item.entries, self._leaves(item.start, stop), strict=False):
            offered = (entry.type, entry.time, entry.commitment, entry.peer_size, entry.re)
            if offered != (known.type, known.time, known.commitment, known.peer_size, known.re):
                self._ask_full_form(known.index, moment)
                return False
        self._receipt_due = True
        return True

    def _keep_early(self, item: Entries) -> None:
        """Keep entries for their turn; the lowest indexes stay, what is dropped will be sent again."""
        self._early[item.start] = item
        self._early_bytes = sum(early.weight_bytes for early in self._early.values())
        while len(self._early) > 1 and (
            self._early_bytes > EARLY_BYTES_MAX or sum(len(early.entries) for early in self._early.values()) > EARLY_ENTRIES_MAX
        ):
            self._early_bytes -= self._early.pop(max(self._early)).weight_bytes

    def _ask_full_form(self, index: int, moment: Moment) -> None:
        if self._asked is None or moment.running - self._asked[1] >= ASK_SECONDS:
            self._asked = index, moment.running
            self._items.append(Refusal(22, self.setup.pair.theirs, index))

    def _verify_head(self, size: int, root: bytes, signature: bytes) -> None:
        text = Checkpoint(self.origin, size, root).text()
        verify_ed25519(self.setup.peer_certificate.certificate.public.log, signature, text)

    # --- the full form

    def receive_full(self, item: FullEntry, own: Outgoing, moment: Moment) -> tuple[list[EntryRecord], int | None]:
        """Take the entry in full form that was asked for; what was not asked for, or is junk, is dropped.

        Gives (what was new, None or the size at which the peer's leaf names a root that our log does not have).
        Raises Fork with both checkpoints if the peer signed two heads that no one log holds.
        """
        leaf = Leaf.decode(item.leaf)
        leaf.verify_direction(self.setup.incoming)
        size = self.edge.size
        if self._asked is None or leaf.index != self._asked[0] or leaf.index > size or self._full_forms_left <= 0:
            self.dropped += 1
            return [], None
        self._full_forms_left -= 1
        self._verify_head(leaf.index + 1, item.root, item.signature)
        if leaf.index < size:
            self._compare_heads(leaf.index + 1, item.root, item.signature, leaf=item.leaf)
            self._receipt_due = True
            return [], None
        chain = self._chain_for(item.epoch)
        if chain is None:
            self.dropped += 1
            return [], None
        if self.edge.append(leaf_hash(item.leaf)).root() != item.root:
            raise BadProof("the signed head does not follow from our copy of the log and this leaf", rule=22, index=leaf.index)
        step = self._step(chain)
        self._append(step, leaf, item.leaf, item.sealed, own, moment)
        taken = self._adopt(step, item.root, item.signature)
        known = leaf.peer_size <= own.committed and own.root_at(leaf.peer_size) == leaf.peer_root
        return taken, None if known else leaf.peer_size

    def compare_head(self, size: int, root: bytes, signature: bytes) -> None:
        """Raise Fork if the peer signed this other head at a size that we hold, which no entry of it came with."""
        self._compare_heads(size, root, signature, leaf=b"")

    def _compare_heads(self, size: int, root: bytes, signature: bytes, *, leaf: bytes) -> None:
        """Raise Fork if the peer signed another head at a size that we hold (rule 22); both heads are kept."""
        if self.root_at(size) == root:
            return
        fork = Fork("the peer's log key signed two heads that no one log can hold", rule=22, size=size)
        known = self.leaf_at(size - 1)
        assert known is not None
        fork.evidence = encode([[size, root, signature], leaf, self._held_head(size), known.encode(), self.root_at(size)])
        raise fork

    def _held_head(self, size: int) -> list[object] | None:
        """The peer's head that we hold at this size, else our latest, with its signature."""
        log = self.setup.incoming_log
        turn = {record.size: record for record in self._records if isinstance(record, CheckpointRecord)}
        held = turn.get(size) or self._reader.checkpoint_at(log, size) or self._reader.latest_checkpoint(log)
        return None if held is None else [held.size, held.root, held.signature]

    def expect(self, size: int, root: bytes, statement: Statement) -> None:
        """Compare the peer's word about its own log with our copy, or remember it until we have one; raises Fork (rule 26)."""
        if size > self.edge.size:
            self._expected[size] = root, statement
            if len(self._expected) > EXPECTED_MAX:
                del self._expected[max(self._expected)]
        elif self.root_at(size) != root:
            fork = Fork("the peer's status names another root of its log than it signed before", rule=26, size=size)
            fork.evidence = encode([statement_evidence(statement), self._held_head(size), self.root_at(size)])
            raise fork

    def shown(self, size: int) -> ShownCheckpoint | None:
        """The peer's own checkpoint, shown back when it asks; the first at or above `size`, None if we hold none."""
        held = self._reader.latest_checkpoint(self.setup.incoming_log)
        if held is None or held.size < size:
            return None
        exact = self._reader.checkpoint_at(self.setup.incoming_log, size) or held
        return ShownCheckpoint(self.setup.pair.theirs, self.setup.pair.ours, exact.size, exact.root, exact.signature)

    # --- epochs and prekeys

    def accept_epoch(self, statement: Statement) -> bool:
        """Follow the peer into an epoch, or prepare to; False if it is known. Raises PeerError for any other (rule 14)."""
        opening = read_epoch(statement)
        if opening.epoch <= self.epoch:
            return False
        if opening.epoch != self.epoch + 1:
            raise WrongParty("an epoch that does not follow the last one", rule=14, epoch=opening.epoch)
        if (opening.pre_id == 0) != (opening.epoch == 1):
            raise WrongParty("only the first epoch is under the certificate's key", rule=14, epoch=opening.epoch)
        if len(self.upcoming) >= UPCOMING_MAX:
            raise WrongParty("too many epochs announced ahead of their entries", rule=14, epoch=opening.epoch)
        if opening.pre_id == 0:
            prekey = self.setup.own_keys.kem
        elif opening.pre_id in self.prekeys:
            prekey = KemKey(self.prekeys[opening.pre_id])
        else:
            raise WrongParty("an epoch under a prekey that is not unused", rule=14, pre_id=opening.pre_id)
        last = self.upcoming[-1] if self.upcoming else self.chain
        root_key = NO_ROOT_KEY if last is None else last.root_key
        self.upcoming.append(follow(self.setup, opening, prekey, root_key))
        self._spend_prekeys(opening.pre_id)
        self._changed = True
        return True

    def _spend_prekeys(self, pre_id: int) -> None:
        """Delete a used prekey, and those before it: a sender takes the lowest number first, so they were lost on the way."""
        for spent in [known for known in self.prekeys if known <= pre_id]:
            del self.prekeys[spent]
            self._records.append(PrekeyRecord(self.setup.line, self.setup.pair, True, spent, None))

    def issue_prekeys(self, held_by_peer: int, moment: Moment) -> None:
        """Top up the peer's stock of our single-use keys to 32, under numbers that were never used (rule 10).

        held_by_peer: fewer than that.
        """
        wanted = PREKEYS_MAX - held_by_peer
        # What it does not name and we have not deleted is on its way, or lost: the same numbers go again before new ones.
        for pre_id in range(self.next_pre_id, self.next_pre_id + PREKEYS_MAX - len(self.prekeys)):
            seed = moment.random(32)
            self.prekeys[pre_id] = seed
            self.next_pre_id = pre_id + 1
            self._records.append(PrekeyRecord(self.setup.line, self.setup.pair, True, pre_id, seed))
            self._changed = True
        offered = sorted(self.prekeys)[-wanted:]
        public = [KemKey(self.prekeys[pre_id]).public for pre_id in offered]
        setup = self.setup
        statement = sign_statement(StatementType.PREKEYS, setup.outgoing, (offered[0], public), setup.own_keys.statement)
        self._items.append(statement.stated())

    # --- one turn

    def turn(self, moment: Moment, *, receipts: bool) -> tuple[list[Record], list[Item], bool]:
        """Close the turn: (records to commit, items to send after, whether they must be durable before anything is seen).

        receipts: False on a stopped line, which gives none.
        """
        if self._receipt_due and receipts and self.edge.size:
            self._cosign(moment)
        self._receipt_due = False
        changed, self._changed = self._changed, False
        if changed:
            self._records.append(self._state())
        records, self._records = self._records, []
        items, self._items = self._items, []
        self._turn.clear()
        self._turn_nonces.clear()
        self._durable = self.edge
        self._full_forms_left = FULL_FORMS_PER_TURN
        return records, items, changed

    def _cosign(self, moment: Moment) -> None:
        size, root = self.edge.size, self.edge.root()
        message = cosignature_message(moment.wall, Checkpoint(self.origin, size, root).text())
        signature = self.setup.own_keys.custody.sign(message)
        if size > self.cosigned:
            self._records.append(ReceiptRecord(self.setup.incoming_log, size, root, moment.wall, signature))
            self.cosigned = size
        self._items.append(Receipt(self.setup.pair.ours, self.setup.pair.theirs, size, moment.wall, signature))


def _judge(leaf: Leaf, body: bytes, blinding: bytes, claimed: int) -> tuple[PeerError | None, Body | None]:
    """What is wrong with an entry that opened under the peer's chain: the peer itself made it so. (fault or None, body)."""
    if commitment(blinding, body) != leaf.commitment:
        return BadProof("a signed entry commits to another body than it carries", rule=8, index=leaf.index), None
    if leaf.peer_size < claimed:
        return BadProof("a signed entry knows less of our log than one before it", rule=7, index=leaf.index), None
    if (leaf.index == 0) != (leaf.type == EntryType.CONTINUES):
        return BadProof("a log begins with CONTINUES and has only one", rule=28, index=leaf.index), None
    try:
        return None, Body.decode(body)
    except Malformed as fault:
        return fault, None


def _number(step: _Step, leaf: Leaf, body: Body | None) -> tuple[int | None, PeerError | None]:
    """What people call an entry, and what is wrong with that: CONTINUES carries the count over, what is issued again keeps its
    number, everything else that is numbered counts on (rules 28, 30, 38).
    """
    if body is not None and leaf.type == EntryType.CONTINUES:
        try:
            step.number = Continues.decode(body.content).last_number
        except Malformed as fault:
            return None, fault
    again = None if body is None else body.again
    if again is None:
        step.number += leaf.type in NUMBERED
        return step.number if leaf.type in NUMBERED else None, None
    inc, peer_inc = leaf.direction.inc, leaf.direction.peer_inc
    earlier = again.inc <= inc and again.peer_inc <= peer_inc and again[:2] != (inc, peer_inc)
    if not earlier or (again.number is not None) != (leaf.type in NUMBERED) or (again.number or 0) > step.number:
        return None, BadProof("an entry that is issued again names no entry before it", rule=30, index=leaf.index)
    return again.number, None
