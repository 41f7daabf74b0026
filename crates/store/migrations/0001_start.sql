-- One text for three databases: VARCHAR, TEXT, BIGINT, SMALLINT and DOUBLE PRECISION only. Times are milliseconds UTC,
-- ids 36 characters, flags 0 or 1, JSON is TEXT. Statements end with a semicolon at the end of a line.

CREATE TABLE people (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    name VARCHAR(190) NOT NULL,
    standing VARCHAR(16) NOT NULL,
    zone VARCHAR(64),
    language VARCHAR(35),
    created_at_ms BIGINT NOT NULL
);

CREATE TABLE identities (
    channel VARCHAR(32) NOT NULL,
    account VARCHAR(150) NOT NULL,
    person_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (channel, account)
);
CREATE INDEX identities_by_person ON identities (person_id);

CREATE TABLE login_codes (
    code_hash VARCHAR(64) NOT NULL PRIMARY KEY,
    person_id VARCHAR(36) NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    used_at_ms BIGINT
);

CREATE TABLE web_sessions (
    id_hash VARCHAR(64) NOT NULL PRIMARY KEY,
    person_id VARCHAR(36) NOT NULL,
    created_at_ms BIGINT NOT NULL,
    seen_at_ms BIGINT NOT NULL
);
CREATE INDEX web_sessions_by_person ON web_sessions (person_id);

CREATE TABLE api_keys (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    person_id VARCHAR(36) NOT NULL,
    name VARCHAR(190) NOT NULL,
    key_hash VARCHAR(64) NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    used_at_ms BIGINT,
    revoked_at_ms BIGINT
);

CREATE TABLE agents (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    name VARCHAR(150) NOT NULL UNIQUE,
    body TEXT NOT NULL
);

-- A conversation is also the lease on it: whoever holds it writes it, and every commit names the fence it was taken with.
CREATE TABLE conversations (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    owner_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    place VARCHAR(190) NOT NULL UNIQUE,
    title VARCHAR(190) NOT NULL,
    turn_count BIGINT NOT NULL,
    message_count BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    lease_owner VARCHAR(64),
    lease_fence BIGINT NOT NULL,
    lease_until_ms BIGINT NOT NULL
);
CREATE INDEX conversations_by_owner ON conversations (owner_id, updated_at_ms);

CREATE TABLE messages (
    conversation_id VARCHAR(36) NOT NULL,
    position BIGINT NOT NULL,
    id VARCHAR(36) NOT NULL,
    turn_id VARCHAR(36) NOT NULL,
    role VARCHAR(16) NOT NULL,
    parts TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, position)
);

-- Accepted operations that carry a platform's id or an idempotency key: one turn each, for ever.
CREATE TABLE inbox (
    channel VARCHAR(32) NOT NULL,
    platform_id VARCHAR(150) NOT NULL,
    turn_id VARCHAR(36) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (channel, platform_id)
);

CREATE TABLE turns (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    conversation_id VARCHAR(36) NOT NULL,
    ordinal BIGINT NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    person_id VARCHAR(36) NOT NULL,
    state VARCHAR(16) NOT NULL,
    attempt BIGINT NOT NULL,
    op TEXT NOT NULL,
    partial TEXT,
    model VARCHAR(190),
    error TEXT,
    input_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    estimated SMALLINT NOT NULL,
    cost_micros BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    started_at_ms BIGINT,
    finished_at_ms BIGINT
);
CREATE UNIQUE INDEX turns_in_order ON turns (conversation_id, ordinal);
CREATE INDEX turns_by_state ON turns (state);

CREATE TABLE steps (
    turn_id VARCHAR(36) NOT NULL,
    seq BIGINT NOT NULL,
    kind VARCHAR(32) NOT NULL,
    body TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (turn_id, seq)
);

CREATE TABLE outbox (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    conversation_id VARCHAR(36) NOT NULL,
    turn_id VARCHAR(36) NOT NULL,
    channel VARCHAR(32) NOT NULL,
    place VARCHAR(190) NOT NULL,
    parts TEXT NOT NULL,
    state VARCHAR(16) NOT NULL,
    attempts BIGINT NOT NULL,
    reason TEXT,
    receipt TEXT,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);
CREATE INDEX outbox_by_state ON outbox (channel, state);

CREATE TABLE leases (
    name VARCHAR(190) NOT NULL PRIMARY KEY,
    owner VARCHAR(64) NOT NULL,
    fence BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
);

CREATE TABLE ledger (
    turn_id VARCHAR(36) NOT NULL PRIMARY KEY,
    person_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    day VARCHAR(10) NOT NULL,
    model VARCHAR(190) NOT NULL,
    input_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost_micros BIGINT NOT NULL
);
CREATE INDEX ledger_by_person ON ledger (person_id, day);

CREATE TABLE documents (
    toolkit VARCHAR(64) NOT NULL,
    owner VARCHAR(64) NOT NULL,
    doc_key VARCHAR(120) NOT NULL,
    revision BIGINT NOT NULL,
    body TEXT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    PRIMARY KEY (toolkit, owner, doc_key)
);
