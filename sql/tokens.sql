--
-- Public access tokens: what they say, who signs them, what is refused.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/writes_helpers.sql'
\i :helpers
\set ECHO all
SET client_min_messages = warning;
CALL reset_emulator();

-- One part of a token as text.
CREATE FUNCTION pg_temp.part(token text, n integer) RETURNS text LANGUAGE sql AS $$
    SELECT convert_from(decode(translate(p, '-_', '+/') || repeat('=', -length(p) & 3), 'base64'), 'UTF8')
    FROM split_part(token, '.', n) AS p
$$;

-- HMAC-SHA-256 (RFC 2104), for keys of at most 64 bytes.
CREATE FUNCTION pg_temp.hmac(key bytea, message bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    inner_pad bytea := decode(repeat('36', 64), 'hex');
    outer_pad bytea := decode(repeat('5c', 64), 'hex');
BEGIN
    FOR i IN 0 .. length(key) - 1 LOOP
        inner_pad := set_byte(inner_pad, i, get_byte(inner_pad, i) # get_byte(key, i));
        outer_pad := set_byte(outer_pad, i, get_byte(outer_pad, i) # get_byte(key, i));
    END LOOP;
    RETURN sha256(outer_pad || sha256(inner_pad || message));
END
$$;

-- Did this key sign the token?
CREATE FUNCTION pg_temp.signed_by(token text, key text) RETURNS boolean LANGUAGE sql AS $$
    SELECT split_part(token, '.', 3) =
        translate(encode(pg_temp.hmac(convert_to(key, 'UTF8'),
            convert_to(split_part(token, '.', 1) || '.' || split_part(token, '.', 2), 'UTF8')), 'base64'), '+/=', '-_')
$$;

-- The claims, with times that the clock decides as "now" and what follows.
CREATE FUNCTION pg_temp.claims(token text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(p, '"exp":\d+,"iat":\d+',
        format('"exp":now%s,"iat":%s', to_char(exp - iat, 'FMSG9999999999'),
               CASE WHEN abs(iat - extract(epoch FROM clock_timestamp())) < 20 THEN 'now' ELSE iat::text END))
    FROM pg_temp.part(token, 2) AS p,
         LATERAL (SELECT (p::jsonb->>'exp')::bigint AS exp, (p::jsonb->>'iat')::bigint AS iat) AS t
$$;

-- What becomes of an expiration time.
CREATE FUNCTION pg_temp.expiry(expiration_time text) RETURNS text LANGUAGE sql AS $$
    SELECT substring(pg_temp.claims(trigger_create_public_token('prod', '{"read": {"runs": true}}', expiration_time)), '"exp":now(.*),')
$$;
CREATE FUNCTION pg_temp.no_expiry(expiration_time text) RETURNS text LANGUAGE sql AS $$
    SELECT failure(format('SELECT trigger_create_public_token(%L, %L, %L)', 'prod', '{"read": {"runs": true}}', expiration_time))
$$;

-- What becomes of scopes.
CREATE FUNCTION pg_temp.scopes(scopes jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.part(trigger_create_public_token('prod', scopes), 2)::jsonb->>'scopes'
$$;
CREATE FUNCTION pg_temp.no_scopes(scopes jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT failure(format('SELECT trigger_create_public_token(%L, %L)', 'prod', scopes))
$$;

--
-- A root key signs
--
SELECT trigger_create_public_token('prod', '{"read": {"runs": ["run_1234"], "tags": "user:42"}}') AS token \gset
SELECT pg_temp.did($$SELECT trigger_create_public_token('prod', '{"read": {"runs": ["run_1234"]}}')$$);
SELECT pg_temp.bodies();
SELECT pg_temp.part(:'token', 1);
SELECT pg_temp.claims(:'token');
SELECT :'token' ~ '^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$';
SELECT pg_temp.signed_by(:'token', 'tr_prod_AlphaProdRootKey00000001'), pg_temp.signed_by(:'token', 'tr_stg_AlphaStagingRootKey00002');
-- the same HMAC, of RFC 4231's second case
SELECT encode(pg_temp.hmac('Jefe', 'what do ya want for nothing?'), 'hex');
SELECT pg_temp.claims(trigger_create_public_token('prod', '{"read": {"runs": true}}', '2h', '{"skipColumns": ["payload", "a\"\\\u0001é"]}'));
SELECT pg_temp.claims(trigger_create_public_token('prod', '{"read": {"runs": true}}', realtime => '{}'));
SELECT pg_temp.claims(trigger_create_trigger_token('prod', '{process-order}'));
SELECT pg_temp.claims(trigger_create_trigger_token('prod', '{a,b:c}', true, '1 day', '{"skipColumns": []}'));
SELECT pg_temp.claims(trigger_create_trigger_token('prod', '{a}', NULL));
SELECT pg_temp.claims(trigger_create_batch_trigger_token('prod', ARRAY['a', 'b"\'], expiration_time => '90s'));
SELECT pg_temp.claims(trigger_create_batch_trigger_token('prod', '{}', true));
-- 256 times, so that the signature has all letters and any padding would show
SELECT bool_and(pg_temp.signed_by(t, 'tr_prod_AlphaProdRootKey00000001') AND pg_temp.scopes = (pg_temp.part(t, 2)::jsonb->>'scopes'))
FROM (SELECT format('["read:tags:%s"]', repeat('x', n)) AS scopes,
             trigger_create_public_token('prod', jsonb_build_object('read', jsonb_build_object('tags', repeat('x', n)))) AS t
      FROM generate_series(1, 256) AS n) AS pg_temp;
-- NULL
SELECT trigger_create_public_token(NULL, '{}'), trigger_create_public_token('prod', NULL),
       trigger_create_trigger_token(NULL, '{}'), trigger_create_trigger_token('prod', NULL),
       trigger_create_batch_trigger_token(NULL, '{}'), trigger_create_batch_trigger_token('prod', NULL);
-- whatever else the server wants in a token
SELECT emulator.call('DELETE', 'requests');
CALL faults('{"kind": "body", "body": "{\"sub\": \"env_1\", \"pub\":true,\"realtime\":1,\"act\":{\"n\":1.50},\"scopes\":[],\"x\\u0022\":\"\\u00e9\"}"}');
SELECT pg_temp.claims(trigger_create_public_token('prod', '{"read": {"runs": true}}'));
CALL faults('{"kind": "body", "body": "{\"pub\":true}"}');
SELECT failure($$SELECT trigger_create_public_token('prod', '{}')$$);
CALL faults('{"kind": "body", "body": "[]"}');
SELECT failure($$SELECT trigger_create_public_token('prod', '{}')$$);
CALL faults('{"kind": "status", "status": 401, "body": "{\"error\":\"Invalid or Missing API key\"}"}');
SELECT failure($$SELECT trigger_create_public_token('prod', '{}')$$);
CALL faults();

--
-- Scopes
--
SELECT pg_temp.scopes('{"read": {"runs": ["run_1", "run_2"], "tags": "a:b:c", "sessions": true, "batch": "b", "tasks": ["t"], "waitpoints": "w", "queues": true, "deployments": true}, "write": {"inputStreams": "run_1", "sessions": "s"}, "admin": true}');
SELECT pg_temp.scopes('{"read": {"runs": false, "tags": [], "batch": null}, "write": {}, "trigger": false, "admin": null}');
SELECT pg_temp.scopes('{"write": true, "read": {"anything": " x "}}');
SELECT pg_temp.scopes('{"b": true, "10": true, "9": true, "01": true, "4294967295": true, "4294967294": true}');
SELECT pg_temp.scopes('{}');
SELECT pg_temp.no_scopes(s::jsonb) FROM unnest(ARRAY['null', '[]', '"read:runs"', '{"read": "runs"}', '{"read": ["runs"]}', '{"read": 1}', '{"read": {"runs": 1}}', '{"read": {"runs": {"id": "run_1"}}}', '{"read": {"runs": ["run_1", 2]}}', '{"read": {"runs": [null]}}', '{"read": {"runs": [["run_1"]]}}', '{"read": {"runs": ""}}', '{"read": {"runs": ["run_1", "  "]}}']) AS s;
SELECT failure(format('SELECT trigger_create_trigger_token(%L, %L)', 'prod', t)) FROM unnest(ARRAY['{a,NULL}', '{{a,b},{c,d}}', '{" "}']) AS t;
SELECT failure(format('SELECT trigger_create_trigger_token(%L, %L, realtime => %L)', 'prod', '{a}', r)) FROM unnest(ARRAY['null', '[]', '{"skipColumns": "payload"}', '{"skipColumns": [1]}', '{"skipColumns": [], "more": 1}', '{"skipColumns": [], "skipOtherColumns": []}', '{"columns": []}']) AS r;

--
-- Expiry
--
SELECT t, pg_temp.expiry(t) FROM unnest(ARRAY['1s', '1.5 sec', '1.4secs', '90 seconds', ' 15m', '+1 m', '+ 1 m', '2 MIN', '1 Minute from now', '0.5h', '2 hrs', '1 day', '3d', '1 week FROM NOW', '1y', '2 Years', '1.0001yr']) AS t;
SELECT pg_temp.part(trigger_create_public_token('prod', '{}', t), 2)::jsonb->'exp' FROM unnest(ARRAY['4102444800', '2100-01-01', '2100-01-01T00:00:00.999Z', '2099-12-31 23:00:00-01', 'Jan 1 00:00:00 2100 UTC', '20991231T235959.999999', '9007199254740991', '294276-12-31 23:59:59.999999+00']) AS t;
SET timezone = 'America/New_York';
SELECT pg_temp.part(trigger_create_public_token('prod', '{}', '2099-12-31 19:00'), 2)::jsonb->'exp';
SET timezone = 'UTC';
SELECT pg_temp.expiry('tomorrow')::integer BETWEEN 1 AND 86400;
SELECT pg_temp.no_expiry(t) FROM unnest(ARRAY['', 'soon', '15', '15 m ', '1.m', '.5m', '1e3 s', '5m later', '+1 h ago', '-1 h from now', '1h30m', '-5m', '5m ago', '0s', '0.4s', '1700000000', 'now', 'yesterday', '2020-01-01', '1970-01-01 00:00:00-05', '0', 'infinity', '-infinity', '9007199254740992', repeat('9', 400), repeat('9', 400) || 'y', '2100-13-01']) AS t;
-- an hour for sessions
SELECT s, substring(pg_temp.claims(trigger_create_public_token('prod', s::jsonb)), '"exp":now[^,]*') FROM unnest(ARRAY['{"read": {"sessions": true}}', '{"write": {"runs": "r", "sessions": ["s", "t"]}}', '{"read": {"sessions": []}}', '{"read": {"session": "s", "sessionsX": "sessions"}}', '{"sessions": true}']) AS s;
SELECT pg_temp.claims(trigger_create_public_token('prod', '{"read": {"sessions": true}}', '15m'));
-- what is clearly over is refused without asking
SELECT emulator.call('DELETE', 'requests');
SELECT pg_temp.no_expiry('-1s') IS NOT NULL, pg_temp.no_expiry('1700000000') IS NOT NULL;
SELECT requests();

--
-- Clocks
--
-- the server's, if they differ much
CALL emulator_settings('{"clock_skew_ms": 7200000}');
SELECT (c->>'iat')::bigint - floor(extract(epoch FROM clock_timestamp())) BETWEEN 7140 AND 7201, (c->>'exp')::bigint - (c->>'iat')::bigint
FROM pg_temp.part(trigger_create_public_token('prod', '{}'), 2) AS t, CAST(t AS jsonb) AS c;
-- what lies between the clocks has passed
SELECT regexp_replace(failure(format('SELECT trigger_create_public_token(%L, %L, %L)', 'prod', '{}', clock_timestamp() + '1 hour')), '"2.*"', '"..."');
CALL emulator_settings('{"clock_skew_ms": -7200000}');
SELECT (c->>'iat')::bigint - floor(extract(epoch FROM clock_timestamp())) BETWEEN -7260 AND -7199, (c->>'exp')::bigint - (c->>'iat')::bigint BETWEEN 3540 AND 3660
FROM pg_temp.part(trigger_create_public_token('prod', '{}', (clock_timestamp() - interval '1 hour')::text), 2) AS t, CAST(t AS jsonb) AS c;
CALL emulator_settings('{"clock_skew_ms": 25000}');
SELECT (c->>'iat')::bigint - floor(extract(epoch FROM clock_timestamp())) BETWEEN -20 AND 0
FROM pg_temp.part(trigger_create_public_token('prod', '{}'), 2) AS t, CAST(t AS jsonb) AS c;
CALL emulator_settings('{"clock_skew_ms": 0}');

--
-- The server mints for additional keys
--
CALL create_server('sk', $$secret_key 'tr_prod_sk_AlphaAdditionalFull00001'$$, $$max_retries '0'$$);
CALL create_server('sk_read', $$secret_key 'tr_prod_sk_AlphaAdditionalRead00002'$$, $$max_retries '0'$$);
SELECT pg_temp.did($$SELECT trigger_create_public_token('sk', '{"read": {"runs": ["run_1234"], "tags": "é\""}}')$$);
SELECT pg_temp.claims(trigger_create_public_token('sk', '{"read": {"runs": ["run_1234"]}}'));
SELECT pg_temp.signed_by(trigger_create_public_token('sk', '{"read": {"runs": true}}'), 'tr_prod_AlphaProdRootKey00000001');
SELECT pg_temp.claims(trigger_create_public_token('sk', '{"read": {"sessions": true}}'));
SELECT pg_temp.claims(trigger_create_trigger_token('sk', '{a,b}', false, '30 days', '{"skipColumns": ["payload"]}'));
SELECT pg_temp.claims(trigger_create_batch_trigger_token('sk', '{a}', true));
SELECT emulator.call('DELETE', 'requests');
SELECT length(trigger_create_public_token('sk', '{"read": {"tags": "x"}}')) > 0,
       length(trigger_create_public_token('sk', '{"read": {"tags": "x"}}', '1 DAY from now')) > 0,
       length(trigger_create_public_token('sk', '{"read": {"tags": "x"}}', 'tomorrow')) > 0,
       length(trigger_create_public_token('sk', '{"read": {"sessions": "x"}}')) > 0,
       length(trigger_create_public_token('sk', '{"read": {"tags": "x"}}', realtime => '{"skipColumns": ["output"]}')) > 0,
       length(trigger_create_trigger_token('sk', '{a}', expiration_time => '5m', realtime => '{}')) > 0,
       length(trigger_create_batch_trigger_token('sk', '{a}', true)) > 0;
SELECT regexp_replace(b, '(expirationTime":)\d+', '\1<seconds>') FROM pg_temp.bodies() AS b;
-- a span begins by the server's clock
CALL emulator_settings('{"clock_skew_ms": 7200000}');
SELECT (c->>'exp')::bigint - floor(extract(epoch FROM clock_timestamp())) BETWEEN 7200 AND 7261
FROM pg_temp.part(trigger_create_public_token('sk', '{"read": {"runs": true}}', '1 minute'), 2) AS t, CAST(t AS jsonb) AS c;
CALL emulator_settings('{"clock_skew_ms": 0}');
-- refused here
SELECT pg_temp.did(format('SELECT trigger_create_public_token(%L, %L, %L)', 'sk', s, t)) FROM (VALUES ('{}', NULL), ('{"read": {"runs": []}}', NULL), ('{"read": {"runs": true}}', '31d'), ('{"read": {"runs": true}}', '2100-01-01'), ('{"read": {"runs": true}}', '4102444800'), ('{"read": {"runs": true}}', '-5m'), ('{"read": {"runs": true}}', 'yesterday')) AS v (s, t);
SELECT pg_temp.did($$SELECT trigger_create_trigger_token('sk', '{}')$$);
-- refused by the server
SELECT pg_temp.did($$SELECT trigger_create_public_token('sk_read', '{"write": {"runs": true}}')$$);
CALL faults('{"kind": "status", "status": 404, "body": "Not Found", "content_type": "text/plain"}');
SELECT pg_temp.did($$SELECT trigger_create_trigger_token('sk', '{a}')$$);
CALL faults('{"kind": "body", "body": "{}"}');
SELECT pg_temp.did($$SELECT trigger_create_public_token('sk', '{"read": {"runs": true}}')$$);
CALL faults('{"kind": "body", "body": "{\"token\":\"none\"}"}');
SELECT pg_temp.did($$SELECT trigger_create_public_token('sk', '{"read": {"runs": true}}')$$);
CALL faults();
CALL emulator_settings('{"additional_keys": false}');
SELECT pg_temp.did($$SELECT trigger_create_public_token('sk', '{"read": {"runs": true}}')$$);
CALL emulator_settings('{"additional_keys": true}');

-- an answer that is lost is asked for again: a token that nobody has does nothing
ALTER SERVER sk OPTIONS (SET max_retries '1');
CALL faults('{"kind": "reset_after"}');
SELECT pg_temp.did($$SELECT trigger_create_trigger_token('sk', '{a}')$$);
ALTER SERVER prod OPTIONS (SET max_retries '1');
CALL faults('{"kind": "status", "status": 503}');
SELECT pg_temp.did($$SELECT trigger_create_trigger_token('prod', '{a}')$$);
ALTER SERVER prod OPTIONS (SET max_retries '0');
CALL faults('{"kind": "reset_after"}');
SELECT pg_temp.did($$SELECT trigger_create_trigger_token('prod', '{a}')$$);

--
-- Branches
--
CALL create_server('preview', $$secret_key 'tr_preview_AlphaPreviewRootKey00005'$$, $$max_retries '0'$$);
SELECT pg_temp.did($$SELECT trigger_create_public_token('preview', '{}')$$);
SET trigger_fdw.branch = 'feature-xyz';
SELECT trigger_create_public_token('preview', '{"read": {"runs": true}}') AS token \gset
SELECT request_headers('x-trigger-branch');
SELECT pg_temp.claims(:'token');
SELECT pg_temp.signed_by(:'token', 'tr_preview_AlphaPreviewRootKey00005');
RESET trigger_fdw.branch;

--
-- Other credentials
--
SELECT pg_temp.did($$SELECT trigger_create_public_token('pat', '{}')$$);
SELECT pg_temp.did($$SELECT trigger_create_trigger_token('pat', '{a}')$$);
SELECT pg_temp.did($$SELECT trigger_create_batch_trigger_token('pat', '{a}')$$);
SET trigger_fdw.access_token = :'token';
SELECT pg_temp.did($$SELECT trigger_create_public_token('prod', '{}')$$);
-- any server works with the session's own key
SET trigger_fdw.access_token = 'tr_stg_AlphaStagingRootKey00002';
SELECT trigger_create_public_token('pat', '{}') AS token \gset
SELECT pg_temp.claims(:'token'), pg_temp.signed_by(:'token', 'tr_stg_AlphaStagingRootKey00002');
RESET trigger_fdw.access_token;
SELECT pg_temp.did($$SELECT trigger_create_public_token('nowhere', '{}')$$);

--
-- Tokens at work
--
SELECT min(id) AS one, max(id) AS two FROM plain.run_details \gset
SELECT trigger_create_public_token('prod', jsonb_build_object('read', jsonb_build_object('runs', :'one'))) AS token \gset
SET trigger_fdw.access_token = :'token';
SELECT count(*) FROM prod.run_details WHERE id = :'one';
SELECT replace(failure(format('SELECT id FROM prod.run_details WHERE id = %L', :'two')), :'two', '<id>');
SELECT failure('SELECT id FROM prod.runs LIMIT 1');
SELECT replace(failure(format('UPDATE prod.runs SET status = ''CANCELED'' WHERE id = %L', :'one')), :'one', '<id>');
RESET trigger_fdw.access_token;
SELECT trigger_create_public_token('prod', '{"read": {"runs": true}}') AS token \gset
SET trigger_fdw.access_token = :'token';
SELECT (SELECT count(*) FROM prod.runs) = (SELECT count(*) FROM plain.runs);
SELECT failure('SELECT name FROM prod.envvars');
RESET trigger_fdw.access_token;
-- also what the server has made
SELECT trigger_create_public_token('sk', '{"read": {"runs": true}}') AS token \gset
SET trigger_fdw.access_token = :'token';
SELECT (SELECT count(*) FROM prod.runs) = (SELECT count(*) FROM plain.runs);
RESET trigger_fdw.access_token;
-- nothing allowed
SELECT trigger_create_public_token('prod', '{}') AS token \gset
SET trigger_fdw.access_token = :'token';
SELECT failure('SELECT id FROM prod.runs LIMIT 1');
RESET trigger_fdw.access_token;
-- once
SELECT trigger_create_trigger_token('prod', '{process-order}') AS token \gset
SET trigger_fdw.access_token = :'token';
SELECT failure($$INSERT INTO prod.runs (task_identifier) VALUES ('send-email')$$);
INSERT INTO prod.runs (task_identifier) VALUES ('process-order');
SELECT failure($$INSERT INTO prod.runs (task_identifier) VALUES ('process-order')$$);
RESET trigger_fdw.access_token;
-- several times
SELECT trigger_create_trigger_token('prod', '{process-order,send-email}', multiple_use => true) AS token \gset
SET trigger_fdw.access_token = :'token';
INSERT INTO prod.runs (task_identifier) VALUES ('process-order');
INSERT INTO prod.runs (task_identifier) VALUES ('send-email');
RESET trigger_fdw.access_token;
-- batches
SELECT trigger_create_batch_trigger_token('prod', '{process-order,send-email}') AS token \gset
SET trigger_fdw.access_token = :'token';
INSERT INTO prod.runs (task_identifier) VALUES ('process-order'), ('send-email');
SELECT failure($$INSERT INTO prod.runs (task_identifier) VALUES ('process-order'), ('send-email')$$);
RESET trigger_fdw.access_token;
SELECT pg_temp.change_counts();
-- over
SELECT trigger_create_public_token('prod', '{"read": {"runs": true}}', '1s') AS token \gset
SELECT pg_sleep(1.1);
SET trigger_fdw.access_token = :'token';
SELECT failure('SELECT id FROM prod.runs LIMIT 1');
RESET trigger_fdw.access_token;

--
-- Read-only transactions and servers: nothing is changed
--
BEGIN READ ONLY;
SELECT pg_temp.claims(trigger_create_trigger_token('prod', '{a}'));
COMMIT;
ALTER SERVER prod OPTIONS (ADD updatable 'false');
SELECT pg_temp.claims(trigger_create_trigger_token('prod', '{a}'));
ALTER SERVER prod OPTIONS (DROP updatable);

--
-- Privileges
--
SELECT proname, proargnames, provolatile, proparallel, has_function_privilege('public', oid, 'EXECUTE'), obj_description(oid, 'pg_proc') FROM pg_proc WHERE proname LIKE 'trigger\_create\_%\_token' ORDER BY proname COLLATE "C";
CREATE ROLE regress_trigger_minter;
GRANT USAGE ON FOREIGN SERVER prod TO regress_trigger_minter;
SET ROLE regress_trigger_minter;
SELECT public.failure($$SELECT trigger_create_public_token('prod', '{}')$$);
SELECT public.failure($$SELECT trigger_create_trigger_token('prod', '{a}')$$);
SELECT public.failure($$SELECT trigger_create_batch_trigger_token('prod', '{a}')$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION trigger_create_public_token TO regress_trigger_minter;
SET ROLE regress_trigger_minter;
SELECT trigger_create_public_token('prod', '{}') LIKE 'eyJhbGciOiJIUzI1NiJ9.%';
SELECT public.failure($$SELECT trigger_create_trigger_token('prod', '{a}')$$);
SELECT public.failure($$SELECT trigger_create_public_token('sk', '{"read": {"runs": true}}')$$);
RESET ROLE;
REVOKE EXECUTE ON FUNCTION trigger_create_public_token FROM regress_trigger_minter;
REVOKE USAGE ON FOREIGN SERVER prod FROM regress_trigger_minter;
DROP ROLE regress_trigger_minter;
