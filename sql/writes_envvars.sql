--
-- Writes of environment variables: nothing is overwritten, revealed, or
-- written to another environment than the one that was named.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/writes_helpers.sql'
\i :helpers
\set ECHO all
CALL reset_emulator();
-- a variable as it really is
CREATE FUNCTION pg_temp.var(name text, environment text DEFAULT 'prod') RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT (v->'_'->>'value') || CASE WHEN (v->>'isSecret')::boolean THEN ' (secret)' ELSE '' END ||
           CASE WHEN (v->'_'->>'inherited')::boolean THEN ' (inherited)' ELSE '' END
    FROM pg_temp.api('envvars', environment) AS v WHERE v->>'name' = name
$$;
CREATE FUNCTION pg_temp.all_vars() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT md5(string_agg(e || (v - '_')::text || (v->'_')::text, E'\n' ORDER BY e, v->>'name'))
    FROM unnest(ARRAY['prod', 'stg', 'dev', 'dev:other', 'preview', 'preview-feature-xyz']) AS e, pg_temp.api('envvars', e) AS v
$$;
SELECT pg_temp.all_vars() AS before \gset

--
-- INSERT: one look at the names, one import
--
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('NEW_1', 'one')$$);
INSERT INTO prod.envvars (name, value, environment) VALUES ('NEW_2', E'  two "quoted" \\ \n\tü ', 'prod'), ('_new3', '<redacted>', NULL);
SELECT pg_temp.bodies();
SELECT pg_temp.var('NEW_1'), pg_temp.var('NEW_2'), pg_temp.var('_new3');
SELECT pg_temp.changes();
-- secrets: an import each for what is secret, what is not, and what does not say
INSERT INTO prod.envvars (name, value, is_secret) VALUES ('S_1', 'hidden', true), ('S_2', 'open', false), ('S_3', 'hidden too', true), ('S_4', 'default', NULL);
SELECT pg_temp.bodies();
SELECT pg_temp.var('S_1'), pg_temp.var('S_2'), pg_temp.var('S_3'), pg_temp.var('S_4');
SELECT name, value, is_secret FROM prod.envvars WHERE name LIKE 'S\__' ORDER BY 1;
-- many at once
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) SELECT 'MANY_' || i, 'v' || i FROM generate_series(1, 300) AS i$$);
SELECT count(*) FROM pg_temp.api('envvars') AS v WHERE v->>'name' LIKE 'MANY%';
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name LIKE 'MANY%'$$, 'MANY_\d+$');
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name ~ '^(NEW_[12]|_new3|S_[1-4])$'$$);
SELECT pg_temp.all_vars() = :'before';
SELECT emulator.call('DELETE', 'writes');

-- A name that exists is taken, whatever it holds; nothing at all is written.
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('LOG_LEVEL', 'other')$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('LOG_LEVEL', 'prod')$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value, is_secret) VALUES ('DATABASE_URL', 'readable', false)$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('NEW_1', '1'), ('LOG_LEVEL', '2'), ('NEW_2', '3')$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('NEW_1', '1'), ('NEW_1', '2')$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value, is_secret) VALUES ('NEW_1', '1', true), ('NEW_1', '2', false)$$);
-- names are case-sensitive
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('log_level', 'lower')$$);
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name = 'log_level'$$);
SELECT pg_temp.all_vars() = :'before';
SELECT pg_temp.changes();
-- somebody else is faster than the look
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "GET", "path_regex": "envvars/prod$"}, "action": {"kind": "body", "body": "[]"}}]');
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('NEW_1', '1'), ('LOG_LEVEL', 'ours')$$);
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "GET", "path_regex": "envvars/prod$"}, "action": {"kind": "body", "body": "[]"}}]');
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('LOG_LEVEL', 'ours') ON CONFLICT DO NOTHING$$);
SELECT pg_temp.all_vars() = :'before';

-- ON CONFLICT DO NOTHING skips
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('LOG_LEVEL', 'other') ON CONFLICT DO NOTHING$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value)
    VALUES ('NEW_1', '1'), ('LOG_LEVEL', '2'), ('NEW_1', '3'), ('NEW_2', '4') ON CONFLICT DO NOTHING$$);
