-- What waits for a thumbs-up, whose, and what became of it. Rules for column types as in 0001.

CREATE TABLE approvals (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    conversation_id VARCHAR(36) NOT NULL,
    turn_id VARCHAR(36) NOT NULL,
    call_id VARCHAR(190) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    requester_id VARCHAR(36) NOT NULL,
    tool VARCHAR(64) NOT NULL,
    instance VARCHAR(64) NOT NULL,
    arguments TEXT NOT NULL,
    schema_hash VARCHAR(64) NOT NULL,
    fingerprint VARCHAR(64) NOT NULL,
    approvers TEXT NOT NULL,
    card TEXT NOT NULL,
    wording TEXT NOT NULL,
    state VARCHAR(16) NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    decided_at_ms BIGINT,
    decided_by VARCHAR(36),
    decision_turn_id VARCHAR(36),
    replaces_id VARCHAR(36),
    outcome TEXT
);
CREATE INDEX approvals_by_state ON approvals (state, expires_at_ms);
CREATE INDEX approvals_by_requester ON approvals (requester_id, created_at_ms);
CREATE INDEX approvals_by_conversation ON approvals (conversation_id);

-- Who did what and why it was allowed. Each row's hash is over the row and the hash before it, so that a change or a gap shows.
CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    actor_id VARCHAR(36),
    kind VARCHAR(32) NOT NULL,
    subject VARCHAR(190) NOT NULL,
    conversation_id VARCHAR(36),
    turn_id VARCHAR(36),
    detail TEXT NOT NULL,
    hash VARCHAR(64) NOT NULL
);
CREATE INDEX audit_by_kind ON audit (kind, seq);

-- A conversation's history as a chain of turns: each hash is over the turn's messages and the hash of the turn before it.
ALTER TABLE conversations ADD COLUMN chain VARCHAR(64);
ALTER TABLE turns ADD COLUMN chain VARCHAR(64);

-- One-time codes by which an account on another channel joins a person.
CREATE TABLE link_codes (
    code_hash VARCHAR(64) NOT NULL PRIMARY KEY,
    person_id VARCHAR(36) NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    used_at_ms BIGINT
);

-- What the house remembers of a person, a room or the household.
CREATE TABLE facts (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    scope VARCHAR(16) NOT NULL,
    owner VARCHAR(190) NOT NULL,
    author_id VARCHAR(36) NOT NULL,
    origin VARCHAR(16) NOT NULL,
    body TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX facts_by_owner ON facts (scope, owner, created_at_ms);

-- Money and tokens reserved before a model is asked, settled after.
CREATE TABLE charges (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    turn_id VARCHAR(36) NOT NULL,
    person_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    day VARCHAR(10) NOT NULL,
    tokens BIGINT NOT NULL,
    cost_micros BIGINT NOT NULL,
    settled SMALLINT NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX charges_by_day ON charges (day, person_id);

-- Secrets, sealed with a data key; data keys, sealed with the master key, which is never here.
CREATE TABLE data_keys (
    version BIGINT NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL,
    master VARCHAR(64) NOT NULL,
    created_at_ms BIGINT NOT NULL
);

CREATE TABLE secrets (
    name VARCHAR(150) NOT NULL PRIMARY KEY,
    key_version BIGINT NOT NULL,
    sealed TEXT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);
