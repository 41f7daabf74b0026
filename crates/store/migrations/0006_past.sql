-- What happened to a wish outside, by the clock of the one who remembers it: one row for what is told together. And how far the memory
-- of each of them was read. Rules for column types as in 0001.

CREATE TABLE request_past (
    request_id VARCHAR(36) NOT NULL,
    seq BIGINT NOT NULL,
    gather_key VARCHAR(190) NOT NULL,
    first_at_ms BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    kind VARCHAR(32) NOT NULL,
    parts TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (request_id, seq)
);

CREATE TABLE past_marks (
    toolkit VARCHAR(64) NOT NULL,
    source VARCHAR(120) NOT NULL,
    read_to_ms BIGINT NOT NULL,
    PRIMARY KEY (toolkit, source)
);
