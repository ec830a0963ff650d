--
-- Table "run_details": what retrieving a run tells, and when runs are
-- retrieved at all.
--
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
CALL reset_emulator();
SELECT id AS newest FROM plain.run_details ORDER BY created_at DESC LIMIT 1 \gset

-- by id: one request
SELECT status, attempt_count FROM prod.run_details WHERE id = :'newest';
SELECT requests();
SELECT count(*) FROM prod.run_details WHERE id IN (:'newest', 'run_none', '');
SELECT requests();
SELECT count(attempt_count) FROM prod.run_details WHERE id = ANY (ARRAY(SELECT id FROM plain.run_details ORDER BY created_at LIMIT 3));
SELECT requests();
SELECT count(*) FROM prod.run_details WHERE id = :'newest' AND status = 'FAILED';
SELECT requests();
-- the queue cannot be seen in a run, so its list must tell
SELECT count(*) FROM prod.run_details WHERE id = :'newest' AND queue = 'task/process-order';
SELECT count(*) FROM prod.run_details WHERE id = :'newest' AND queue = 'email-queue';
SELECT requests();

-- Only ids: nothing is retrieved.
SELECT filter($$status = 'FAILED'$$, 'run_details');
SELECT filter($$is_test AND created_at > '2026-05-20 00:00+00' AND duration_ms > 1000$$, 'run_details');
SELECT count(*) FROM prod.run_details;
SELECT requests();
-- More than the id, or a condition on what the list does not tell: one each.
SELECT count(output) FROM prod.run_details WHERE status = 'COMPLETED' AND created_at > '2026-05-31 23:50+00';
SELECT requests();
SELECT filter($$status = 'FAILED' AND attempt_count > 2$$, 'run_details');
-- what the list does tell is checked before
SELECT count(attempt_count) FROM prod.run_details
WHERE created_at > '2026-05-31 12:00+00' AND duration_ms BETWEEN 100 AND 200 AND depth = 0;
SELECT requests();
SELECT filter($$created_at > '2026-05-31 12:00+00' AND tags = '{a,b,c}' AND metadata IS NOT NULL$$, 'run_details');
-- whatever means something else in the list is not
SELECT filter($$created_at > '2026-05-31 23:59+00' AND started_at IS NULL$$, 'run_details');
SELECT filter($$status = 'CANCELED' AND finished_at IS NULL$$, 'run_details');
-- batch_id can be seen in a run, and asked of the list
SELECT filter($$batch_id = 'batch_small0000000000000002' AND status = 'FAILED'$$, 'run_details');
SELECT filter($$batch_id IS NULL AND created_at > '2026-05-31 23:59:59+00'$$, 'run_details');
SELECT filter($$queue = 'email-queue' AND machine = 'small-1x' AND status = 'FAILED'$$, 'run_details');
-- a LIMIT retrieves what it needs
SELECT attempt_count FROM prod.run_details ORDER BY created_at DESC LIMIT 2;
SELECT requests();
SELECT count(*) FROM (SELECT payload FROM prod.run_details WHERE status = 'COMPLETED' LIMIT 3) AS x;
SELECT requests();
SELECT count(*) FROM (SELECT id FROM prod.run_details LIMIT 3) AS x;
SELECT requests();
SELECT queue, count(attempt_count) FROM prod.run_details
WHERE queue IN ('email-queue', 'none') AND created_at > '2026-05-31 23:59+00' GROUP BY 1;
SELECT requests();
SELECT failure($$SELECT id FROM prod.run_details WHERE queue IS NULL$$);
SELECT failure($$SELECT id FROM prod.run_details WHERE payload IS NULL AND schedule_id <> 'x'$$);
SELECT requests();

--
-- All rows, all columns.
--
CREATE TEMP TABLE fetched AS SELECT * FROM prod.run_details;
SELECT count(*), count(*) FILTER (WHERE r LIKE '%/api/v3/runs/run_%') FROM requests() AS r;
SELECT (SELECT count(*) FROM fetched), count(*)
FROM fetched AS f JOIN plain.run_details AS p USING (id)
WHERE (f.status, f.task_identifier, f.idempotency_key, f.version, f.is_test, f.created_at,
       f.updated_at, f.started_at, f.finished_at, f.delayed_until, f.ttl, f.expired_at, f.tags)
      IS NOT DISTINCT FROM
      (p.status, p.task_identifier, p.idempotency_key, p.version, p.is_test, p.created_at,
       p.updated_at, p.started_at, p.finished_at, p.delayed_until, p.ttl, p.expired_at, p.tags)
  AND (f.cost_in_cents, f.base_cost_in_cents, f.duration_ms, f.depth, f.metadata, f.region,
       f.is_queued, f.is_executing, f.is_waiting, f.is_completed, f.is_success, f.is_failed,
       f.is_cancelled)
      IS NOT DISTINCT FROM
      (p.cost_in_cents, p.base_cost_in_cents, p.duration_ms, p.depth, p.metadata, p.region,
       p.is_queued, p.is_executing, p.is_waiting, p.is_completed, p.is_success, p.is_failed,
       p.is_cancelled)
  AND (f.error, f.attempt_count, f.trigger_function, f.batch_id, f.schedule, f.root_run_id,
       f.parent_run_id, f.child_run_ids)
      IS NOT DISTINCT FROM
      (p.error, p.attempt_count, p.trigger_function, p.batch_id, p.schedule, p.root_run_id,
       p.parent_run_id, p.child_run_ids)
  AND (f.payload IS NOT DISTINCT FROM p.payload OR f.payload_presigned_url IS NOT NULL)
  AND (f.output IS NOT DISTINCT FROM p.output OR f.output_presigned_url IS NOT NULL);

