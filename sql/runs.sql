--
-- Table "runs": what its columns show.  Which conditions become part of a
-- request is in pushdown.sql.
--
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
SET client_min_messages = warning;
CALL reset_emulator();

-- All of them, without the API's window of seven days.
SELECT count(*), min(created_at), max(created_at) FROM prod.runs;
SELECT requests();

-- Every column shows what the API has.
CREATE TEMP TABLE fetched AS SELECT * FROM prod.runs;
SELECT requests();
SELECT (SELECT count(*) FROM fetched) AS fetched, count(*) AS equal
FROM fetched AS f JOIN plain.runs AS p USING (id)
WHERE (f.status, f.task_identifier, f.version, f.is_test, f.created_at, f.updated_at, f.tags,
       f.cost_in_cents, f.base_cost_in_cents, f.duration_ms, f.depth, f.metadata)
      IS NOT DISTINCT FROM
      (p.status, p.task_identifier, p.version, p.is_test, p.created_at, p.updated_at, p.tags,
       p.cost_in_cents, p.base_cost_in_cents, p.duration_ms, p.depth, p.metadata)
  AND (f.idempotency_key_hash, f.started_at, f.finished_at, f.delayed_until, f.ttl, f.expired_at,
       f.task_kind, f.region, f.is_queued, f.is_executing, f.is_waiting, f.is_completed,
       f.is_success, f.is_failed, f.is_cancelled, f.environment, f.env_id, f.env_user)
      IS NOT DISTINCT FROM
      (p.idempotency_key_hash, p.started_at, p.finished_at, p.delayed_until, p.ttl, p.expired_at,
       p.task_kind, p.region, p.is_queued, p.is_executing, p.is_waiting, p.is_completed,
       p.is_success, p.is_failed, p.is_cancelled, p.environment, p.env_id, p.env_user);
-- Fields that are missing are NULL; not all of them always are.
SELECT count(idempotency_key_hash) AS key, count(version) AS version, count(started_at) AS started,
       count(finished_at) AS finished, count(delayed_until) AS delayed, count(ttl) AS ttl,
       count(expired_at) AS expired, count(tags) AS tags, count(metadata) AS metadata,
       count(region) AS region, count(env_user) AS env_user, count(*)
FROM fetched;
SELECT count(*) FROM fetched WHERE tags = '{}';
-- Columns that only filter, or only write, are NULL without a filter.
SELECT count(queue), count(machine), count(batch_id), count(schedule_id), count(bulk_action_id),
       count(error_id), count(payload), count(idempotency_key), count(trigger_options)
FROM fetched;

\x on
SELECT * FROM prod.runs WHERE created_at = '2026-05-31 23:59:59.999+00';
SELECT * FROM prod.runs WHERE status = 'EXPIRED' ORDER BY created_at DESC LIMIT 1;
\x off

-- JSON and numbers keep every digit.
\pset format unaligned
\pset tuples_only on
SELECT DISTINCT metadata::text COLLATE "C" FROM prod.runs ORDER BY 1;
SELECT DISTINCT cost_in_cents FROM prod.runs ORDER BY 1;
SELECT DISTINCT tags FROM prod.runs ORDER BY 1;
\pset format aligned
\pset tuples_only off

-- The statuses of API version 2025-07-16, and the flags, which are not quite
-- what one would expect: EXPIRED and TIMED_OUT have none, CANCELED has failed.
SELECT status, count(*), bool_or(is_queued) AS queued, bool_or(is_executing) AS executing,
       bool_or(is_waiting) AS waiting, bool_or(is_completed) AS completed,
       bool_or(is_success) AS success, bool_or(is_failed) AS failed,
       bool_or(is_cancelled) AS cancelled
FROM prod.runs GROUP BY status ORDER BY status;
SELECT DISTINCT request_headers('x-trigger-api-version', 'accept');

-- finished_at falls back to updated_at in the list, unlike in run_details.
SELECT finished_at = updated_at AS fallback FROM prod.runs WHERE 'special:fallback' = ANY (tags);
SELECT finished_at FROM prod.run_details WHERE 'special:fallback' = ANY (tags);

