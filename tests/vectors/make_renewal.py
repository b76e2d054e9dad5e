"""Write renewal.json: `PYTHONPATH=src:. python tests/vectors/make_renewal.py`.

The identities are those of keys.json. Signatures and sealed secrets draw their own randomness: the file holds those of one run.
"""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

from tests.core.sample_renewals import LINE, PS, run
from watchline.core.line_secrets import secret_mark

if __name__ == "__main__":
    made = run()
    content = {
        "line": LINE.hex(),
        "ps": PS.hex(),
        "mark": secret_mark(PS).hex(),
        "files": [b64encode(file).decode() for file in made.files],
        "asked": b64encode(made.asked.encode()).decode(),
        "answered": b64encode(made.answered.encode()).decode(),
        "run": made.theirs.run.hex(),
        "renewed": made.theirs.secret.hex(),
        "digits": made.theirs.digits,
    }
    (Path(__file__).parent / "renewal.json").write_text(json.dumps(content, indent=1) + "\n")
