--
-- Which conditions on "runs" become part of a request.  filter() compares the
-- rows with those of a plain table; what is sent may select more of them,
-- never fewer.
--
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
CALL reset_emulator();

--
-- status: the words that find it differ from the words that are shown.
--
SELECT filter($$status = 'QUEUED'$$);
SELECT filter($$status = 'EXECUTING'$$);
SELECT filter($$status = 'WAITING'$$);
SELECT filter($$status = 'FAILED'$$);
SELECT filter($$status = 'PENDING_VERSION'$$);
SELECT filter($$'CANCELED' = status$$);
SELECT filter($$status IN ('FAILED', 'CRASHED')$$);
SELECT filter($$status = ANY ('{EXPIRED,TIMED_OUT,EXPIRED,NULL}')$$);
SELECT filter($$status = 'FAILED' OR status = 'EXECUTING' OR status IN ('CRASHED', 'EXPIRED')$$);
SELECT filter($$status IN ('FAILED', 'CRASHED') AND status IN ('CRASHED', 'EXPIRED')$$);
-- the complement
SELECT filter($$status <> 'COMPLETED'$$);
SELECT filter($$status NOT IN ('COMPLETED', 'FAILED', 'CANCELED')$$);
SELECT filter($$status <> ALL ('{COMPLETED,FAILED}') AND status <> 'CANCELED'$$);
SELECT filter($$NOT (status = 'COMPLETED')$$);
SELECT filter($$status <> 'NO_SUCH_STATUS'$$);
-- words that no run shows are never sent: the API refuses some, finds others
SELECT filter($$status = 'NO_SUCH_STATUS'$$);
SELECT filter($$status = 'INTERRUPTED'$$);
SELECT filter($$status = 'failed'$$);
SELECT filter($$status IN ('FROZEN', 'WAITING', 'REATTEMPTING', '')$$);
SELECT filter($$status = 'FAILED,CRASHED'$$);
-- nothing can qualify
SELECT filter($$status = ''$$);
SELECT filter($$status = NULL$$);
SELECT filter($$status IN ('FAILED', NULL)$$);
SELECT filter($$status NOT IN ('FAILED', NULL)$$);
SELECT filter($$status = ANY ('{}')$$);
SELECT filter($$status = ANY (NULL::text[])$$);
SELECT filter($$status <> ALL ('{}')$$);
SELECT filter($$status = 'FAILED' AND status = 'CRASHED'$$);
SELECT filter($$status = 'FAILED' AND status <> 'FAILED'$$);
-- left to PostgreSQL
SELECT filter($$status > 'S'$$);
SELECT filter($$status LIKE 'C%'$$);
SELECT filter($$lower(status) = 'failed'$$);
SELECT filter($$status IS NOT NULL$$);
SELECT filter($$status = 'FAILED' OR task_identifier = 'always-fails'$$);
SELECT filter($$status = 'FAILED' OR status LIKE 'CR%'$$);
SELECT filter($$status = 'FAILED' OR status IS NULL$$);
SELECT filter($$(status = 'FAILED') IS NOT TRUE$$);
SELECT filter($$status = 'FAILED' AND status LIKE 'F%'$$);

