-- viflo revision: a
-- revises:

-- viflo up from 1.up.sql
SELECT 1; 

-- viflo down from 1.down.sql
