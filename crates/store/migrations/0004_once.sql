-- A subject is wanted once at a time, whoever writes at the same moment: the key is the subject while a request is open and nothing
-- when it is over. Of several that were open before, the first keeps it. Rules for column types as in 0001.

ALTER TABLE requests ADD COLUMN open_key VARCHAR(150);
UPDATE requests SET open_key = subject WHERE id IN (SELECT first_id FROM (SELECT MIN(id) AS first_id FROM requests
    WHERE closed_at_ms IS NULL GROUP BY toolkit, subject) firsts);
CREATE UNIQUE INDEX requests_open ON requests (toolkit, open_key);
