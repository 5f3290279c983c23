-- viflo revision: v
-- depends on: w
-- repeatable: yes
-- viflo up
CREATE OR REPLACE VIEW v AS SELECT 1;
-- viflo verify
SELECT FROM v;
