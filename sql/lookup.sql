--
-- Look-ups of runs by id.  The list cannot filter by id, so the run is
-- retrieved to learn its creation time, and the list is asked for that
-- millisecond: the row is the list's, however it was found.
--
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
CALL reset_emulator();
SELECT id AS newest FROM plain.runs ORDER BY created_at DESC LIMIT 1 \gset
SELECT id AS oldest FROM plain.runs ORDER BY created_at LIMIT 1 \gset
SELECT id AS crowded FROM plain.runs WHERE created_at = '2026-05-29 00:00+00' ORDER BY id LIMIT 1 \gset

SELECT status, created_at FROM prod.runs WHERE id = :'newest';
SELECT requests();
SELECT status, created_at FROM prod.runs WHERE id = :'oldest';
SELECT requests();
-- the row is the one of the list
SELECT f = p FROM (SELECT (f).env_id, (f).finished_at, (f).task_kind, (f).idempotency_key_hash
                   FROM prod.runs AS f WHERE id = :'crowded') AS f,
                  (SELECT (p).env_id, (p).finished_at, (p).task_kind, (p).idempotency_key_hash
                   FROM plain.runs AS p WHERE id = :'crowded') AS p;
-- more than a page of runs in that millisecond: it may be on the second
SELECT requests();
-- a LIMIT is no reason to look for it row by row
SELECT status FROM prod.runs WHERE id = :'crowded' LIMIT 1;
SELECT requests();
-- several
SELECT id = :'newest', status FROM prod.runs WHERE id IN (:'newest', :'oldest') ORDER BY created_at DESC;
SELECT requests();
SELECT count(*) FROM prod.runs WHERE id = :'newest' OR id = :'oldest' OR id = :'newest';
SELECT requests();
-- with other conditions: they are checked by whoever knows the column
SELECT count(*) FROM prod.runs WHERE id = :'oldest' AND status = 'COMPLETED';
SELECT requests();
SELECT count(*) FROM prod.runs WHERE id = :'oldest' AND status = 'FAILED';
SELECT requests();
SELECT count(*) FROM prod.runs WHERE id = :'oldest' AND duration_ms > 100000;
SELECT requests();
SELECT count(*) FROM prod.runs WHERE id = :'newest' AND queue = 'email-queue';
SELECT count(*) FROM prod.runs WHERE id = :'newest' AND queue = 'task/process-order';
SELECT requests();
-- a time that excludes the run saves the second request, one that nothing fulfills both
SELECT count(*) FROM prod.runs WHERE id = :'oldest' AND created_at > '2026-01-01 00:00+00';
SELECT requests();
SELECT count(*) FROM prod.runs WHERE id = :'oldest' AND created_at < '2025-01-01' AND created_at > '2026-01-01';
SELECT count(*) FROM prod.runs WHERE id = :'oldest' AND id = :'newest';
SELECT requests();

-- What does not exist is not an error.  Of another environment is the same.
SELECT count(*) FROM prod.runs WHERE id = 'run_none';
SELECT count(*) FROM prod.runs WHERE id = (SELECT row->>'id' FROM emulator.oracle
                                           WHERE resource = 'runs' AND environment = 'stg' LIMIT 1);
SELECT count(*) FROM prod.runs WHERE id IN ('run_none', :'newest');
SELECT requests();
-- not worth a request
SELECT count(*) FROM prod.runs WHERE id = '';
SELECT count(*) FROM prod.runs WHERE id = NULL;
SELECT count(*) FROM prod.runs WHERE id = ANY ('{}');
SELECT requests();
-- a name is a path segment, whatever it is made of
SELECT count(*) FROM prod.runs WHERE id IN ('run_a/b', 'run_/../runs', 'run_a?b=c', 'run_a%2Fb', 'run_日本', 'run_a b');
SELECT request_targets();
-- other texts name no run, and are not worth a request
SELECT count(*) FROM prod.runs WHERE id IN ('.', '..', 'x');
SELECT requests();
-- the moments that pass before a new run can be listed are not an error either
CALL faults('{"match": {"path_regex": "/runs/run_"}, "action": {"kind": "status", "status": 404,
              "body": "{\"error\":\"Not found\"}", "headers": {"x-should-retry": "true"}}}');
ALTER SERVER prod OPTIONS (SET max_retries '3');
SELECT count(*) FROM prod.runs WHERE id = :'newest';
SELECT requests();
SELECT count(*) FROM prod.runs WHERE id = 'run_none';
SELECT requests();
ALTER SERVER prod OPTIONS (SET max_retries '0');
CALL faults();
-- other conditions than equality need the list
SELECT count(*) FROM prod.runs WHERE id <> :'newest' AND created_at > '2026-05-31 23:59+00';
SELECT count(*) FROM prod.runs WHERE id > 'run_' AND created_at > '2026-05-31 23:59+00';
SELECT requests();

