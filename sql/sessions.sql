--
-- sessions and session_records: what is read, with which requests.
--
\pset format unaligned
\pset tuples_only on
\pset null NULL
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
CALL reset_emulator();

-- The rows that the API has, from the emulator's state.
CREATE TABLE plain.sessions (LIKE prod.sessions);
INSERT INTO plain.sessions
SELECT row->>'id', row->>'externalId', row->>'type', row->>'taskIdentifier', row->'triggerConfig',
       row->>'currentRunId', ARRAY(SELECT jsonb_array_elements_text(row->'tags')),
       nullif(row->'metadata', 'null'),
       CASE WHEN row->>'closedAt' IS NOT NULL THEN 'CLOSED'
            WHEN (row->>'expiresAt')::timestamptz < now() THEN 'EXPIRED' ELSE 'ACTIVE' END,
       (row->>'closedAt')::timestamptz, row->>'closedReason', (row->>'expiresAt')::timestamptz,
       (row->>'createdAt')::timestamptz, (row->>'updatedAt')::timestamptz
FROM emulator.call('GET', 'oracle/sessions') AS line, LATERAL (SELECT line::jsonb AS row) AS r;
SELECT status, count(*) FROM plain.sessions GROUP BY 1 ORDER BY 1;

-- Everything but the trigger configuration is in the list.
SELECT count(*) FROM (
    SELECT id, external_id, type, task_identifier, current_run_id, tags, metadata, status, closed_at,
           closed_reason, expires_at, created_at, updated_at FROM prod.sessions
    EXCEPT ALL
    SELECT id, external_id, type, task_identifier, current_run_id, tags, metadata, status, closed_at,
           closed_reason, expires_at, created_at, updated_at FROM plain.sessions) AS x;
SELECT requests();
SELECT count(*) FROM (SELECT * FROM prod.sessions EXCEPT ALL SELECT * FROM plain.sessions) AS x;
SELECT regexp_replace(r, 'session_\w+', 'session_...') AS r, count(*) FROM requests() AS r GROUP BY 1 ORDER BY 1;
EXPLAIN (COSTS OFF) SELECT id, trigger_config FROM prod.sessions WHERE type = 'other';
EXPLAIN (COSTS OFF) SELECT * FROM prod.sessions WHERE external_id = 'special/with,comma %41&=?#';

-- The cursor passes over rows and repeats others; time bounds do not.
SELECT count(*) FROM prod.sessions;
ALTER FOREIGN TABLE prod.sessions OPTIONS (ADD page_size '7');
SELECT count(*), count(DISTINCT id) FROM prod.sessions;
SELECT requests();
SELECT array_agg(created_at) = array_agg(created_at ORDER BY created_at DESC), count(*)
FROM (SELECT created_at FROM prod.sessions ORDER BY created_at DESC) AS x;
SELECT count(*) > 0 FROM requests();
-- more of one millisecond than a page holds
ALTER FOREIGN TABLE prod.sessions OPTIONS (SET page_size '2');
SELECT count(*), count(DISTINCT id) FROM prod.sessions;
SELECT r FROM requests() AS r WHERE r ~ 'after';
ALTER FOREIGN TABLE prod.sessions OPTIONS (SET page_size '1');
SELECT * FROM filter('true', 'sessions') LIMIT 1;
-- pages that are empty although there is more
ALTER FOREIGN TABLE prod.sessions OPTIONS (SET page_size '2');
SELECT * FROM filter($$status = 'ACTIVE'$$, 'sessions') LIMIT 1;
SELECT * FROM filter($$status <> 'CLOSED' AND created_at < '2026-05-25'$$, 'sessions') LIMIT 1;
ALTER FOREIGN TABLE prod.sessions OPTIONS (DROP page_size);
-- LIMIT reads no more than it must
SELECT external_id FROM prod.sessions ORDER BY created_at DESC LIMIT 3;
SELECT requests();