-- Other environments: stg is shown as staging, a branch under its own name.
CALL create_server('stg', $$secret_key 'tr_stg_AlphaStagingRootKey00002'$$);
CALL create_server('dev', $$secret_key 'tr_dev_AlphaDevOwnerRootKey0003'$$);
CALL create_server('preview', $$secret_key 'tr_preview_AlphaPreviewRootKey00005', branch 'feature-xyz'$$);
SELECT environment, env_id, env_user, count(*) FROM stg.runs GROUP BY 1, 2, 3;
SELECT environment, env_id, env_user, count(*) FROM dev.runs GROUP BY 1, 2, 3;
SELECT environment, env_id, env_user, count(*) FROM preview.runs GROUP BY 1, 2, 3;
SELECT count(*) FROM stg.runs WHERE environment = 'staging';
SELECT count(*) FROM stg.runs WHERE environment = 'stg';
SELECT count(*) FROM preview.runs WHERE environment = 'preview-feature-xyz';
SELECT count(*) FROM prod.runs WHERE environment <> 'prod';
SELECT requests();
-- what the key cannot see is answered without a request
SELECT count(*) FROM prod.runs WHERE environment = 'staging';
SELECT count(*) FROM prod.runs WHERE environment IN ('dev', 'preview');
SELECT requests();

--
-- Columns that only filter: they show what the request filtered by.
--
SELECT queue, count(*) FROM prod.runs WHERE queue = 'email-queue' GROUP BY 1;
SELECT requests();
-- with several values, each row must come with its own, hence a request each
SELECT queue, count(*) FROM prod.runs WHERE queue IN ('email-queue', 'task/long-running', 'none')
GROUP BY 1 ORDER BY 1;
SELECT requests();
-- unless nobody looks at the column
SELECT count(*) FROM prod.runs WHERE queue IN ('email-queue', 'task/long-running');
SELECT requests();
SELECT machine, count(*) FROM prod.runs WHERE machine IN ('micro', 'large-2x') GROUP BY 1 ORDER BY 1;
SELECT batch_id, count(*) FROM prod.runs
WHERE batch_id IN ('batch_small0000000000000001', 'batch_small0000000000000002') GROUP BY 1 ORDER BY 1;
SELECT bulk_action_id, error_id, count(*) FROM prod.runs
WHERE bulk_action_id = 'bulk_small00000000000000001' AND error_id = 'error_0000000000000002'
GROUP BY 1, 2;
SELECT requests();

--
-- Conditions that nobody can check are errors, not empty answers.
--
\pset format unaligned
\pset tuples_only on
SELECT failure(format('SELECT id FROM prod.runs WHERE %s', condition))
FROM unnest(ARRAY[
    $$queue <> 'email-queue'$$,
    $$queue IS NULL$$,
    $$queue LIKE 'task/%'$$,
    $$queue = 'email-queue' OR status = 'FAILED'$$,
    $$queue NOT IN ('email-queue')$$,
    $$queue = task_identifier$$,
    $$queue = machine$$,
    $$queue = 'a,b'$$,
    $$queue = ''$$,
    $$batch_id IN ('batch_1', '')$$,
    $$machine > 'micro'$$,
    $$coalesce(error_id, 'x') = 'x'$$,
    $$payload IS NOT NULL$$,
    $$payload @> '{"a": 1}'$$,
    $$idempotency_key = 'key-0'$$,
    $$trigger_options->>'ttl' = '1h'$$]) AS condition;
SELECT failure('SELECT r.id FROM prod.runs AS r JOIN plain.run_details AS d ON r.idempotency_key = d.idempotency_key');
SELECT requests();
-- A machine that does not exist is not asked for: the API would refuse it.
SELECT count(*) FROM prod.runs WHERE machine = 'huge';
SELECT count(*) FROM prod.runs WHERE machine = 'huge' OR machine = 'micro';
SELECT requests();
-- Showing and sorting such a column is harmless, it is just NULL.
SELECT count(*) FROM (SELECT queue, payload FROM prod.runs LIMIT 3) AS x WHERE queue IS NULL;
SELECT requests();

-- A whole row, as a record and as JSON.
SELECT (r).status, to_jsonb(r) ? 'queue' FROM (SELECT r FROM prod.runs AS r LIMIT 1) AS x;
SELECT requests();
SELECT tableoid::regclass, count(*) FROM prod.runs WHERE is_test GROUP BY 1;
SELECT requests();

DROP SERVER stg, dev, preview CASCADE;
DROP SCHEMA stg, dev, preview;