--
-- payload and output
--
-- JSON null is a value, nothing at all is NULL; numbers keep every digit
SELECT tags[2], payload, payload IS NULL AS no_payload, output, output IS NULL AS no_output
FROM fetched WHERE 'special:json' = ANY (tags) ORDER BY 1;
SELECT DISTINCT payload::text COLLATE "C" FROM fetched WHERE payload IS NOT NULL AND NOT payload ? 'row' AND NOT payload ? 'offloaded' ORDER BY 1;
-- as json, the text is the API's own
CREATE FOREIGN TABLE as_json (id text, tags text[], payload json, output json, error text)
    SERVER prod OPTIONS (resource 'run_details');
SELECT payload, output FROM as_json WHERE 'special:json:4' = ANY (tags);
SELECT payload IS NULL, payload FROM as_json WHERE 'special:json:0' = ANY (tags);
SELECT error FROM as_json WHERE 'special:fallback' = ANY (tags);
DROP FOREIGN TABLE as_json;
SELECT count(*) > 0 FROM requests();

-- What the API keeps in object storage is read from there, without credential.
SELECT length(payload::text), payload->'big', length(output->>'filler')
FROM prod.run_details WHERE 'special:offloaded' = ANY (tags);
SELECT regexp_replace(path, '/packets/.*', '/packets/...') || ' ' || (r->'headers' ? 'authorization')
FROM emulator.call('GET', 'requests.json?take=1') AS line,
     jsonb_array_elements(line::jsonb) AS r, LATERAL (SELECT r->>'path' AS path) AS p;
-- unless nobody wants it
SELECT payload_presigned_url IS NOT NULL FROM prod.run_details WHERE 'special:offloaded' = ANY (tags);
SELECT requests();

--
-- Relations, schedules, errors.
--
SELECT depth, root_run_id = first_value(id) OVER w AS root, parent_run_id IS NOT NULL AS parent,
       cardinality(child_run_ids) AS children
FROM fetched WHERE 'special:family' = ANY (tags) WINDOW w AS (ORDER BY depth, created_at) ORDER BY depth, created_at;
SELECT child_run_ids FROM fetched WHERE id = :'newest';
SELECT DISTINCT error FROM fetched WHERE error IS NOT NULL ORDER BY 1;
SELECT DISTINCT jsonb_object_agg(k, jsonb_typeof(schedule->k)) FROM fetched, jsonb_object_keys(schedule) AS k GROUP BY id;
SELECT trigger_function, count(*) FROM fetched GROUP BY 1 ORDER BY 1;

-- A run that is gone between list and retrieve is gone.
CALL faults('{"match": {"path_regex": "/api/v3/runs/"}, "action": {"kind": "status", "status": 404,
              "body": "{\"error\":\"Not found\"}"}}');
SELECT count(attempt_count) FROM prod.run_details WHERE status = 'FAILED' AND created_at > '2026-05-01 00:00+00';
SELECT count(*) FROM requests();
-- An error for one run is an error.
CALL faults('{"match": {"path_regex": "/api/v3/runs/", "nth": 3}, "action": {"kind": "status", "status": 500}}');
SELECT left(failure($$SELECT attempt_count FROM prod.run_details WHERE status = 'FAILED'$$), 60);
CALL faults();

-- Several at a time, in the order of the list.
ALTER SERVER prod OPTIONS (SET concurrency '8');
SELECT array_agg(created_at ORDER BY n) = array_agg(created_at ORDER BY created_at DESC), count(*)
FROM (SELECT row_number() OVER () AS n, created_at
      FROM (SELECT created_at, attempt_count FROM prod.run_details
            WHERE status IN ('FAILED', 'EXPIRED')) AS x WHERE attempt_count >= 0) AS y;
ALTER SERVER prod OPTIONS (SET concurrency '1');