SELECT pg_temp.var('NEW_1'), pg_temp.var('NEW_2'), pg_temp.var('LOG_LEVEL');
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('NEW_3', '1') ON CONFLICT (name) DO NOTHING$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('NEW_3', '1') ON CONFLICT (name) DO UPDATE SET value = excluded.value$$);
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name IN ('NEW_1', 'NEW_2')$$);
SELECT pg_temp.all_vars() = :'before';

-- RETURNING: as a query would show it
INSERT INTO prod.envvars (name, value, is_secret) VALUES ('NEW_1', 'shown', NULL), ('NEW_2', 'hidden', true) RETURNING *;
SELECT requests();
SELECT * FROM prod.envvars WHERE name IN ('NEW_1', 'NEW_2') ORDER BY name;
INSERT INTO prod.envvars (name, value) VALUES ('NEW_2', '2'), ('NEW_3', '3') ON CONFLICT DO NOTHING RETURNING name, value;
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name IN ('NEW_1', 'NEW_2', 'NEW_3')$$);
-- with RETURNING, too, a taken name leaves nothing written
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('NEW_1', '1'), ('LOG_LEVEL', '2') RETURNING name$$);
SELECT pg_temp.all_vars() = :'before';
-- COPY
COPY prod.envvars (name, value, is_secret) FROM stdin WITH (DELIMITER '|');
COPIED_1|one|t
COPIED_2|two|f
\.
SELECT pg_temp.bodies();
SELECT pg_temp.did($$COPY prod.envvars (name, value) FROM PROGRAM 'printf "COPIED_3,3\nLOG_LEVEL,4\n"' WITH (FORMAT csv)$$);
SELECT pg_temp.var('COPIED_1'), pg_temp.var('COPIED_2'), pg_temp.var('COPIED_3');
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name LIKE 'COPIED%'$$);

--
-- Refused here, without any request
--
SELECT pg_temp.did(format('INSERT INTO prod.envvars (name, value) VALUES (%L, %L)', v.name, v.value))
FROM (VALUES (1, 'TRIGGER_SECRET_KEY', 'x'), (2, 'TRIGGER_API_URL', 'x'), (3, '', 'x'), (4, 'a b', 'x'), (5, '1A', 'x'), (6, 'A:B', 'x'),
             (7, 'a.b', 'x'), (8, 'Ä', 'x'), (9, 'a-b', 'x'), (10, NULL, 'x'), (11, 'NEW_1', NULL), (12, 'NEW_1', ''), (13, 'NEW_1', ' '),
             (14, 'NEW_1', E' \t\r\n'), (15, 'NEW_1', U&'\00A0'), (16, 'NEW_1', U&'\2003\FEFF'), (17, 'import', 'x')) AS v (n, name, value) ORDER BY n;
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('NEW_1', '1'), ('NEW_2', ' ')$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value, environment) VALUES ('NEW_1', 'x', 'staging')$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value, environment) VALUES ('NEW_1', '1', 'prod'), ('NEW_2', '2', 'dev')$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value, environment) VALUES ('NEW_1', 'x', 'production')$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value, branch) VALUES ('NEW_1', 'x', 'b')$$);
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value, project_ref) VALUES ('NEW_1', 'x', 'proj_alphaemulatedproject')$$);
SELECT pg_temp.did($$UPDATE prod.envvars SET name = 'x' WHERE name = 'LOG_LEVEL'$$);
SELECT pg_temp.did($$UPDATE prod.envvars SET is_secret = true WHERE name = 'LOG_LEVEL'$$);
SELECT pg_temp.did($$UPDATE prod.envvars SET environment = 'staging' WHERE name = 'LOG_LEVEL'$$);
SELECT pg_temp.did($$UPDATE prod.envvars SET value = 'x' WHERE environment = 'staging'$$);
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE environment = 'staging'$$);
SET trigger_fdw.environment = 'staging';
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('NEW_1', 'x')$$);
SELECT pg_temp.did($$UPDATE prod.envvars SET value = 'x' WHERE name = 'LOG_LEVEL'$$);
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name = 'LOG_LEVEL'$$);
RESET trigger_fdw.environment;
SELECT pg_temp.all_vars() = :'before';
CALL reset_emulator();

