--
-- Personal access tokens where an environment's own token is needed.
--
\pset format unaligned
\pset tuples_only on
\pset null NULL
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
SET trigger_fdw.warn_in_transaction = off;
CALL reset_emulator();

-- Requests with their bodies, where they have one.
CREATE FUNCTION pg_temp.calls() RETURNS SETOF text
LANGUAGE sql VOLATILE AS $$
    SELECT concat_ws(' ', r->>'method', r->>'path',
                     nullif(CASE WHEN r->>'path' LIKE '%/jwt' THEN r->>'body' END, ''),
                     nullif(r->>'status', '200'))
    FROM emulator.call('GET', 'requests.json?take=1') AS line, jsonb_array_elements(line::jsonb) AS r
$$;
-- Credentials that the requests had, by kind.
CREATE FUNCTION pg_temp.kinds() RETURNS SETOF text
LANGUAGE sql VOLATILE AS $$
    SELECT format('%s %s', r->>'path',
                  CASE WHEN r->'headers'->>'authorization' LIKE 'Bearer tr_pat_%' THEN 'access token'
                       WHEN r->'headers'->>'authorization' LIKE 'Bearer ey%' THEN 'exchanged' END)
    FROM emulator.call('GET', 'requests.json?take=1') AS line, jsonb_array_elements(line::jsonb) AS r
$$;

-- Without the option these are refused.
SELECT failure('SELECT id FROM pat.run_details');
SELECT failure('SELECT id FROM pat.sessions');
SELECT failure($$SELECT data FROM pat.session_records WHERE session = 'x' AND io = 'in'$$);
SELECT failure($$INSERT INTO pat.runs (task_identifier) VALUES ('process-order')$$);
SELECT failure($$UPDATE pat.runs SET status = 'CANCELED'$$);
-- Whose "dev" is it?  In the list of runs a colleague's.
SELECT failure($$SELECT id FROM pat.runs WHERE environment = 'dev'$$);
SELECT pg_temp.calls();
SELECT failure($$SELECT id FROM pat.runs WHERE environment IN ('dev', 'staging')$$);
SELECT environment, count(*) FROM pat.runs GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM pg_temp.calls() AS c WHERE c ~ 'dev';
-- the colleague's token sees the same rows as his own
SET trigger_fdw.access_token = 'tr_pat_other0000000000000000000000000000000000b';
SELECT environment, env_user, count(*) FROM pat.runs WHERE environment = 'dev' GROUP BY 1, 2;
RESET trigger_fdw.access_token;
-- where paths name the environment, "dev" is one's own
SELECT value FROM pat.envvars WHERE environment = 'dev' AND name = 'LOG_LEVEL';
SELECT pg_temp.calls();

ALTER SERVER pat OPTIONS (ADD pat_exchange 'true');
SELECT environment, env_user, count(*) FROM pat.runs WHERE environment = 'dev' GROUP BY 1, 2;
SELECT pg_temp.kinds();
SELECT environment, env_user, count(*) FROM pat.runs GROUP BY 1, 2 ORDER BY 1;
SELECT r FROM pg_temp.kinds() AS r WHERE r ~ 'exchanged|jwt';
-- a token is kept: nothing is exchanged twice
SELECT count(*) FROM pat.runs WHERE environment = 'dev';
SELECT pg_temp.kinds();

-- The environment must be known.
SELECT failure('SELECT id FROM pat.sessions');
SELECT failure($$INSERT INTO pat.runs (task_identifier) VALUES ('process-order')$$);
SELECT failure($$SELECT trigger_cancel_run('pat', 'run_x')$$);
SELECT pg_temp.calls();
ALTER SERVER pat OPTIONS (DROP project_ref, ADD environment 'prod');
SELECT failure('SELECT id FROM pat.sessions');
SELECT pg_temp.calls();
ALTER SERVER pat OPTIONS (ADD project_ref 'proj_alphaemulatedproject');

-- The narrowest scopes.
SELECT id AS newest FROM plain.runs WHERE status = 'QUEUED' ORDER BY created_at DESC LIMIT 1 \gset
SELECT status, attempt_count FROM pat.run_details WHERE id = :'newest';
SELECT pg_temp.calls();
SELECT status, attempt_count FROM pat.run_details WHERE id IN (:'newest', 'run_a', 'run_b');
SELECT pg_temp.calls();
SELECT count(attempt_count) FROM pat.run_details WHERE status = 'FAILED' AND created_at > '2026-05-20';
SELECT regexp_replace(c, 'run_\w+', 'run_...') AS c, count(*) FROM pg_temp.calls() AS c GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM pat.sessions WHERE type = 'other';
SELECT count(*) FROM pat.sessions WHERE external_id = 'special-exact';
SELECT count(*) FROM pat.session_records WHERE session = 'special-many' AND io = 'out';
SELECT pg_temp.calls();
-- look-ups of one row after another: a token for all of them
SELECT count(d.attempt_count) FROM (SELECT id FROM plain.runs ORDER BY created_at DESC LIMIT 4) AS r
CROSS JOIN LATERAL (SELECT attempt_count FROM pat.run_details AS d WHERE d.id = r.id OFFSET 0) AS d;
SELECT regexp_replace(c, 'run_\w+', 'run_...', 'g') AS c, count(*) FROM pg_temp.calls() AS c GROUP BY 1 ORDER BY 1;
EXPLAIN (COSTS OFF) SELECT attempt_count FROM pat.run_details WHERE id = 'run_x';
EXPLAIN (COSTS OFF) SELECT attempt_count FROM pat.run_details;
EXPLAIN (COSTS OFF) SELECT id FROM pat.sessions;
SELECT pg_temp.calls();

