--
-- Functions that do something to a run: replay, cancel, reschedule.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/writes_helpers.sql'
\i :helpers
\set ECHO all
CALL reset_emulator();
SELECT emulator.call('POST', 'runs', (SELECT jsonb_agg(jsonb_build_object(
    'id', 'run_w' || n, 'task', 'process-order', 'status', s, 'tags', jsonb_build_array('w', 'w' || n), 'machine', 'small-2x',
    'payload_text', '{"n":18446744073709551616}', 'metadata', jsonb_build_object('n', n), 'created_at', 1780271000000 + n, 'ttl', '1h',
    'delayed_until', CASE s WHEN 'DELAYED' THEN 4102444800000 END, 'completed_at', CASE WHEN n = 4 THEN 1780271990000 END))::text
    FROM (VALUES (1, 'PENDING'), (2, 'EXECUTING'), (3, 'DELAYED'), (4, 'COMPLETED_WITH_ERRORS'), (5, 'COMPLETED_WITH_ERRORS')) AS v (n, s)));
SELECT emulator.call('PATCH', 'runs/run_w5', '{"payload": null}');

--
-- trigger_replay_run(): the API's replay
--
SELECT trigger_replay_run('prod', 'run_w4') AS replayed \gset
SELECT requests();
SELECT pg_temp.changes();
SELECT :'replayed' = r->>'id', r->>'status', r->>'taskIdentifier', r->'payload', r->'metadata', r->'tags', r->'_'->>'machine', r->>'ttl' FROM pg_temp.run(:'replayed') AS r;
-- with a payload the task is triggered once more
SELECT trigger_replay_run('prod', 'run_w4', '{"other": 0.12345678901234567890123}') AS replayed \gset
SELECT pg_temp.bodies();
SELECT r->>'status', r->>'taskIdentifier', r->'payload' FROM pg_temp.run(:'replayed') AS r;
SELECT trigger_replay_run('prod', 'run_w4', 'null') IS NOT NULL;
SELECT pg_temp.bodies();
-- with options, too: with the run's own payload then
SELECT trigger_replay_run('prod', 'run_w4', NULL, '{"machine": "large-1x", "tags": ["again"], "delay": "1h"}') AS replayed \gset
SELECT pg_temp.bodies();
SELECT r->>'status', r->'payload', r->'tags', r->'_'->>'machine' FROM pg_temp.run(:'replayed') AS r;
SELECT trigger_replay_run(server => 'prod', run_id => 'run_w4', options => '{}', payload => '[1]') IS NOT NULL;
SELECT trigger_replay_run('prod', 'run_w5', NULL, '{}') IS NOT NULL;
SELECT pg_temp.bodies();
-- also one that is kept elsewhere
SELECT id AS offloaded FROM plain.run_details WHERE 'special:offloaded' = ANY (tags) \gset
SELECT trigger_replay_run('prod', :'offloaded', NULL, '{"tags": ["replayed"]}') AS replayed \gset
SELECT r->'payload' = (SELECT row->'_'->>'offloadedPayload' FROM emulator.oracle WHERE resource = 'run_details' AND row->>'id' = :'offloaded')::jsonb FROM pg_temp.run(:'replayed') AS r;
-- over a query
SELECT emulator.call('DELETE', 'requests'), emulator.call('DELETE', 'writes');
SELECT count(DISTINCT trigger_replay_run('prod', id)) FROM prod.runs WHERE status = 'CRASHED' AND created_at > '2026-05-01 00:00+00';
SELECT count(*), count(*) FILTER (WHERE r LIKE 'POST /api/v1/runs/run_%/replay') FROM requests() AS r;
SELECT pg_temp.change_counts();
-- the answer is lost: nobody knows, so it is not repeated
ALTER SERVER prod OPTIONS (SET max_retries '2');
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "POST"}, "action": {"kind": "reset_after"}}]');
SELECT pg_temp.did($$SELECT trigger_replay_run('prod', 'run_w4')$$);
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "POST"}, "action": {"kind": "rate_limit", "reset": "retry-after", "seconds": 0}}]');
SELECT pg_temp.did($$SELECT trigger_replay_run('prod', 'run_w4')$$);
SELECT pg_temp.change_counts();
ALTER SERVER prod OPTIONS (SET max_retries '0');
-- NULL, and what is refused here
SELECT trigger_replay_run(NULL, 'run_w4'), trigger_replay_run('prod', NULL), trigger_replay_run(NULL, NULL, '1', '{}');
SELECT pg_temp.did(format('SELECT trigger_replay_run(%L, %L, %L, %L)', s, r, p, o))
FROM (VALUES (1, 'prod', 'x', NULL, NULL), (2, 'prod', '', NULL, NULL), (3, 'prod', 'RUN_x', NULL, NULL), (4, 'none', 'run_w4', NULL, NULL),
             (5, 'prod', 'run_w4', NULL, '[]'), (6, 'prod', 'run_w4', NULL, '5'), (7, 'prod', 'run_w4', NULL, '{"delay": "2020-01-01T00:00:00Z"}'),
             (8, 'prod', 'run_w4', '1', '{"delay": "soon"}'), (9, 'prod', 'run_w4', '1', '{"ttl": "x"}')) AS v (n, s, r, p, o) ORDER BY n;
