-- Each 64 neighbouring bodies of a log are sealed under a key of their own, so that they can go: block = key >> 6. What stands in
-- `bodies` from before is sealed anew when the journal is opened, because only the program has the node key.
CREATE TABLE body_keys (
    block INTEGER PRIMARY KEY,
    slot INTEGER NOT NULL REFERENCES secrets
) STRICT;

-- What became of the body; NULL for one that is there. Of one that is gone, `secret` holds a stub.
ALTER TABLE bodies ADD COLUMN gone TEXT;

CREATE INDEX bodies_kept ON bodies (key >> 40, time) WHERE gone IS NULL;
