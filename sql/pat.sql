--
-- Personal access tokens: several environments, and endpoints that do not
-- take such a token.
--
\pset format unaligned
\pset tuples_only on
\pset null NULL
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
CALL reset_emulator();
CREATE TEMP TABLE visible AS
    SELECT e.* FROM unnest(ARRAY['prod', 'stg', 'dev:other', 'preview', 'preview-feature-xyz']) AS name,
                    emulator.runs(name) AS e;

-- One environment: its slug is sent, staging's is stg.
SELECT environment, count(*) FROM pat.runs WHERE environment = 'staging' GROUP BY 1;
SELECT requests();
SELECT count(*) FROM pat.runs WHERE environment = 'prod' AND status = 'FAILED';
SELECT requests();
-- Several: a request each, because the API would choose one of them.
SELECT environment, count(*) FROM pat.runs
WHERE environment IN ('staging', 'prod') AND status = 'COMPLETED' GROUP BY 1 ORDER BY 1;
SELECT requests_sorted();
SELECT count(*) FROM pat.runs
WHERE (environment = 'prod' OR environment = 'preview-feature-xyz') AND created_at > '2026-05-31 00:00+00';
SELECT requests_sorted();
-- All: those that the project has, after asking which.
SELECT environment, count(*) FROM pat.runs
WHERE created_at > '2026-05-31 00:00+00' AND environment || '' IN ('prod', 'staging') GROUP BY 1 ORDER BY 1;
SELECT r FROM requests() AS r WHERE r ~ '/environments|=(prod|stg)&';
-- merged in the order of time
SELECT environment, created_at FROM pat.runs WHERE environment IN ('prod', 'staging', 'preview')
ORDER BY created_at DESC LIMIT 12;
SELECT requests_sorted();
SELECT count(*), array_agg(created_at) = array_agg(created_at ORDER BY created_at DESC)
FROM (SELECT created_at FROM pat.runs WHERE environment IN ('prod', 'staging') ORDER BY created_at DESC) AS x;
SELECT count(*) > 0 FROM requests();
SELECT created_at FROM pat.runs WHERE environment IN ('prod', 'staging') AND status = 'FAILED'
ORDER BY created_at DESC LIMIT 3;
SELECT created_at FROM visible WHERE environment IN ('prod', 'staging') AND status = 'FAILED'
ORDER BY created_at DESC LIMIT 3;
SELECT requests_sorted();
-- Names that are none are not asked for: the API would fail.
SELECT count(*) FROM pat.runs WHERE environment = 'stg';
SELECT count(*) FROM pat.runs WHERE environment = 'production';
SELECT count(*) FROM pat.runs WHERE environment = ANY ('{}');
SELECT requests();
SELECT count(*) FROM pat.runs WHERE environment IN ('production', 'staging');
SELECT requests();
-- The option is for queries without a condition.
ALTER SERVER pat OPTIONS (ADD environment 'staging');
SELECT environment, count(*) FROM pat.runs GROUP BY 1;
SELECT environment, count(*) FROM pat.runs WHERE environment = 'prod' GROUP BY 1;
SELECT requests();
-- also one that cannot be pushed, or that a join brings: the answer must not
-- depend on the plan
SELECT environment, count(*) FROM pat.runs WHERE environment || '' = 'prod' GROUP BY 1;
SELECT requests_sorted() LIMIT 2;
SET enable_nestloop = off;
SELECT environment, count(*) FROM pat.runs JOIN (VALUES ('prod'), ('none')) AS v (e) ON environment = e GROUP BY 1;
SET enable_nestloop = on;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT environment, count(*) FROM pat.runs JOIN (VALUES ('prod'), ('none')) AS v (e) ON environment = e GROUP BY 1;
RESET enable_nestloop;
RESET enable_hashjoin;
RESET enable_mergejoin;
SELECT count(*) > 0 FROM requests();
ALTER SERVER pat OPTIONS (DROP environment);
PREPARE env (text) AS SELECT count(*) FROM pat.runs WHERE environment = $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE env ('staging');
EXECUTE env ('stg');
EXECUTE env (NULL);
SELECT requests();
RESET plan_cache_mode;
SELECT e, count(id) FROM (VALUES ('prod'), ('staging')) AS v (e) LEFT JOIN pat.runs ON environment = e
WHERE status = 'FAILED' OR status IS NULL GROUP BY 1 ORDER BY 1;
SELECT count(*) > 0 FROM requests();

-- A run cannot be retrieved with such a token, so it is looked for in the list.
SELECT id AS newest FROM plain.runs ORDER BY created_at DESC LIMIT 1 \gset
SELECT environment, status FROM pat.runs
WHERE id = :'newest' AND environment = 'prod' AND created_at >= '2026-05-31 23:59:59+00';
SELECT requests();

-- What the API does not offer for it is refused before any request.
SELECT failure('SELECT id FROM pat.run_details');
SELECT failure('SELECT id FROM pat.schedules');
SELECT failure(format('SELECT id FROM pat.schedules WHERE id = %L', 'sched_x'));
SELECT requests();

-- The project must be known.
CALL create_server('noproject',
    $$personal_access_token 'tr_pat_owner0000000000000000000000000000000000a'$$, $$max_retries '0'$$);
SELECT failure('SELECT id FROM noproject.runs');
SELECT failure('SELECT name FROM noproject.envvars');
SELECT requests();
SET trigger_fdw.project_ref = 'proj_none';
SELECT failure('SELECT id FROM noproject.runs');
SELECT failure($$SELECT id FROM noproject.runs WHERE environment = 'prod'$$);
SELECT requests();
SET trigger_fdw.project_ref = 'proj_betaemulatedproject0';
SELECT environment, count(*) FROM noproject.runs GROUP BY 1 ORDER BY 1;
SELECT requests_sorted();
RESET trigger_fdw.project_ref;
SET client_min_messages = warning;
DROP SERVER noproject CASCADE;
DROP SCHEMA noproject;

-- Its 500 means that there is no such environment; repeating it would not help.
ALTER SERVER pat OPTIONS (SET max_retries '2');
SELECT failure($$SELECT id FROM pat.runs WHERE environment = 'preview-none'$$);
SELECT requests();
ALTER SERVER pat OPTIONS (SET max_retries '0');
-- revoked
SET trigger_fdw.access_token = 'tr_pat_revoked00000000000000000000000000000000c';
SELECT failure('SELECT name FROM pat.envvars');
SELECT requests();
RESET trigger_fdw.access_token;
-- branches are chosen by name, not by header
SET trigger_fdw.branch = 'feature-xyz';
SELECT count(*) FROM pat.runs WHERE environment = 'prod' AND status = 'FAILED';
SELECT request_headers('x-trigger-branch');
