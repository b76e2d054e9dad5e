-- The whole current schema: what all numbered migrations give, in one place. A test compares the two.

-- The node key's salt, and a value that only this key opens: a wrong key is told at once. One row.
CREATE TABLE node_key (
    salt BLOB NOT NULL,
    proof BLOB NOT NULL
) STRICT;

-- Values that must be gone when they are deleted, sealed. A row is never deleted and never changes its size: an empty slot is
-- zeros, and free. The tables that name a slot hold no secret themselves.
CREATE TABLE secrets (
    slot INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    free INTEGER NOT NULL,
    blob BLOB NOT NULL
) STRICT;

CREATE INDEX secrets_free ON secrets (size) WHERE free = 1;

CREATE TABLE lines (
    number INTEGER PRIMARY KEY,
    line BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,
    pairing INTEGER NOT NULL REFERENCES secrets
) STRICT;

CREATE TABLE logs (
    number INTEGER PRIMARY KEY,
    line INTEGER NOT NULL REFERENCES lines ON DELETE CASCADE,
    ours INTEGER NOT NULL,
    theirs INTEGER NOT NULL,
    outgoing INTEGER NOT NULL,
    UNIQUE (line, ours, theirs, outgoing)
) STRICT;

-- In leaves and bodies key = logs.number << 40 | index, in checkpoints and receipts logs.number << 40 | size: each append
-- goes to the end of its log's own stretch of pages. Leaves stand apart from bodies so that a start reads leaves only.
CREATE TABLE leaves (
    key INTEGER PRIMARY KEY,
    leaf BLOB NOT NULL,
    type INTEGER NOT NULL,
    re INTEGER
) STRICT;

CREATE INDEX leaves_by_re ON leaves (key >> 40, re) WHERE re IS NOT NULL;

-- `gone` says what became of the body; NULL for one that is there. Of one that is gone, `secret` holds a stub.
CREATE TABLE bodies (
    key INTEGER PRIMARY KEY,
    secret BLOB NOT NULL, -- sealed: blinding || body
    sealed BLOB, -- as it goes over the wire
    epoch INTEGER NOT NULL,
    time INTEGER NOT NULL,
    number INTEGER,
    nonce BLOB,
    once TEXT,
    released INTEGER NOT NULL
, gone TEXT) STRICT;

CREATE INDEX bodies_by_number ON bodies (key >> 40, number) WHERE number IS NOT NULL;
CREATE INDEX bodies_by_nonce ON bodies (nonce) WHERE nonce IS NOT NULL;
CREATE INDEX bodies_by_once ON bodies (once) WHERE once IS NOT NULL;
CREATE INDEX bodies_kept ON bodies (key >> 40, time) WHERE gone IS NULL;

-- Each 64 neighbouring bodies of a log are sealed under a key of their own, so that they can go: block = key >> 6.
CREATE TABLE body_keys (
    block INTEGER PRIMARY KEY,
    slot INTEGER NOT NULL REFERENCES secrets
) STRICT;

-- The root of each complete block of 256 leaves (level 1), of 256 such blocks (level 2), and so on.
CREATE TABLE blocks (
    log INTEGER NOT NULL REFERENCES logs ON DELETE CASCADE,
    level INTEGER NOT NULL,
    number INTEGER NOT NULL,
    root BLOB NOT NULL,
    PRIMARY KEY (log, level, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
    key INTEGER PRIMARY KEY,
    root BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;

CREATE TABLE receipts (
    key INTEGER PRIMARY KEY,
    root BLOB NOT NULL,
    time INTEGER NOT NULL,
    signature BLOB NOT NULL
) STRICT;

-- What witnesses cosigned: key = logs.number << 40 | size, witness is a C2SP verifier key.
CREATE TABLE cosignatures (
    key INTEGER NOT NULL,
    witness TEXT NOT NULL,
    root BLOB NOT NULL,
    time INTEGER NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (key, witness)
) STRICT, WITHOUT ROWID;

CREATE INDEX cosignatures_by_witness ON cosignatures (witness, key);

-- What nonces of our statuses were made of: 16 random bytes and a cosignature's time and signature.
CREATE TABLE nonces (
    line INTEGER NOT NULL REFERENCES lines ON DELETE CASCADE,
    nonce BLOB NOT NULL,
    chance BLOB NOT NULL,
    cosignature BLOB NOT NULL,
    PRIMARY KEY (line, nonce)
) STRICT, WITHOUT ROWID;

CREATE TABLE states (
    line INTEGER NOT NULL REFERENCES lines ON DELETE CASCADE,
    part TEXT NOT NULL,
    slot INTEGER NOT NULL REFERENCES secrets,
    PRIMARY KEY (line, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE prekeys (
    line INTEGER NOT NULL REFERENCES lines ON DELETE CASCADE,
    ours INTEGER NOT NULL,
    theirs INTEGER NOT NULL,
    own INTEGER NOT NULL,
    pre_id INTEGER NOT NULL,
    slot INTEGER NOT NULL REFERENCES secrets,
    PRIMARY KEY (line, ours, theirs, own, pre_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE statements (
    number INTEGER PRIMARY KEY,
    line INTEGER NOT NULL REFERENCES lines ON DELETE CASCADE,
    ours INTEGER NOT NULL,
    theirs INTEGER NOT NULL,
    own INTEGER NOT NULL,
    type INTEGER NOT NULL,
    time INTEGER NOT NULL,
    our_size INTEGER NOT NULL,
    their_size INTEGER NOT NULL,
    payload BLOB NOT NULL,
    ed BLOB NOT NULL,
    ml BLOB,
    keep INTEGER NOT NULL
) STRICT;

CREATE INDEX statements_by_type ON statements (line, own, type);
CREATE INDEX statements_to_replace ON statements (line, own, type) WHERE keep = 0;
CREATE INDEX statements_of_peer_by_size ON statements (line, ours, theirs, our_size)
    WHERE own = 0 AND keep = 1 AND ml IS NOT NULL;
CREATE INDEX statements_of_ours_by_size ON statements (line, ours, theirs, their_size)
    WHERE own = 1 AND keep = 1 AND ml IS NOT NULL;

CREATE TABLE certificates (
    line INTEGER NOT NULL REFERENCES lines ON DELETE CASCADE,
    own INTEGER NOT NULL,
    serial INTEGER NOT NULL,
    encoded BLOB NOT NULL,
    PRIMARY KEY (line, own, serial)
) STRICT, WITHOUT ROWID;

CREATE TABLE alarms (
    number INTEGER PRIMARY KEY,
    line INTEGER NOT NULL REFERENCES lines ON DELETE CASCADE,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    rule INTEGER NOT NULL,
    message TEXT NOT NULL,
    evidence BLOB NOT NULL -- sealed
) STRICT;

CREATE INDEX alarms_by_line ON alarms (line);

CREATE TABLE attempts (
    number INTEGER PRIMARY KEY,
    line INTEGER NOT NULL REFERENCES lines ON DELETE CASCADE,
    time INTEGER NOT NULL,
    route TEXT NOT NULL,
    outcome TEXT NOT NULL,
    size INTEGER NOT NULL,
    ours INTEGER NOT NULL,
    theirs INTEGER NOT NULL
) STRICT;

CREATE INDEX attempts_by_time ON attempts (line, time);
CREATE INDEX attempts_sent_by_size ON attempts (line, ours, theirs, size) WHERE outcome = 'sent';

CREATE TABLE documents (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    slot INTEGER REFERENCES secrets, -- one of slot and value, as the document is sealed or not
    value BLOB,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