--
-- task_identifier, version, region: any of the values, exactly.
--
SELECT filter($$task_identifier = 'chat-agent'$$);
SELECT filter($$task_identifier IN ('chat-agent', 'hourly-sync', 'no-such-task')$$);
SELECT filter($$task_identifier = 'Chat-Agent'$$);
SELECT filter($$task_identifier = 'chat-agent' OR task_identifier = 'hourly-sync'$$);
SELECT filter($$task_identifier = 'chat-agent' AND task_identifier = 'hourly-sync'$$);
SELECT filter($$version = '20260101.1'$$);
SELECT filter($$version = ANY (ARRAY['20260101.1', '20260315.1'])$$);
SELECT filter($$region IN ('eu-central-1', 'us-east-1')$$);
SELECT filter($$region = 'eu-central-1' AND version = '20260101.2' AND status = 'COMPLETED'$$);
-- an open vocabulary has no complement, and some runs have no version
SELECT filter($$version <> '20260101.1'$$);
SELECT filter($$region NOT IN ('eu-central-1')$$);
SELECT filter($$region IS NULL$$);
-- The API would split at the comma, and take an empty value for no filter.
SELECT filter($$task_identifier = 'chat-agent,hourly-sync'$$);
SELECT filter($$task_identifier IN ('chat-agent', 'a,b')$$);
SELECT filter($$task_identifier = ''$$);
SELECT filter($$task_identifier IN ('chat-agent', '')$$);
SELECT filter($$version = ''$$);
-- encoded, not interpreted
SELECT count(*) FROM prod.runs WHERE task_identifier = 'a&filter[status]=COMPLETED';
SELECT count(*) FROM prod.runs WHERE task_identifier IN ('100% +', 'é#?/=*~', '日本');
SELECT request_targets();
-- other types of text
SELECT filter($$task_identifier = 'chat-agent'::varchar$$);
SELECT filter($$task_identifier = 'chat-agent'::bpchar$$);
SELECT filter($$task_identifier = 'chat-agent'::name$$);
-- collations that equate different texts
CREATE COLLATION ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT filter($$task_identifier = 'CHAT-AGENT' COLLATE ignore_case$$);
SELECT filter($$task_identifier IN ('CHAT-AGENT', 'x') AND task_identifier IN ('CHAT-AGENT' COLLATE ignore_case)$$);
DROP COLLATION ignore_case;
-- more than a URL can hold
SELECT filter($$task_identifier = ANY ((SELECT array_agg('task-' || n) FROM generate_series(1, 500) AS n) || '{chat-agent}')$$);

--
-- is_test
--
SELECT filter($$is_test$$);
SELECT filter($$NOT is_test$$);
SELECT filter($$is_test = true$$);
SELECT filter($$is_test = false$$);
SELECT filter($$is_test IS TRUE$$);
SELECT filter($$is_test IS FALSE$$);
SELECT filter($$is_test IS NOT TRUE$$);
SELECT filter($$is_test IS NOT FALSE$$);
SELECT filter($$is_test <> true$$);
SELECT filter($$is_test AND NOT is_test$$);
SELECT filter($$is_test OR NOT is_test$$);
SELECT filter($$is_test = NULL$$);
SELECT filter($$is_test IS NULL$$);
-- the other flags cannot be asked for
SELECT filter($$is_failed$$);

--
-- tags: the API knows "any of these" only.
--
SELECT filter($$tags && ARRAY['user:0', 'user:1']$$);
SELECT filter($$'user:1' = ANY (tags)$$);
SELECT filter($$'user:1' = ANY (tags) AND 'plan:pro' = ANY (tags)$$);
SELECT filter($$tags @> ARRAY['user:1', 'plan:pro']$$);
SELECT filter($$ARRAY['user:1', 'plan:pro'] <@ tags$$);
SELECT filter($$tags @> '{}'$$);
SELECT filter($$tags && '{}'$$);
SELECT filter($$tags && '{NULL}'$$);
SELECT filter($$tags && '{NULL,upper}'$$);
SELECT filter($$tags @> '{upper,NULL}'$$);
SELECT filter($$tags && NULL$$);
SELECT filter($$NULL = ANY (tags)$$);
SELECT filter($$tags && ARRAY['upper']$$);
SELECT filter($$tags && ARRAY['日本', '  padded  ', 'quote"d', 'back\slash']$$);
-- a tag with a comma cannot be asked for, but the others can
SELECT filter($$'with,comma' = ANY (tags)$$);
SELECT filter($$tags && ARRAY['with,comma', 'upper']$$);
SELECT filter($$tags @> ARRAY['with,comma']$$);
SELECT filter($$tags @> ARRAY['with,comma', 'upper']$$);
SELECT filter($$'' = ANY (tags)$$);
SELECT filter($$tags && ARRAY['', 'upper']$$);
-- something else than it looks
SELECT filter($$'user:1' <> ANY (tags)$$);
SELECT filter($$'user:1' = ALL (tags)$$);
SELECT filter($$tags = ARRAY['even', 'user:0']$$);
SELECT filter($$tags[1] = 'even'$$);
SELECT filter($$tags <@ ARRAY['even', 'user:0']$$);
SELECT filter($$NOT tags && ARRAY['even']$$);

