"""Evidence over terms that were amended to name a witness: its cosignatures are exported where these terms are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.amending import agree, ask, let_amend, releasers
from tests.line_pair import LinePair, party, seeded, terms
from watchline.core.checkpoint import Checkpoint, cosignature_message, origin
from watchline.core.evidence import verify_evidence
from watchline.core.keys import Ed25519Key
from watchline.core.pairing import accept_invitation, complete_invitation, make_invitation
from watchline.core.records import CosignatureRecord
from watchline.core.terms import Witness
from watchline.core.witnessing import WitnessKey
from watchline.desk.exporting import export_evidence
from watchline.journal import LineRecord

WITNESS = WitnessKey("witness.example.org/w", Ed25519Key(bytes(32)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("named", "hide_body", "witnessed"),
    [("all", False, True), ("before", False, False), ("after", False, True), ("after", True, False)],
)
def test_cosignature_of_a_witness_that_an_amendment_named_is_exported_where_the_amendment_is_shown(
    tmp_path: Path, named: str, hide_body: bool, witnessed: bool
) -> None:
    tokyo, beijing = party("Tokyo"), party("Beijing")
    file1, invited = make_invitation(
        tokyo.identity, tokyo.certificate, releasers(tokyo.roster), terms(), (), seeded(1).randbytes
    )
    file2, _ = accept_invitation(
        file1, beijing.identity, beijing.certificate, releasers(beijing.roster), (), seeded(2).randbytes
    )
    _, pairing = complete_invitation(invited, file2, tokyo.identity, seeded(3).randbytes)
    pair = LinePair(tmp_path, line=pairing.line)
    for side in (pair.a, pair.b):
        let_amend(side)
    asked = {"before": ask(pair.a)}
    agree(pair, witnesses=(Witness("Geneva", WITNESS.verifier.to_text()),))
    asked["after"] = ask(pair.a, 2)
    pair.settle(1)
    setup, journal, log = pair.a.setup, pair.a.journal, pair.a.setup.outgoing_log
    head = journal.first_checkpoint_covering(log, asked["after"].index + 1)
    assert head is not None
    line, sender, _, inc, peer_inc = setup.direction(log)
    text = Checkpoint(origin(line, sender, inc, peer_inc), head.size, head.root).text()
    signature = WITNESS.key.sign(cosignature_message(9, text))
    journal.commit([CosignatureRecord(log, head.size, head.root, WITNESS.verifier.to_text(), 9, signature)])

    row = LineRecord(pairing.line, "line", 0, True, pairing.encode())
    references = [(log, record.index) for name, record in asked.items() if name == named]
    data, _ = export_evidence(journal, row, setup, references, hide_body=hide_body)

    pair.close()
    report = verify_evidence(data)
    assert report.verified
    notices = [entry for entry in report.entries if entry["type"] == "notice"]
    assert notices
    assert [("witnessed" in entry) for entry in notices] == [witnessed] * len(notices)