-- Writes.
INSERT INTO pat.runs (task_identifier) VALUES ('process-order');
INSERT INTO pat.runs (task_identifier) VALUES ('process-order'), ('send-email'), ('process-order');
SELECT trigger_cancel_run('pat', :'newest');
UPDATE pat.runs SET status = 'CANCELED' WHERE id = :'newest';
SELECT replace(c, :'newest', '<newest>') FROM pg_temp.calls() AS c;
INSERT INTO pat.sessions (external_id, type, task_identifier) VALUES ('exchanged', 'chat.agent', 'chat-agent');
INSERT INTO pat.session_records (session, io, data) VALUES ('exchanged', 'in', '"hello"');
UPDATE pat.sessions SET closed_reason = 'done' WHERE external_id = 'exchanged' RETURNING status;
SELECT regexp_replace(c, 'session_\w+', '<session>', 'g') FROM pg_temp.calls() AS c;
-- what takes no token at all
SELECT failure($$INSERT INTO pat.session_records (session, io, data) VALUES ('exchanged', 'out', '1')$$);
SELECT failure($$UPDATE pat.runs SET tags = tags || '{x}' WHERE id = 'run_x'$$);
SELECT failure('SELECT id FROM pat.schedules');
SELECT failure($$SELECT trigger_replay_run('pat', 'run_x')$$);
SELECT failure($$SELECT trigger_reschedule_run('pat', 'run_x', '1h')$$);
SELECT pg_temp.calls();

-- A kept token that is refused is asked for anew, once.
SELECT count(*) FROM pat.sessions WHERE type = 'support';
CALL faults('{"match": {"path_regex": "^/api/v1/sessions"}, "action": {"kind": "status", "status": 401, "body": "{\"error\": \"Public Access Token has expired\"}"}}');
SELECT count(*) FROM pat.sessions WHERE type = 'support';
SELECT pg_temp.calls();
CALL faults('{"match": {"path_regex": "^/api/v1/sessions"}, "times": 0, "action": {"kind": "status", "status": 401, "body": "{\"error\": \"Public Access Token has expired\"}"}}');
SELECT failure($$SELECT count(*) FROM pat.sessions WHERE type = 'support'$$);
SELECT pg_temp.calls();
CALL faults();
SELECT trigger_cancel_run('pat', :'newest') = :'newest';
CALL faults('{"match": {"path_regex": "cancel$"}, "action": {"kind": "status", "status": 401, "body": "{}"}}');
SELECT trigger_cancel_run('pat', :'newest') = :'newest';
SELECT replace(c, :'newest', '<newest>') FROM pg_temp.calls() AS c;
CALL faults();
-- a token in an error is not shown
CALL faults('{"match": {"path_regex": "^/api/v1/sessions"}, "times": 0, "action": {"kind": "status", "status": 400, "body": "{\"error\": \"token eyJhbGciOiJIUzI1NiJ9.eyJwdWIiOnRydWV9.c2ln is bad, tr_pat_abc too\"}"}}');
SELECT failure($$SELECT count(*) FROM pat.sessions WHERE type = 'support'$$);
CALL faults();
SELECT count(*) > 0 FROM pg_temp.calls();
-- disconnect forgets the tokens
SELECT trigger_fdw_disconnect('pat');
SELECT count(*) FROM pat.sessions WHERE type = 'support';
SELECT pg_temp.calls();
-- an exchange that is refused
CALL faults('{"match": {"path_regex": "/jwt$"}, "times": 0, "action": {"kind": "status", "status": 403, "body": "{\"error\": \"You may not\"}"}}');
SELECT trigger_fdw_disconnect('pat');
SELECT failure($$SELECT count(*) FROM pat.sessions WHERE type = 'support'$$);
CALL faults('{"match": {"path_regex": "/jwt$"}, "times": 0, "action": {"kind": "body", "body": "{\"token\": null}"}}');
SELECT failure($$SELECT count(*) FROM pat.sessions WHERE type = 'support'$$);
CALL faults();
SELECT count(*) > 0 FROM pg_temp.calls();

-- Preview branches: by the header when exchanging, by the slug in the list.
ALTER SERVER pat OPTIONS (SET environment 'preview', ADD branch 'feature-xyz');
SELECT environment, count(*) FROM pat.runs GROUP BY 1;
SELECT count(*) FROM pat.sessions;
SELECT request_headers('x-trigger-branch');
-- a condition on "preview" means the parent, which shows that name
SELECT environment, count(*) FROM pat.runs WHERE environment = 'preview' GROUP BY 1;
SELECT pg_temp.calls();
ALTER SERVER pat OPTIONS (SET pat_exchange 'false');
SELECT environment, count(*) FROM pat.runs GROUP BY 1;
SELECT request_headers('x-trigger-branch');
ALTER SERVER pat OPTIONS (SET branch 'nope');
SELECT failure('SELECT environment, count(*) FROM pat.runs GROUP BY 1');
SELECT pg_temp.calls();
-- of dev only where that is the environment
ALTER SERVER pat OPTIONS (SET branch 'feature-xyz', SET environment 'dev');
SELECT failure('SELECT count(*) FROM pat.runs');
SELECT failure($$SELECT count(*) FROM pat.envvars$$);
SELECT request_headers('x-trigger-branch');
ALTER SERVER pat OPTIONS (DROP environment);
SELECT environment, branch, count(*) FROM pat.envvars GROUP BY 1, 2 ORDER BY 1;
SELECT * FROM request_headers('x-trigger-branch') AS h ORDER BY h;
ALTER SERVER pat OPTIONS (DROP branch, DROP pat_exchange);