--
-- Values that are known only when the query runs.
--
SELECT count(*) FROM prod.runs WHERE id = (SELECT id FROM plain.runs ORDER BY created_at LIMIT 1);
SELECT requests();
SELECT count(*) FROM prod.runs
WHERE id = ANY (ARRAY(SELECT id FROM plain.runs ORDER BY created_at LIMIT 2));
SELECT requests();
SELECT count(*) FROM prod.runs WHERE id = ANY (ARRAY(SELECT id FROM plain.runs WHERE false));
SELECT requests();
PREPARE one (text) AS SELECT status FROM prod.runs WHERE id = $1;
PREPARE many (text[]) AS SELECT count(*) FROM prod.runs WHERE id = ANY ($1);
SET plan_cache_mode = force_custom_plan;
EXECUTE one (:'newest');
EXECUTE many (ARRAY[:'newest', :'oldest', NULL]);
SELECT requests();
SET plan_cache_mode = force_generic_plan;
EXECUTE one (:'newest');
EXECUTE one (NULL);
EXECUTE many (ARRAY[:'newest', :'oldest', NULL]);
EXECUTE many ('{}');
EXECUTE many (NULL);
SELECT requests();
RESET plan_cache_mode;

--
-- Joins.  A few outer rows drive look-ups; for many, one scan is cheaper.
--
CREATE TEMP TABLE wanted (n int, id text COLLATE "C", task text COLLATE "C");
INSERT INTO wanted SELECT row_number() OVER (ORDER BY created_at), id, task_identifier
    FROM plain.runs ORDER BY created_at LIMIT 3;
INSERT INTO wanted VALUES (4, NULL, 'chat-agent'), (5, 'run_none', 'chat-agent');
ANALYZE wanted;
SELECT n, status FROM wanted JOIN prod.runs USING (id) ORDER BY n;
SELECT requests();
SELECT n, status FROM wanted LEFT JOIN prod.runs USING (id) ORDER BY n;
SELECT requests_sorted();
SELECT n FROM wanted WHERE EXISTS (SELECT FROM prod.runs AS r WHERE r.id = wanted.id) ORDER BY n;
SELECT requests_sorted();
SELECT n FROM wanted WHERE id NOT IN (SELECT id FROM prod.runs WHERE status = 'FAILED') ORDER BY n;
SELECT requests();
SELECT n, r.status FROM wanted, LATERAL (SELECT status FROM prod.runs AS r WHERE r.id = wanted.id LIMIT 1) AS r ORDER BY n;
SELECT requests();
SELECT n, (SELECT status FROM prod.runs AS r WHERE r.id = wanted.id) FROM wanted ORDER BY n;
SELECT requests();
-- a LATERAL look-up of another column
SELECT n, r.created_at FROM wanted,
    LATERAL (SELECT created_at FROM prod.runs AS r WHERE r.task_identifier = wanted.task
             ORDER BY created_at DESC LIMIT 1) AS r
WHERE n IN (1, 4) ORDER BY n;
SELECT requests();
-- many: all runs once
CREATE TEMP TABLE all_ids AS SELECT id FROM plain.runs;
INSERT INTO all_ids SELECT 'run_none_' || n FROM generate_series(1, 20000) AS n;
ANALYZE all_ids;
SELECT count(*) FROM all_ids JOIN prod.runs USING (id);
SELECT requests();
-- a self-join is two scans
SELECT count(*) FROM prod.runs AS a JOIN prod.runs AS b USING (id)
WHERE a.status = 'FAILED' AND b.status = 'FAILED';
SELECT requests_sorted();

-- A filter-only column can be joined only by look-up, and then is.
CREATE TEMP TABLE queues (queue text COLLATE "C");
INSERT INTO queues VALUES ('email-queue'), ('task/chat-agent');
ANALYZE queues;
SELECT q.queue, count(*) FROM queues AS q JOIN prod.runs AS r ON r.queue = q.queue GROUP BY 1 ORDER BY 1;
SELECT requests_sorted();
SELECT q.queue, r.queue, count(r.id) FROM queues AS q LEFT JOIN prod.runs AS r ON r.queue = q.queue GROUP BY 1, 2 ORDER BY 1;
SELECT requests_sorted();
SELECT failure('SELECT count(*) FROM queues AS q FULL JOIN prod.runs AS r ON r.queue = q.queue');
SELECT failure('SELECT count(*) FROM queues AS q JOIN prod.runs AS r ON r.queue > q.queue');
SELECT failure('SELECT count(*) FROM queues AS q JOIN prod.runs AS r ON r.queue || $$x$$ = q.queue');
SELECT requests();