--
-- created_at: bounds are inclusive, and whole milliseconds.
--
SELECT filter($$created_at >= '2026-05-31 00:00+00'$$);
SELECT filter($$created_at > '2026-05-31 23:59:59+00'$$);
SELECT filter($$created_at < '2025-06-01 00:00+00'$$);
SELECT filter($$created_at <= '2025-04-27 00:00+00'$$);
SELECT filter($$created_at = '2026-05-29 00:00+00'$$);
SELECT filter($$created_at >= '2026-05-31 23:59:59.0005+00' AND created_at < '2026-05-31 23:59:59.9999+00'$$);
SELECT filter($$created_at = '2026-05-31 23:59:59.0005+00'$$);
SELECT filter($$created_at BETWEEN '2026-05-31 00:00+00' AND '2026-05-31 12:00+00'$$);
SELECT filter($$'2026-05-31 00:00+00' <= created_at AND '2026-05-31 12:00+00' > created_at$$);
SELECT filter($$created_at > '2026-05-01 00:00+00' AND created_at > '2026-05-31 00:00+00'
                AND created_at < '2026-05-31 12:00+00' AND created_at < '2026-06-01 00:00+00'$$);
-- no row can qualify
SELECT filter($$created_at BETWEEN '2026-05-31 12:00+00' AND '2026-05-31 00:00+00'$$);
SELECT filter($$created_at < '2026-05-31 00:00+00' AND created_at >= '2026-05-31 00:00:00.001+00'$$);
SELECT filter($$created_at > NULL$$);
SELECT filter($$created_at = 'infinity'$$);
SELECT filter($$created_at > 'infinity'$$);
SELECT filter($$created_at < '-infinity'$$);
-- bounds that are none
SELECT filter($$created_at < 'infinity'$$);
SELECT filter($$created_at > '-infinity'$$);
SELECT filter($$created_at >= '1970-01-01 00:00+00'$$);
SELECT filter($$created_at >= '1905-03-03 00:00+00'$$);
SELECT filter($$created_at < '294276-01-01 00:00+00'$$);
SELECT filter($$created_at >= '4713-01-01 00:00+00 BC'$$);
SELECT filter($$created_at > '2030-01-01 00:00+00'$$);
-- values of other types, in the session's time zone
SET timezone = 'Asia/Tokyo';
SELECT filter($$created_at >= date '2026-06-01'$$);
SELECT filter($$created_at >= timestamp '2026-06-01 08:59:59'$$);
SELECT filter($$created_at = date '2026-06-01'$$);
SELECT filter($$created_at >= '2026-06-01 08:59:59'$$);
SET timezone = 'UTC';
SELECT filter($$created_at > timestamptz '2026-06-01 00:00+00' - interval '1 hour'$$);
-- left to PostgreSQL
SELECT filter($$created_at <> '2026-06-01 00:00+00' AND created_at > '2026-05-31 23:00+00'$$);
SELECT filter($$created_at::date = '2026-05-31'$$);
SELECT filter($$created_at IN ('2026-06-01 00:00+00', '2026-05-29 00:00+00')$$);
SELECT filter($$created_at = '2026-06-01 00:00+00' OR created_at = '2026-05-29 00:00+00'$$);
SELECT filter($$created_at - interval '1 day' > '2026-05-30 23:00+00'$$);

