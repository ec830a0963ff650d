--
-- Writes of sessions and their records: a start is an action that is not done
-- twice, a close is final, an append keeps every byte.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/writes_helpers.sql'
\i :helpers
\set ECHO all
CALL reset_emulator();
CREATE FUNCTION pg_temp.session(name text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT format('%s | %s | %s | %s | %s | %s', s->>'type', s->>'taskIdentifier', s->'tags', s->'metadata', s->'triggerConfig',
                  coalesce(s->>'closedReason', '-'))
    FROM pg_temp.api('sessions') AS s WHERE s->>'externalId' = name OR s->>'id' = name $$;
CREATE FUNCTION pg_temp.records(name text, io text) RETURNS SETOF text LANGUAGE sql VOLATILE AS $$
    SELECT line::jsonb->>'data' FROM emulator.call('GET', format('oracle/session_records?session=%s&io=%s', name, io)) AS line $$;
\set mask 'session_\\w+'

--
-- INSERT starts
--
INSERT INTO prod.sessions (external_id, type, task_identifier, tags, metadata, trigger_config, expires_at)
    VALUES ('new-1', 'chat.agent', 'chat-agent', '{"a,b",ü}', '{"exact": 18446744073709551616}',
            '{"basePayload": {"chatId": "c"}, "machine": "small-1x", "maxAttempts": 2}', '2999-01-01 00:00:00.123456+00')
    RETURNING id LIKE 'session_%', external_id, type, task_identifier, tags, metadata, trigger_config, status,
              expires_at, closed_at, run_id LIKE 'run_%', run_id = current_run_id, public_access_token LIKE 'ey%.%.%', is_cached;
SELECT pg_temp.bodies();
SELECT pg_temp.session('new-1');
SELECT pg_temp.change_counts();
-- the least that can be said
INSERT INTO prod.sessions (type, task_identifier) VALUES ('chat.agent', 'chat-agent') RETURNING external_id, trigger_config, is_cached;
SELECT pg_temp.bodies();
-- one that is there goes on: with the new configuration and nothing else
INSERT INTO prod.sessions (external_id, type, task_identifier, tags, trigger_config)
    VALUES ('new-1', 'other', 'chat-agent', '{c}', '{"basePayload": {"again": true}}') RETURNING type, tags, trigger_config, is_cached;
SELECT pg_temp.did($$INSERT INTO prod.sessions (external_id, type, task_identifier) VALUES ('new-1', 'chat.agent', 'chat-agent')$$);
SELECT pg_temp.did($$INSERT INTO prod.sessions (external_id, type, task_identifier) SELECT 'many-' || n, 'chat.agent', 'chat-agent' FROM generate_series(1, 3) AS n$$);
-- DO NOTHING does nothing, to the configuration either
SELECT pg_temp.session('new-1');
SELECT pg_temp.did($$INSERT INTO prod.sessions (external_id, type, task_identifier, trigger_config) VALUES
    ('new-1', 'chat.agent', 'chat-agent', '{"basePayload": {"no": 1}}'), ('new-2', 'chat.agent', 'chat-agent', NULL),
    ('new-2', 'chat.agent', 'chat-agent', NULL) ON CONFLICT DO NOTHING$$);
SELECT pg_temp.session('new-1');
-- closed ones stay closed; it is not tried again
ALTER SERVER prod OPTIONS (SET max_retries '2');
SELECT pg_temp.did($$INSERT INTO prod.sessions (external_id, type, task_identifier) VALUES ('special-closed', 'chat.agent', 'chat-agent')$$);
SELECT count(*) > 0 FROM pg_temp.change_counts();
-- a lost answer: with an external id it is repeated, and one session made
CALL faults('{"match": {"path_regex": "sessions$", "method": "POST"}, "action": {"kind": "reset_after"}}');
INSERT INTO prod.sessions (external_id, type, task_identifier) VALUES ('lost-1', 'chat.agent', 'chat-agent') RETURNING external_id, is_cached;
SELECT pg_temp.change_counts();
-- without one it is not
CALL faults('{"match": {"path_regex": "sessions$", "method": "POST"}, "action": {"kind": "reset_after"}}');
SELECT pg_temp.did($$INSERT INTO prod.sessions (type, task_identifier) VALUES ('chat.agent', 'chat-agent')$$);
SELECT pg_temp.change_counts();
CALL faults();
ALTER SERVER prod OPTIONS (SET max_retries '0');
-- what is refused before any call
SELECT pg_temp.did(s) FROM unnest(ARRAY[
    $$INSERT INTO prod.sessions (type) VALUES ('chat.agent')$$,
    $$INSERT INTO prod.sessions (task_identifier) VALUES ('chat-agent')$$,
    $$INSERT INTO prod.sessions (type, task_identifier) VALUES ('', 'chat-agent')$$,
    $$INSERT INTO prod.sessions (type, task_identifier) VALUES (repeat('x', 65), 'chat-agent')$$,
    $$INSERT INTO prod.sessions (external_id, type, task_identifier) VALUES ('session_x', 'chat.agent', 'chat-agent')$$,
    $$INSERT INTO prod.sessions (external_id, type, task_identifier) VALUES ('..', 'chat.agent', 'chat-agent')$$,
    $$INSERT INTO prod.sessions (external_id, type, task_identifier) VALUES (' ', 'chat.agent', 'chat-agent')$$,
    $$INSERT INTO prod.sessions (external_id, type, task_identifier) VALUES (repeat('ü', 257), 'chat.agent', 'chat-agent')$$,
    $$INSERT INTO prod.sessions (type, task_identifier, expires_at) VALUES ('chat.agent', 'chat-agent', '2020-01-01')$$,
    $$INSERT INTO prod.sessions (type, task_identifier, metadata) VALUES ('chat.agent', 'chat-agent', '[1]')$$,
    $$INSERT INTO prod.sessions (type, task_identifier, trigger_config) VALUES ('chat.agent', 'chat-agent', '"x"')$$,
    $$INSERT INTO prod.sessions (type, task_identifier, tags) VALUES ('chat.agent', 'chat-agent', '{1,2,3,4,5,6,7,8,9,10,11}')$$,
    $$INSERT INTO prod.sessions (type, task_identifier, status) VALUES ('chat.agent', 'chat-agent', 'CLOSED')$$,
    $$INSERT INTO prod.sessions (id, type, task_identifier) VALUES ('session_x', 'chat.agent', 'chat-agent')$$]) AS s;
-- what the API refuses
SELECT pg_temp.did($$INSERT INTO prod.sessions (type, task_identifier, trigger_config) VALUES ('chat.agent', 'chat-agent', '{"maxAttempts": 99}')$$);
SELECT pg_temp.did($$INSERT INTO prod.sessions (type, task_identifier, metadata) VALUES ('chat.agent', 'chat-agent', jsonb_build_object('x', repeat('x', 33000)))$$);

--
-- UPDATE
--
UPDATE prod.sessions SET tags = tags || '{z}', metadata = metadata || '{"more": 0.10}' WHERE external_id = 'new-1' RETURNING tags, metadata, trigger_config;
SELECT pg_temp.bodies();
SELECT pg_temp.did($$UPDATE prod.sessions SET metadata = NULL WHERE external_id = 'new-1'$$, :'mask');
SELECT pg_temp.did($$UPDATE prod.sessions SET tags = '{}' WHERE external_id = 'new-1'$$, :'mask');
SELECT pg_temp.session('new-1');
-- nothing to change: nothing is sent
SELECT pg_temp.did($$UPDATE prod.sessions SET tags = '{}', metadata = NULL WHERE external_id = 'new-1'$$, :'mask');
SELECT pg_temp.did($$UPDATE prod.sessions SET closed_reason = closed_reason WHERE external_id IN ('new-1', 'special-closed')$$, :'mask');
SELECT pg_temp.did($$UPDATE prod.sessions SET tags = '{x}' WHERE external_id = 'none'$$);
-- several at once, while the list is read
SELECT pg_temp.did($$UPDATE prod.sessions SET tags = tags || '{touched}' WHERE external_id LIKE 'many-%'$$, :'mask');
SELECT count(*) FROM pg_temp.api('sessions') AS s WHERE s->'tags' ? 'touched';
-- a lost answer
ALTER SERVER prod OPTIONS (SET max_retries '1');
CALL faults('{"match": {"method": "PATCH"}, "action": {"kind": "reset_after"}}');
SELECT pg_temp.did($$UPDATE prod.sessions SET tags = '{kept}' WHERE external_id = 'new-1'$$, :'mask');
ALTER SERVER prod OPTIONS (SET max_retries '0');
CALL faults();
-- closing: the first reason stays
UPDATE prod.sessions SET closed_reason = 'done "ü"', tags = '{last}' WHERE external_id = 'new-1' RETURNING status, closed_reason, closed_at IS NOT NULL, tags;
SELECT pg_temp.bodies();
SELECT pg_temp.did($$UPDATE prod.sessions SET closed_reason = 'other' WHERE external_id = 'new-1'$$, :'mask');
SELECT pg_temp.did($$UPDATE prod.sessions SET closed_at = now() WHERE external_id = 'new-1'$$, :'mask');
UPDATE prod.sessions SET closed_at = now() WHERE external_id = 'many-1' RETURNING status, closed_reason;
-- tags of one that is closed can change
SELECT pg_temp.did($$UPDATE prod.sessions SET tags = '{late}' WHERE external_id = 'new-1'$$, :'mask');
-- a row that is gone
CALL faults('{"match": {"method": "PATCH"}, "action": {"kind": "status", "status": 404, "body": "{\"error\":\"Session not found\"}"}}');
SELECT pg_temp.did($$UPDATE prod.sessions SET tags = '{x}' WHERE external_id = 'new-1'$$, :'mask');
CALL faults();
SELECT pg_temp.did(s, :'mask') FROM unnest(ARRAY[
    $$UPDATE prod.sessions SET closed_at = NULL WHERE external_id = 'new-1'$$,
    $$UPDATE prod.sessions SET closed_reason = repeat('x', 257) WHERE external_id = 'many-2'$$,
    $$UPDATE prod.sessions SET metadata = '[]' WHERE external_id = 'many-2'$$,
    $$UPDATE prod.sessions SET external_id = 'x' WHERE external_id = 'many-2'$$,
    $$UPDATE prod.sessions SET status = 'CLOSED' WHERE external_id = 'many-2'$$,
    $$UPDATE prod.sessions SET type = 'x'$$,
    $$DELETE FROM prod.sessions WHERE external_id = 'many-2'$$]) AS s;

--
-- session_records: INSERT appends
--
SELECT id AS two FROM prod.sessions WHERE external_id = 'many-2' \gset
INSERT INTO prod.session_records (session, io, data) VALUES
    ('many-2', 'in', '"plain ü 😀\n\u0001\""'), ('many-2', 'in', '{"a":   18446744073709551616}'), (:'two', 'out', '"out"'),
    ('many-2', 'in', '""'), ('many-2', 'in', 'null') RETURNING io, seq_num, data, part_id LIKE 'trigger_fdw_%', id = part_id;
SELECT pg_temp.bodies();
SELECT pg_temp.records('many-2', 'in');
SELECT io, seq_num, data FROM prod.session_records WHERE session = 'many-2' AND io IN ('in', 'out') ORDER BY 1, 2;
-- a part id is appended once
INSERT INTO prod.session_records (session, io, data, part_id) VALUES ('many-2', 'in', '"one"', 'part-1'), ('many-2', 'in', '"two"', 'part-1') RETURNING seq_num, data;
SELECT pg_temp.did($$INSERT INTO prod.session_records (session, io, data, part_id) VALUES ('many-2', 'in', '"three"', 'part-1') ON CONFLICT DO NOTHING$$);
SELECT request_headers('x-part-id') WHERE false;
-- a lost answer
ALTER SERVER prod OPTIONS (SET max_retries '1');
CALL faults('{"match": {"path_regex": "append$"}, "action": {"kind": "reset_after"}}');
SELECT pg_temp.did($$INSERT INTO prod.session_records (session, io, data) VALUES ('many-2', 'in', '"lost"')$$);
CALL faults('{"match": {"path_regex": "append$"}, "action": {"kind": "reset_after"}}');
SELECT pg_temp.did($$INSERT INTO prod.session_records (session, io, data, part_id) VALUES ('many-2', 'in', '"lost too"', 'part-2')$$);
ALTER SERVER prod OPTIONS (ADD idempotent_inserts 'false');
CALL faults('{"match": {"path_regex": "append$"}, "action": {"kind": "reset_after"}}');
SELECT pg_temp.did($$INSERT INTO prod.session_records (session, io, data) VALUES ('many-2', 'in', '"unknown"')$$);
CALL faults();
ALTER SERVER prod OPTIONS (DROP idempotent_inserts);
ALTER SERVER prod OPTIONS (SET max_retries '0');
SELECT pg_temp.records('many-2', 'in') OFFSET 5;
-- the largest, and exact
INSERT INTO prod.session_records (session, io, data) VALUES ('many-3', 'in', to_jsonb(repeat('😀', 262000))) RETURNING seq_num;
SELECT seq_num, md5(data #>> '{}') = md5(repeat('😀', 262000)) FROM prod.session_records WHERE session = 'many-3' AND io = 'in';
SELECT pg_temp.did($$INSERT INTO prod.session_records (session, io, data) VALUES ('many-3', 'in', to_jsonb(repeat('x', 1048576)))$$);
SELECT pg_temp.did(s) FROM unnest(ARRAY[
    $$INSERT INTO prod.session_records (session, io, data) VALUES ('many-3', 'in', to_jsonb(repeat('x', 1048577)))$$,
    $$INSERT INTO prod.session_records (session, io, data) VALUES ('new-1', 'in', '"late"')$$,
    $$INSERT INTO prod.session_records (session, io, data) VALUES ('none', 'in', '1')$$,
    $$INSERT INTO prod.session_records (session, io, data) VALUES ('many-3', 'sideways', '1')$$,
    $$INSERT INTO prod.session_records (session, io) VALUES ('many-3', 'in')$$,
    $$INSERT INTO prod.session_records (io, data) VALUES ('in', '1')$$,
    $$INSERT INTO prod.session_records (session, data) VALUES ('many-3', '1')$$,
    $$INSERT INTO prod.session_records (session, io, data) VALUES ('..', 'in', '1')$$,
    $$INSERT INTO prod.session_records (session, io, data, part_id) VALUES ('many-3', 'in', '1', E'x\r\nX-Evil: 1')$$,
    $$INSERT INTO prod.session_records (session, io, data, part_id) VALUES ('many-3', 'in', '1', '')$$,
    $$INSERT INTO prod.session_records (session, io, data, part_id) VALUES ('many-3', 'in', '1', 'ü')$$,
    $$INSERT INTO prod.session_records (session, io, data, seq_num) VALUES ('many-3', 'in', '1', 7)$$,
    $$UPDATE prod.session_records SET data = '1' WHERE session = 'many-3' AND io = 'in'$$,
    $$DELETE FROM prod.session_records WHERE session = 'many-3' AND io = 'in'$$]) AS s;
-- rows before the one that fails
SELECT pg_temp.did($$INSERT INTO prod.session_records (session, io, data) VALUES ('many-3', 'in', '"first"'), ('none', 'in', '"second"')$$);
-- a session name with everything in it
INSERT INTO prod.session_records (session, io, data) VALUES ('special/with,comma %41&=?#', 'in', '"found"');
SELECT request_targets() AS t OFFSET 0;
SELECT data FROM prod.session_records WHERE session = 'special/with,comma %41&=?#' AND io = 'in';

--
-- A session's own token
--
INSERT INTO prod.sessions (external_id, type, task_identifier) VALUES ('own', 'chat.agent', 'chat-agent') RETURNING id AS own, public_access_token AS token \gset
\set ECHO none
SELECT set_config('trigger_fdw.access_token', :'token', false) <> '';
\set ECHO all
SELECT count(*) > 0 FROM requests();
SELECT external_id, status FROM prod.sessions WHERE id = :'own';
SELECT external_id, status FROM prod.sessions WHERE external_id = 'own';
SELECT failure($$SELECT id FROM prod.sessions WHERE external_id = 'many-2'$$);
SELECT failure('SELECT id FROM prod.sessions');
SELECT count(*) > 0 FROM requests();
INSERT INTO prod.session_records (session, io, data) VALUES ('own', 'in', '"by token"') RETURNING seq_num;
SELECT data FROM prod.session_records WHERE session = :'own' AND io = 'in';
SELECT pg_temp.did(s, :'mask') FROM unnest(ARRAY[
    $$INSERT INTO prod.session_records (session, io, data) VALUES ('own', 'out', '1')$$,
    $$INSERT INTO prod.session_records (session, io, data) VALUES ('own', 'in', '1'), ('own', 'out', '1')$$,
    $$UPDATE prod.sessions SET tags = '{x}' WHERE external_id = 'own'$$,
    $$UPDATE prod.sessions SET closed_reason = 'x' WHERE external_id = 'own'$$,
    $$INSERT INTO prod.session_records (session, io, data) VALUES ('many-2', 'in', '1')$$,
    $$INSERT INTO prod.sessions (external_id, type, task_identifier) VALUES ('own', 'chat.agent', 'chat-agent')$$]) AS s;
RESET trigger_fdw.access_token;
