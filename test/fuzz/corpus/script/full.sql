-- viflo revision: 8f3c21d0a4b7
-- revises: 001_initial, b
-- depends on: 5d1f
-- labels: billing
-- message: add users
-- created: 2026-11-22T10:00:00Z
-- transaction: off

-- viflo up
CREATE TABLE users (id int);
-- viflo down
DROP TABLE users;
-- viflo verify
SELECT 1;
-- viflo backfill
UPDATE users SET id = 1;
