-- A turn that is to stop says so in its row, so that it stays stopped over a kill and stops in whichever process runs it. Rules for
-- column types as in 0001.

ALTER TABLE turns ADD COLUMN stop_at_ms BIGINT;