-- Filters: one value each, a comma is part of it.
SELECT filter($$type = 'other'$$, 'sessions');
SELECT filter($$type IN ('other', 'support')$$, 'sessions');
SELECT filter($$type IN ('other', 'support') AND task_identifier = 'chat-agent'$$, 'sessions');
SELECT filter($$type = 'a,b'$$, 'sessions');
SELECT filter($$type = ''$$, 'sessions');
SELECT filter($$'with,comma' = ANY (tags)$$, 'sessions');
SELECT filter($$tags @> '{with,comma}'$$, 'sessions');
SELECT filter($$tags @> '{comma}'$$, 'sessions');
SELECT filter($$tags && '{even,odd,"with,comma"}'$$, 'sessions');
SELECT filter($$tags && '{even,""}'$$, 'sessions');
SELECT filter($$tags && '{}'$$, 'sessions');
SELECT filter($$tags @> '{}'$$, 'sessions');
SELECT filter($$tags = '{even,user:0}'$$, 'sessions');
SELECT filter($$tags @> '{"日本 ✓"}'$$, 'sessions');
SELECT filter($$status = 'CLOSED'$$, 'sessions');
SELECT filter($$status = 'EXPIRED'$$, 'sessions');
SELECT filter($$status = 'closed'$$, 'sessions');
SELECT filter($$status IN ('ACTIVE', 'EXPIRED')$$, 'sessions');
SELECT filter($$status NOT IN ('ACTIVE', 'EXPIRED')$$, 'sessions');
SELECT filter($$status IN ('ACTIVE', 'EXPIRED', 'CLOSED')$$, 'sessions');
SELECT filter($$status = 'ACTIVE' AND status = 'CLOSED'$$, 'sessions');
SELECT filter($$status LIKE 'C%'$$, 'sessions');
SELECT filter($$created_at > '2026-05-31 12:00+00'$$, 'sessions');
SELECT filter($$created_at BETWEEN '2026-05-20 00:00+00' AND '2026-05-31 00:00:00.0005+00'$$, 'sessions');
SELECT filter($$created_at < '1970-01-01'$$, 'sessions');
SELECT filter($$created_at <= '2026-05-31 23:59:59.999+00' AND type = 'chat.agent'$$, 'sessions');
SELECT filter($$closed_reason IS NULL AND closed_at IS NOT NULL$$, 'sessions');
SELECT filter($$metadata @> '{"plan": "pro"}'$$, 'sessions');
SELECT filter($$trigger_config->'basePayload'->>'chatId' = 'c6'$$, 'sessions') LIMIT 1;

-- Look-ups by either name; an id is no external id and the other way round.
SELECT id AS exact FROM plain.sessions WHERE external_id = 'special-exact' \gset
SELECT filter(format('id = %L', :'exact'), 'sessions');
SELECT filter(format('id IN (%L, %L, %L)', :'exact', 'session_none', 'chat-000'), 'sessions');
SELECT filter($$external_id = 'special-exact'$$, 'sessions');
SELECT filter($$external_id = 'special-ünïcode 日本'$$, 'sessions');
SELECT filter($$external_id = 'special/with,comma %41&=?#'$$, 'sessions');
SELECT filter($$external_id IN ('chat-000', 'chat-003', 'none')$$, 'sessions');
SELECT filter(format('external_id = %L', :'exact'), 'sessions');
SELECT filter($$external_id = ''$$, 'sessions');
SELECT filter($$external_id = '..'$$, 'sessions');
SELECT filter($$external_id IS NULL AND type = 'other'$$, 'sessions');
SELECT filter(format($$id = %L AND external_id = 'special-exact'$$, :'exact'), 'sessions');
SELECT filter(format($$id = %L AND external_id = 'chat-000'$$, :'exact'), 'sessions');
SELECT filter(format($$id = %L AND status = 'CLOSED'$$, :'exact'), 'sessions');
SELECT request_targets() WHERE false;
SELECT count(id) FROM prod.sessions WHERE external_id = 'special/with,comma %41&=?#';
SELECT request_targets();
SELECT e, status FROM (VALUES ('special-exact'), ('special-closed'), ('none')) AS v (e)
LEFT JOIN prod.sessions ON external_id = e ORDER BY 1;
SELECT requests();
SELECT metadata, trigger_config FROM prod.sessions WHERE external_id = 'special-exact';
-- what only INSERT tells
SELECT count(run_id), count(public_access_token), count(is_cached) FROM prod.sessions;
SELECT failure($$SELECT id FROM prod.sessions WHERE run_id = 'run_x'$$);
SELECT failure($$SELECT id FROM prod.sessions WHERE is_cached$$);
SELECT count(*) FROM requests();

--
-- session_records
--
CREATE TABLE plain.session_records (LIKE prod.session_records);
INSERT INTO plain.session_records
SELECT s.session, s.io, (row->>'seqNum')::bigint, row->>'id', row->'data', row->'headers', row->>'id'
FROM (VALUES ('special-records', 'in'), ('special-records', 'out'), ('special-many', 'out'),
             ('special-large', 'in')) AS s (session, io),
     emulator.call('GET', format('oracle/session_records?session=%s&io=%s', s.session, s.io)) AS line,
     LATERAL (SELECT line::jsonb AS row) AS r
