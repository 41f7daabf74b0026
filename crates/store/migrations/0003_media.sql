-- What the household wants, who waits for it, the story of each wish, and what is to be told. Rules for column types as in 0001.

CREATE TABLE requests (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    toolkit VARCHAR(64) NOT NULL,
    subject VARCHAR(150) NOT NULL,
    title VARCHAR(190) NOT NULL,
    picture VARCHAR(190),
    owner_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    wish TEXT NOT NULL,
    state VARCHAR(16) NOT NULL,
    progress TEXT,
    size_bytes BIGINT,
    asked_turn_id VARCHAR(36),
    asked_call_id VARCHAR(190),
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    closed_at_ms BIGINT,
    look_at_ms BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX requests_by_state ON requests (state, look_at_ms);
CREATE INDEX requests_by_subject ON requests (subject);
CREATE INDEX requests_by_owner ON requests (owner_id, created_at_ms);

CREATE TABLE request_watchers (
    request_id VARCHAR(36) NOT NULL,
    person_id VARCHAR(36) NOT NULL,
    conversation_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    channel VARCHAR(32) NOT NULL,
    place VARCHAR(190) NOT NULL,
    level VARCHAR(16) NOT NULL,
    told TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (request_id, person_id)
);
CREATE INDEX request_watchers_by_person ON request_watchers (person_id);

CREATE TABLE request_events (
    request_id VARCHAR(36) NOT NULL,
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    kind VARCHAR(32) NOT NULL,
    actor_id VARCHAR(36),
    body TEXT NOT NULL,
    PRIMARY KEY (request_id, seq)
);

-- What is to be told, each once: it goes in the commit that opens the turn which tells it.
CREATE TABLE news (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    person_id VARCHAR(36) NOT NULL,
    conversation_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    channel VARCHAR(32) NOT NULL,
    place VARCHAR(190) NOT NULL,
    subject VARCHAR(190) NOT NULL,
    body TEXT NOT NULL,
    due_at_ms BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX news_by_due ON news (due_at_ms);