--
-- UPDATE of the value
--
SELECT emulator.call('DELETE', 'writes');
SELECT pg_temp.did($$UPDATE prod.envvars SET value = 'debug' WHERE name = 'LOG_LEVEL'$$);
SELECT pg_temp.did($$UPDATE prod.envvars SET value = upper(value) WHERE name IN ('LOG_LEVEL', 'EQUALS') OR name = 'NOT_THERE'$$);
SELECT pg_temp.var('LOG_LEVEL'), pg_temp.var('LOG_LEVEL', 'stg'), pg_temp.var('EQUALS');
SELECT pg_temp.changes();
-- nothing changed, nothing sent: of all rows, only those that change
SELECT pg_temp.did($$UPDATE prod.envvars SET value = value$$);
SELECT pg_temp.did($$UPDATE prod.envvars SET value = replace(value, '<redacted>', '<other>')$$);
SELECT pg_temp.changes();
SELECT pg_temp.var('LITERAL_REDACTED'), pg_temp.var('DATABASE_URL'), pg_temp.var('API_TOKEN');
-- a secret can be set, and stays one; RETURNING does not show it
UPDATE prod.envvars SET value = 'new secret' WHERE name = 'API_TOKEN' RETURNING name, value, is_secret;
SELECT pg_temp.bodies();
SELECT pg_temp.var('API_TOKEN');
UPDATE prod.envvars SET value = 'x' WHERE name = 'MULTI_LINE' RETURNING *;
-- names that cannot be inserted, but are there
SELECT pg_temp.did($$UPDATE prod.envvars SET value = value || '!' WHERE name IN ('has space', 'path/with/slash', 'with%percent')$$);
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name IN ('has space', 'path/with/slash', 'with%percent')$$);
-- blank values would be answered as done
SELECT pg_temp.did(format('UPDATE prod.envvars SET value = %L WHERE name = %L', v, 'LOG_LEVEL'))
FROM (VALUES (1, ''), (2, ' '), (3, NULL), (4, E'\n'), (5, U&'\00A0'), (6, U&'\FEFF')) AS v (n, v) ORDER BY n;
SELECT pg_temp.did($$UPDATE prod.envvars SET value = '' WHERE name = 'DATABASE_URL'$$);
SELECT pg_temp.var('LOG_LEVEL'), pg_temp.var('DATABASE_URL');
-- gone in the meantime, everywhere: no row
CREATE FUNCTION pg_temp.vanish(which text, value text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM prod.envvars WHERE name = which;
    RETURN value;
END $$;
SELECT emulator.call('POST', 'envvars', '[{"name": "VANISHING", "value": "1"}, {"name": "VANISHING_2", "value": "1"}]');
SELECT pg_temp.did($$UPDATE prod.envvars SET value = pg_temp.vanish(name, 'x') WHERE name = 'VANISHING'$$);
SELECT pg_temp.var('VANISHING');
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name = 'VANISHING_2' AND pg_temp.vanish(name, 'x') = 'x'$$);
SELECT emulator.call('DELETE', 'writes');

--
-- DELETE
--
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name = 'LOG_LEVEL'$$);
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name = 'LOG_LEVEL'$$);
SELECT pg_temp.var('LOG_LEVEL'), pg_temp.var('LOG_LEVEL', 'stg');
DELETE FROM prod.envvars WHERE name LIKE 'PLAIN_0%' AND is_secret RETURNING *;
SELECT pg_temp.changes();
CREATE TEMP TABLE unwanted (n text);
INSERT INTO unwanted VALUES ('PLAIN_00'), ('PLAIN_01'), ('NOT_THERE');
SELECT emulator.call('DELETE', 'requests');
SELECT pg_temp.did($$DELETE FROM prod.envvars USING unwanted WHERE name = n$$);
CALL reset_emulator();

--
-- Personal access token: any environment, each with its own requests
--
SELECT pg_temp.did($$INSERT INTO pat.envvars (name, value) VALUES ('NEW_1', 'x')$$);
SELECT pg_temp.did($$INSERT INTO pat.envvars (name, value, environment) VALUES
    ('NEW_1', 'p', 'prod'), ('NEW_1', 's', 'staging'), ('NEW_2', 'p2', 'prod'), ('NEW_1', 'd', 'dev')$$);
