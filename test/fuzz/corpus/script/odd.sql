-- c

-- viflo revision: a
--x: y
-- Message:
-- viflo down
x

-- viflo upgrade
-- viflo up from
COPY t FROM stdin;
1	2
\.
