"""The bounds of docs/protocol.md, rule 39, and the few others: everything that a peer can make us hold has one."""

INTEGER_MAX = 2**53 - 1  # the largest integer every JSON reader keeps exactly
DEPTH_MAX = 8  # nesting of encoded values; decoding recurses no deeper
ARRAY_MAX = 4_096  # elements of one array or map
LEAF_BYTES_MAX = 512
BODY_BYTES_MAX = 65_536
STATEMENT_BYTES_MAX = 65_536
FRAME_BYTES_MAX = 131_072  # the largest bucket: a full body, its leaf and its signatures fit twice
FRAME_ENTRIES_MAX = 256  # entries under one checkpoint signature
NOTE_SIGNATURES_MAX = 16  # C2SP signed-note asks for at least as many
PROOF_HASHES_MAX = 63  # a path in a tree of 2**63 leaves
EARLY_ENTRIES_MAX = 256  # entries that arrived before their turn, per line
EARLY_BYTES_MAX = 4 * 1024 * 1024
PREKEYS_MAX = 32  # single-use keys a desk leaves with its peer
PREKEYS_LOW = 16  # at this many left, they are topped up
EPOCH_LEAVES = 50  # a new epoch is due after so many leaves
EPOCH_SECONDS = 24 * 3600  # or after so long
OPEN_LISTED_MAX = 64  # open notices one status names
ROSTER_MAX = 256  # officers of one desk
TERMS_BYTES_MAX = 32_768
EVIDENCE_BYTES_MAX = 1024 * 1024 * 1024