SELECT pg_temp.var('NEW_1', 'prod'), pg_temp.var('NEW_1', 'stg'), pg_temp.var('NEW_2', 'prod'), pg_temp.var('NEW_1', 'dev'), pg_temp.var('NEW_1', 'dev:other');
-- checked in all of them before anything is written
SELECT pg_temp.did($$INSERT INTO pat.envvars (name, value, environment) VALUES ('NEW_5', 'p', 'prod'), ('NEW_1', 's', 'staging')$$);
SELECT pg_temp.var('NEW_5');
SELECT pg_temp.did($$UPDATE pat.envvars SET value = environment || '!' WHERE name = 'NEW_1'$$);
SELECT pg_temp.var('NEW_1', 'prod'), pg_temp.var('NEW_1', 'stg'), pg_temp.var('NEW_1', 'dev');
SELECT pg_temp.did($$DELETE FROM pat.envvars WHERE name = 'NEW_1' AND environment IN ('prod', 'staging')$$);
SELECT pg_temp.var('NEW_1', 'prod'), pg_temp.var('NEW_1', 'stg'), pg_temp.var('NEW_1', 'dev');
-- the option names the environment of rows that do not
ALTER SERVER pat OPTIONS (ADD environment 'staging');
INSERT INTO pat.envvars (name, value) VALUES ('BY_OPTION', 'x') RETURNING *;
SELECT requests();
ALTER SERVER pat OPTIONS (DROP environment);
SELECT pg_temp.var('BY_OPTION', 'stg'), pg_temp.var('BY_OPTION', 'prod');

--
-- Branches: the header goes along for preview only, elsewhere it would lead to the branch.
--
SET trigger_fdw.branch = 'feature-xyz';
INSERT INTO pat.envvars (name, value, environment) VALUES ('HEADER', '1', 'prod'), ('HEADER', '2', 'preview') RETURNING name, environment, branch;
SELECT request_headers('x-trigger-branch');
SELECT environment, branch, value FROM pat.envvars WHERE name = 'HEADER' AND environment IN ('prod', 'preview') ORDER BY 1;
SELECT pg_temp.var('HEADER', 'prod'), pg_temp.var('HEADER', 'preview'), pg_temp.var('HEADER', 'preview-feature-xyz');
SELECT emulator.call('DELETE', 'requests'), emulator.call('DELETE', 'writes');
UPDATE pat.envvars SET value = 'u' || value WHERE name = 'HEADER' AND environment IN ('prod', 'preview');
SELECT DISTINCT request_headers('x-trigger-branch') ORDER BY 1;
SELECT pg_temp.changes();
-- A parent's value is seen on the branch, but never changed or removed from there.
SELECT pg_temp.var('PARENT_ONLY', 'preview-feature-xyz');
SELECT pg_temp.did($$INSERT INTO pat.envvars (name, value, environment) VALUES ('PARENT_ONLY', 'x', 'preview')$$);
SELECT pg_temp.did($$DELETE FROM pat.envvars WHERE environment = 'preview' AND name = 'PARENT_ONLY'$$);
UPDATE pat.envvars SET value = 'x' WHERE environment = 'preview' AND name = 'PARENT_ONLY';
SELECT pg_temp.var('PARENT_ONLY', 'preview');
-- its own value is; then the parent's shows again
SELECT pg_temp.var('LOG_LEVEL', 'preview-feature-xyz');
UPDATE pat.envvars SET value = 'own' WHERE environment = 'preview' AND name = 'LOG_LEVEL';
SELECT pg_temp.var('LOG_LEVEL', 'preview-feature-xyz');
DELETE FROM pat.envvars WHERE environment = 'preview' AND name = 'LOG_LEVEL';
SELECT pg_temp.var('LOG_LEVEL', 'preview-feature-xyz');
RESET trigger_fdw.branch;
-- a preview key always needs a branch
CALL create_server('preview', $$secret_key 'tr_preview_AlphaPreviewRootKey00005'$$,
    $$project_ref 'proj_alphaemulatedproject', branch 'feature-xyz', max_retries '0'$$);
INSERT INTO preview.envvars (name, value) VALUES ('BY_KEY', 'x') RETURNING *;
SELECT DISTINCT request_headers('x-trigger-branch') ORDER BY 1;
SELECT pg_temp.var('BY_KEY', 'preview'), pg_temp.var('BY_KEY', 'preview-feature-xyz');
SET client_min_messages = warning;
DROP SERVER preview CASCADE;
DROP SCHEMA preview;
RESET client_min_messages;
CALL reset_emulator();