-- and by the API
SELECT pg_temp.did($$SELECT trigger_replay_run('prod', 'run_none')$$);
SELECT pg_temp.did($$SELECT trigger_replay_run('prod', 'run_none', '1')$$);
SELECT pg_temp.did($$SELECT trigger_replay_run('prod', 'run_a/../b?c')$$);
SELECT pg_temp.did($$SELECT trigger_replay_run('prod', 'run_w4', '1', '{"machine": "huge"}')$$);

--
-- trigger_cancel_run()
--
SELECT emulator.call('DELETE', 'requests'), emulator.call('DELETE', 'writes');
SELECT trigger_cancel_run('prod', 'run_w1');
SELECT requests();
SELECT pg_temp.changes();
-- a run that is over stays as it is
SELECT trigger_cancel_run('prod', 'run_w4'), trigger_cancel_run('prod', 'run_w1');
SELECT pg_temp.changes();
SELECT trigger_cancel_run('prod', id) FROM prod.runs WHERE tags @> '{w}' AND status = 'DELAYED';
SELECT requests();
ALTER SERVER prod OPTIONS (SET max_retries '2');
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "POST"}, "action": {"kind": "reset_after"}}]');
SELECT pg_temp.did($$SELECT trigger_cancel_run('prod', 'run_w2')$$);
ALTER SERVER prod OPTIONS (SET max_retries '0');
SELECT trigger_cancel_run(NULL, 'run_w1'), trigger_cancel_run('prod', NULL);
SELECT pg_temp.did(format('SELECT trigger_cancel_run(%L, %L)', s, r)) FROM (VALUES ('prod', 'x'), ('prod', ''), ('none', 'run_w1'), ('prod', 'run_none')) AS v (s, r);

--
-- trigger_reschedule_run()
--
SELECT emulator.call('PATCH', 'runs/run_w3', '{"status": "DELAYED", "completed_at": null}');
SELECT emulator.call('DELETE', 'requests'), emulator.call('DELETE', 'writes');
SELECT trigger_reschedule_run('prod', 'run_w3', '2d12h');
SELECT pg_temp.bodies();
SELECT r->'delayedUntil' FROM pg_temp.run('run_w3') AS r;
SELECT trigger_reschedule_run('prod', 'run_w3', '2100-01-01T12:00:00+02:00');
SELECT r->'delayedUntil' FROM pg_temp.run('run_w3') AS r;
SELECT pg_temp.changes();
SELECT trigger_reschedule_run('prod', id, '30m') FROM prod.runs WHERE status = 'DELAYED' AND tags @> '{w}';
SELECT trigger_reschedule_run(NULL, 'run_w3', '1h'), trigger_reschedule_run('prod', NULL, '1h'), trigger_reschedule_run('prod', 'run_w3', NULL);
SELECT pg_temp.did(format('SELECT trigger_reschedule_run(%L, %L, %L)', s, r, d))
FROM (VALUES (1, 'prod', 'run_w3', 'soon'), (2, 'prod', 'run_w3', ''), (3, 'prod', 'run_w3', '5'), (4, 'prod', 'run_w3', '2020-01-01T00:00:00Z'),
             (5, 'prod', 'run_w3', '-1h'), (6, 'prod', 'x', '1h'), (7, 'none', 'run_w3', '1h'),
             (8, 'prod', 'run_none', '1h'), (9, 'prod', 'run_w4', '1h')) AS v (n, s, r, d) ORDER BY n;

-- The planner must not think that they could be left out, or done elsewhere.
SELECT proname, provolatile, proparallel, proisstrict, pronargdefaults FROM pg_proc
WHERE proname IN ('trigger_replay_run', 'trigger_cancel_run', 'trigger_reschedule_run', 'trigger_upload_envvars') ORDER BY 1;
CALL reset_emulator();
