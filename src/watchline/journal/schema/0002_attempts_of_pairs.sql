-- An attempt offers entries of one pair of incarnations; the sizes of two pairs are not to be compared.
DROP INDEX attempts_by_time;
DROP INDEX attempts_sent_by_size;
ALTER TABLE attempts RENAME TO attempts_before;

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

INSERT INTO attempts SELECT number, line, time, route, outcome, size, 1, 1 FROM attempts_before;
DROP TABLE attempts_before;

CREATE INDEX attempts_by_time ON attempts (line, time);
CREATE INDEX attempts_sent_by_size ON attempts (line, ours, theirs, size) WHERE outcome = 'sent';