WHERE NOT (row->'_'->>'command')::boolean;
SELECT session, io, count(*) FROM plain.session_records GROUP BY 1, 2 ORDER BY 1, 2;
SELECT session, io, seq_num, id, data, headers, part_id FROM prod.session_records
WHERE session = 'special-records' AND io = 'in';
SELECT requests();
SELECT io, seq_num, data, headers FROM prod.session_records
WHERE session = 'special-records' AND io IN ('in', 'out') AND seq_num > 4 ORDER BY 1, 2;
SELECT requests();
-- exact, as a plain table with the same rows
SELECT s.session, s.io, count(f.*), count(*) FILTER (WHERE f.data IS DISTINCT FROM p.data) AS wrong
FROM (VALUES ('special-records', 'in'), ('special-many', 'out'), ('special-large', 'in')) AS s (session, io)
CROSS JOIN LATERAL (SELECT * FROM plain.session_records p WHERE p.session = s.session AND p.io = s.io) AS p
LEFT JOIN prod.session_records f ON f.session = s.session AND f.io = s.io AND f.seq_num = p.seq_num
GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) > 0 FROM requests();
SELECT length(data #>> '{}') FROM prod.session_records WHERE session = 'special-large' AND io = 'in';
SELECT requests();
-- a server that gives them out in parts
CALL emulator_settings('{"records_page": 100}');
SELECT count(*), count(DISTINCT seq_num), max(seq_num) FROM prod.session_records
WHERE session = 'special-many' AND io = 'out';
SELECT requests();
SELECT count(*) FROM prod.session_records WHERE session = 'special-many' AND io = 'out' AND seq_num >= 240;
SELECT count(*) FROM prod.session_records WHERE session = 'special-many' AND io = 'out' AND seq_num = 17;
SELECT count(*) FROM prod.session_records WHERE session = 'special-many' AND io = 'out' AND seq_num > 100 AND seq_num > 200;
SELECT count(*) FROM prod.session_records WHERE session = 'special-many' AND io = 'out' AND seq_num > -5;
SELECT count(*) FROM prod.session_records WHERE session = 'special-many' AND io = 'out' AND seq_num > 249;
SELECT count(*) FROM prod.session_records WHERE session = 'special-many' AND io = 'out' AND seq_num > NULL;
SELECT requests();
SELECT seq_num FROM prod.session_records WHERE session = 'special-many' AND io = 'out' LIMIT 3;
SELECT requests();
CALL emulator_settings('{"records_page": null}');
PREPARE later (text, bigint) AS
    SELECT count(*) FROM prod.session_records WHERE session = $1 AND io = 'out' AND seq_num > $2;
SET plan_cache_mode = force_generic_plan;
EXECUTE later ('special-many', 200);
EXECUTE later ('special-records', 2);
EXECUTE later (NULL, 2);
EXPLAIN (COSTS OFF) EXECUTE later ('special-many', 200);
RESET plan_cache_mode;
SELECT requests();
-- both names of a session; one that is not there
SELECT id AS many FROM plain.sessions WHERE external_id = 'special-many' \gset
SELECT count(*) FROM prod.session_records WHERE session = :'many' AND io = 'out';
SELECT count(*) FROM prod.session_records WHERE session = 'none' AND io = 'out';
SELECT failure($$SELECT count(*) FROM prod.session_records WHERE session = 'session_none' AND io = 'out'$$);
SELECT count(*) FROM prod.session_records WHERE session = 'x' AND io = 'sideways';
SELECT requests();
-- names with everything in them
SELECT count(*) FROM prod.session_records WHERE session = 'special/with,comma %41&=?#' AND io IN ('in', 'out');
SELECT request_targets();
-- joins
SELECT s.external_id, count(r.seq_num) FROM prod.sessions s
JOIN prod.session_records r ON r.session = s.id AND io = 'out'
WHERE s.tags && '{special:records,special:many}' GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM requests();
SELECT s.external_id, n FROM prod.sessions s,
    LATERAL (SELECT count(*) AS n FROM prod.session_records r WHERE r.session = s.id AND r.io = 'out') AS x
WHERE s.tags && '{special:records,special:many}' ORDER BY 1;
SELECT count(*) FROM requests();
-- what must be given
SELECT failure('SELECT * FROM prod.session_records');
SELECT failure($$SELECT * FROM prod.session_records WHERE session = 'x'$$);
SELECT failure($$SELECT * FROM prod.session_records WHERE io = 'in'$$);
SELECT failure($$SELECT * FROM prod.session_records WHERE session LIKE 'x%' AND io = 'in'$$);
SELECT failure($$SELECT * FROM prod.session_records WHERE session = 'x' AND io = 'in' AND session <> 'y'$$);
SELECT failure($$SELECT * FROM prod.session_records WHERE session = '..' AND io = 'in'$$);
SELECT failure($$SELECT * FROM prod.session_records WHERE session = '' AND io = 'in'$$);
SELECT requests();