--
-- Columns that only filter.
--
SELECT filter($$queue = 'task/chat-agent'$$);
SELECT filter($$queue IN ('email-queue', 'chat-agent')$$);
SELECT filter($$queue = 'email-queue' OR queue = 'task/chat-agent'$$);
SELECT filter($$machine = 'micro' AND queue = 'task/process-order'$$);
SELECT filter($$machine IN ('micro', 'small-1x', 'small-2x', 'medium-1x', 'medium-2x', 'large-1x', 'large-2x')$$);
SELECT filter($$batch_id = 'batch_small0000000000000002'$$);
SELECT filter($$batch_id IN ('batch_small0000000000000002', 'batch_none')$$);
SELECT filter($$schedule_id = (SELECT min(schedule_id) FROM plain.runs)$$);
SELECT filter($$bulk_action_id = 'bulk_small00000000000000001'$$);
SELECT filter($$error_id = 'error_0000000000000001' AND status = 'FAILED'$$);
SELECT filter($$error_id IN ('error_0000000000000001', 'error_0000000000000002') AND queue IN ('email-queue', 'task/always-fails')$$);
SELECT filter($$queue = NULL$$);
SELECT filter($$queue = ANY ('{}')$$);
SELECT filter($$queue = 'a' AND queue = 'b'$$);

--
-- Several at once, and values that are known only when the query runs.
--
SELECT filter($$status = 'COMPLETED' AND task_identifier = 'process-order' AND tags && '{import}'
                AND created_at >= '2026-05-01 00:00+00' AND NOT is_test AND duration_ms > 1000$$);
SELECT filter($$status = (SELECT 'FAILED') AND created_at > (SELECT min(created_at) FROM plain.runs)$$);
SELECT filter($$task_identifier = ANY (ARRAY(SELECT DISTINCT task_identifier FROM plain.runs WHERE is_failed AND status = 'FAILED'))$$);
SELECT filter($$task_identifier = ANY (ARRAY(SELECT task_identifier FROM plain.runs WHERE false))$$);
SELECT filter($$task_identifier = (SELECT task_identifier FROM plain.runs WHERE false)$$);
SELECT filter($$status = upper('failed')$$);
SELECT filter($$false$$);
SELECT filter($$status = 'FAILED' AND random() >= 0$$);
SELECT filter($$status = CASE WHEN random() >= 0 THEN 'FAILED' END$$);
SELECT filter($$task_identifier = status$$);
SELECT filter($$task_identifier = lower(task_identifier) AND status = 'FAILED'$$);

-- Parameters, with and without their values in the plan.
PREPARE p (text, text[], timestamptz, boolean) AS
    SELECT count(*) FROM prod.runs
    WHERE status = $1 AND tags && $2 AND created_at >= $3 AND is_test = $4;
PREPARE plain (text, text[], timestamptz, boolean) AS
    SELECT count(*) FROM plain.runs
    WHERE status = $1 AND tags && $2 AND created_at >= $3 AND is_test = $4;
EXECUTE plain ('COMPLETED', '{import,even}', '2026-05-01 00:00+00', false);
EXECUTE plain ('FAILED', '{even,odd}', '-infinity', false);
SET plan_cache_mode = force_custom_plan;
EXECUTE p ('COMPLETED', '{import,even}', '2026-05-01 00:00+00', false);
EXECUTE p (NULL, '{import,even}', '2026-05-01 00:00+00', false);
EXECUTE p ('COMPLETED', '{}', '2026-05-01 00:00+00', false);
SELECT requests();
SET plan_cache_mode = force_generic_plan;
EXECUTE p ('COMPLETED', '{import,even}', '2026-05-01 00:00+00', false);
EXECUTE p ('FAILED', '{even,odd}', '-infinity', false);
EXECUTE p ('COMPLETED', '{"a,b"}', '2026-05-01 00:00+00', false);
EXECUTE p (NULL, '{import,even}', '2026-05-01 00:00+00', false);
EXECUTE p ('COMPLETED', NULL, '2026-05-01 00:00+00', false);
EXECUTE p ('NO_SUCH_STATUS', '{import}', '2026-05-01 00:00+00', false);
EXECUTE p ('COMPLETED', '{import}', 'infinity', false);
SELECT requests();
-- a filter-only column whose value turns out to be one that cannot be sent
PREPARE q (text) AS SELECT count(*) FROM prod.runs WHERE queue = $1;
EXECUTE q ('email-queue');
EXECUTE q ('a,b');
EXECUTE q (NULL);
SELECT requests();
