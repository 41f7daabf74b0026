-- Decisions that are waited for about a wish beside the first one's, and what somebody reports about a title. Rules for column types as
-- in 0001.

-- Who joins a wish that waits for a decision has a question of their own about it; whichever is answered with yes keeps it alive. `began`:
-- whether they began to wait with this question, and wait no longer when the answer is no.
CREATE TABLE request_questions (
    turn_id VARCHAR(36) NOT NULL,
    call_id VARCHAR(190) NOT NULL,
    request_id VARCHAR(36) NOT NULL,
    person_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    title VARCHAR(190) NOT NULL,
    picture VARCHAR(190),
    wish TEXT NOT NULL,
    size_bytes BIGINT,
    began BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (turn_id, call_id)
);
CREATE INDEX request_questions_by_request ON request_questions (request_id, created_at_ms);

CREATE TABLE reports (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    toolkit VARCHAR(64) NOT NULL,
    subject VARCHAR(150) NOT NULL,
    title VARCHAR(190) NOT NULL,
    picture VARCHAR(190),
    body TEXT NOT NULL,
    reporter_id VARCHAR(36) NOT NULL,
    conversation_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    channel VARCHAR(32) NOT NULL,
    place VARCHAR(190) NOT NULL,
    request_id VARCHAR(36),
    state VARCHAR(16) NOT NULL,
    answer TEXT,
    created_at_ms BIGINT NOT NULL,
    closed_at_ms BIGINT,
    closed_by VARCHAR(36)
);
CREATE INDEX reports_by_state ON reports (state, created_at_ms);
CREATE INDEX reports_by_reporter ON reports (reporter_id, created_at_ms);