--
-- Lost answers
--
ALTER SERVER prod OPTIONS (SET max_retries '2');
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "POST"}, "action": {"kind": "reset_after"}}]');
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('LOST_1', '1'), ('LOST_2', '2')$$);
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "PUT"}, "action": {"kind": "reset_after"}}]');
SELECT pg_temp.did($$UPDATE prod.envvars SET value = 'x' WHERE name = 'LOST_1'$$);
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "DELETE"}, "action": {"kind": "reset_after"}}]');
SELECT pg_temp.did($$DELETE FROM prod.envvars WHERE name LIKE 'LOST%'$$);
SELECT pg_temp.changes();
-- not lost, but never arrived
SELECT emulator.call('PUT', 'faults', '[{"match": {"method": "POST"}, "action": {"kind": "reset_before"}}]');
SELECT pg_temp.did($$INSERT INTO prod.envvars (name, value) VALUES ('LOST_1', '1'), ('LOST_2', '2')$$);
SELECT pg_temp.changes();
ALTER SERVER prod OPTIONS (SET max_retries '0');

--
-- trigger_upload_envvars(): the API's import
--
CALL reset_emulator();
SELECT emulator.call('DELETE', 'writes');
SELECT trigger_upload_envvars('prod', '{"UP_1": "one", "UP_2": "zwei ü \" \\ "}');
SELECT pg_temp.bodies();
SELECT trigger_upload_envvars('prod', '{"UP_1": "other", "LOG_LEVEL": "up"}', true);
SELECT pg_temp.var('UP_1'), pg_temp.var('UP_2'), pg_temp.var('LOG_LEVEL');
SELECT requests();
-- a secret stays one
SELECT trigger_upload_envvars('prod', '{"API_TOKEN": "up"}', override => true);
SELECT pg_temp.var('API_TOKEN');
SELECT trigger_upload_envvars('pat', '{"UP_1": "staging"}', environment => 'staging');
SELECT pg_temp.var('UP_1', 'stg'), pg_temp.var('UP_1', 'prod');
SELECT requests();
SELECT pg_temp.changes();
SELECT pg_temp.did($$SELECT trigger_upload_envvars('prod', '{"UP_9": "new", "LOG_LEVEL": "x"}')$$);
SELECT pg_temp.var('UP_9'), pg_temp.var('LOG_LEVEL');
-- no request
SELECT trigger_upload_envvars('prod', '{}');
SELECT trigger_upload_envvars('prod', NULL), trigger_upload_envvars(NULL, '{"A": "b"}');
SELECT trigger_upload_envvars('prod', '{}', NULL, NULL);
SELECT pg_temp.did(format('SELECT trigger_upload_envvars(%L, %L, true, %L)', s, j, e))
FROM (VALUES (1, 'prod', '[]', NULL), (2, 'prod', '"A"', NULL), (3, 'prod', '{"A": 1}', NULL), (4, 'prod', '{"A": null}', NULL),
             (5, 'prod', '{"A": {"B": "c"}}', NULL), (6, 'prod', '{"A": ["b"]}', NULL), (7, 'prod', '{"A": ""}', NULL), (8, 'prod', '{"A": " "}', NULL),
             (9, 'prod', '{"a b": "x"}', NULL), (10, 'prod', '{"": "x"}', NULL), (11, 'prod', '{"A": "x", "TRIGGER_SECRET_KEY": "x"}', NULL),
             (12, 'prod', '{"A": "x"}', 'staging'), (13, 'prod', '{"A": "x"}', 'nonsense'), (14, 'pat', '{"A": "x"}', NULL),
             (15, 'pat', '{"A": "x"}', 'stg'), (16, 'none', '{"A": "x"}', NULL)) AS v (n, s, j, e) ORDER BY n;
SELECT pg_temp.changes();
-- the header of a branch, too, for preview only
SET trigger_fdw.branch = 'feature-xyz';
SELECT trigger_upload_envvars('pat', '{"UP_B": "x"}', environment => 'prod'), trigger_upload_envvars('pat', '{"UP_B": "y"}', environment => 'preview');
SELECT request_headers('x-trigger-branch');
RESET trigger_fdw.branch;
SELECT pg_temp.var('UP_B', 'prod'), pg_temp.var('UP_B', 'preview'), pg_temp.var('UP_B', 'preview-feature-xyz');
CALL reset_emulator();
