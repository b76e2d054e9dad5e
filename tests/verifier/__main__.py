"""Give both verifiers many bundles: `python -m tests.verifier --count 1000 --from 0`: that many good and that many damaged."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from tests.verifier.bundles import LINES, good_bundle
from tests.verifier.damages import damaged_bundle
from tests.verifier.lines import sample_line
from tests.verifier.verifiers import Page, compare


def told(report: dict[str, Any]) -> set[str]:
    """What of the newer parts of evidence a report tells of."""
    found = {f"a silence, {each['kind']}" for each in report["silences"]}
    found |= {"a provisional silence" for each in report["silences"] if each["provisional"]}
    found |= {"cosignatures" for entry in report["entries"] if "witnessed" in entry}
    return found | {"amended terms" for fact in report["facts"] if " of the terms came into force " in fact}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.verifier", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for bundles of which the verifiers say different things")
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    with Page() as page:
        for seed in range(given.first, given.first + given.count):
            identities = [key.identity for key in sample_line(seed % LINES).identities.values()]
            trusted = Random(seed).sample(identities, Random(seed).randint(0, 2))
            for kind, make in (("good", good_bundle), ("damaged", damaged_bundle)):
                data = make(seed)
                report, found = compare(page, data, trusted)
                counts[kind] += 1
                counts[f"{kind}, verified"] += report["verified"]
                counts.update(f"{kind}, with {what}" for what in told(report))
                for member, values in found.items():
                    counts[f"difference in {member}"] += 1
                    sys.stdout.write(f"{kind} {seed}: {member}: {json.dumps(values, ensure_ascii=False)[:600]}\n")
                if found and given.keep:
                    (given.keep / f"{kind}-{seed}.zip").write_bytes(data)
    sys.stdout.write(json.dumps(dict(sorted(counts.items()))) + "\n")
    return 1 if any(name.startswith("difference") for name in counts) else 0


if __name__ == "__main__":
    raise SystemExit(main())
