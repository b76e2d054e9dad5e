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
