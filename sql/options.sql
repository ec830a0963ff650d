--
-- Options: their names, places and values; what messages say and what they
-- must not say.
--
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

-- every option, with a good value, where it belongs
CREATE SERVER every FOREIGN DATA WRAPPER trigger_fdw OPTIONS (
    base_url 'https://trigger.example:8443/base/', allow_insecure 'false',
    project_ref 'proj_abcdefghijklmnopqrst', environment 'staging', branch 'feature/x',
    page_size '1', connect_timeout '1', request_timeout '2147483647', max_retries '10',
    rate_limit_wait '0', concurrency '32', ca_file '/etc/ssl/ca.pem',
    proxy 'http://proxy.example:3128', idempotent_inserts 'off', pat_exchange 'yes',
    updatable '0');
CREATE USER MAPPING FOR CURRENT_USER SERVER every OPTIONS (
    secret_key 'tr_stg_0123456789', project_ref 'proj_abcdefghijklmnopqrst',
    environment 'staging', branch 'x');
CREATE FOREIGN TABLE every_table (id text OPTIONS (field 'id')) SERVER every OPTIONS (
    resource 'runs', resource_schema 'management', project_ref 'proj_1', environment 'dev',
    branch 'x', page_size '100', concurrency '1', idempotent_inserts 'true', updatable 'true');
ALTER SERVER every OPTIONS (SET page_size '100', DROP ca_file, SET environment 'dev');
ALTER USER MAPPING FOR CURRENT_USER SERVER every OPTIONS (SET secret_key 'tr_dev_new');
ALTER FOREIGN TABLE every_table ALTER COLUMN id OPTIONS (SET field 'taskIdentifier');
SELECT srvoptions FROM pg_foreign_server WHERE srvname = 'every';
DROP SERVER every CASCADE;

-- unknown names, and names in the wrong place
CREATE SERVER s FOREIGN DATA WRAPPER trigger_fdw;
SELECT failure($$ALTER SERVER s OPTIONS (base_uri 'https://x')$$);
SELECT failure($$ALTER SERVER s OPTIONS (resource 'runs')$$);
SELECT failure($$CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS ("user" 'x')$$);
SELECT failure($$CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (base_url 'https://x')$$);
SELECT failure($$CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (table_name 'runs')$$);
SELECT failure($$CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (max_retries '1')$$);
SELECT failure($$CREATE FOREIGN TABLE t (id text OPTIONS (column_name 'id')) SERVER s$$);
SELECT failure($$ALTER FOREIGN DATA WRAPPER trigger_fdw OPTIONS (base_url 'https://x')$$);

-- a credential anywhere but in a user mapping
SELECT failure($$ALTER SERVER s OPTIONS (secret_key 'tr_prod_leaked')$$);
SELECT failure($$ALTER SERVER s OPTIONS (personal_access_token 'tr_pat_leaked')$$);
SELECT failure($$CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (public_access_token 'leaked')$$);
SELECT failure($$CREATE FOREIGN TABLE t (id text OPTIONS (secret_key 'tr_prod_leaked')) SERVER s$$);

-- bad values
SELECT failure(format('ALTER SERVER s OPTIONS (%s %L)', name, value))
FROM (VALUES ('page_size', '0'), ('page_size', '101'), ('page_size', '10x'), ('page_size', ''),
             ('connect_timeout', '0'), ('request_timeout', '-1'), ('request_timeout', '2147483648'),
             ('max_retries', '11'), ('rate_limit_wait', '-1'), ('concurrency', '0'),
             ('concurrency', '33'), ('allow_insecure', 'maybe'), ('pat_exchange', ''),
             ('idempotent_inserts', '2'), ('updatable', 'no way'), ('ca_file', ''),
             ('project_ref', 'abc'), ('project_ref', 'proj_'), ('project_ref', 'proj_a/../b'),
             ('environment', 'stg'), ('environment', 'PROD'), ('environment', ''),
             ('branch', ''), ('branch', E'x\nAuthorization: y'), ('branch', ' x'), ('branch', 'x '),
             ('branch', ' '), ('branch', 'refs/heads/'), ('branch', 'refs/heads/ x'),
             ('branch', 'refs/x'), ('branch', 'refs/'), ('branch', 'refs/heads/refs/heads/x'),
             ('branch', repeat('x', 256))) AS v (name, value);
SELECT failure($$CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (resource 'run')$$);
SELECT failure($$CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (resource_schema 'public')$$);
SELECT failure($$CREATE FOREIGN TABLE t (id text OPTIONS (field '')) SERVER s$$);

-- kinds of credentials: the value is never in the message
SELECT failure(format('CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (%s %L)', name, value))
FROM (VALUES ('secret_key', 'tr_pat_leaked'), ('secret_key', 'leaked'), ('secret_key', 'tr_prod_'),
             ('secret_key', 'tr_prod_with space'), ('secret_key', E'tr_prod_leaked\r\nX: y'),
             ('secret_key', 'eyJleaked.eyJleaked.leaked'), ('secret_key', ''),
             ('personal_access_token', 'tr_prod_leaked'), ('personal_access_token', 'tr_pat_'),
             ('public_access_token', 'tr_pat_leaked'), ('public_access_token', 'eyJleaked.x')
     ) AS v (name, value);
SELECT failure($$CREATE USER MAPPING FOR PUBLIC SERVER s
    OPTIONS (secret_key 'tr_prod_leaked', personal_access_token 'tr_pat_leaked')$$);
CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (personal_access_token 'tr_pat_leaked');
SELECT failure($$ALTER USER MAPPING FOR PUBLIC SERVER s
    OPTIONS (ADD public_access_token 'eyJleaked.eyJleaked.leaked')$$);
ALTER USER MAPPING FOR PUBLIC SERVER s
    OPTIONS (DROP personal_access_token, ADD secret_key 'tr_prod_sk_leaked');

-- where base_url may lead to
SELECT failure(format('ALTER SERVER s OPTIONS (base_url %L)', value))
FROM (VALUES (''), ('trigger.example'), ('ftp://trigger.example'), ('file:///etc/passwd'),
             ('https://'), ('https:///x'), ('http://trigger.example'), ('http://127.0.0.1.example'),
             ('http://localhost.example'), ('https://user:password@trigger.example'),
             ('https://trigger.example?x=y'), ('https://trigger.example#x'),
             ('https://trigger.example/a b'), ('https://trigger.example\@x')) AS v (value);
ALTER SERVER s OPTIONS (ADD base_url 'http://127.0.0.1:1');
ALTER SERVER s OPTIONS (SET base_url 'http://localhost:1/prefix');
ALTER SERVER s OPTIONS (SET base_url 'http://[::1]:1');
ALTER SERVER s OPTIONS (SET base_url 'http://trigger.example', ADD allow_insecure 'true');
-- ... also when only the permission goes away
SELECT failure($$ALTER SERVER s OPTIONS (DROP allow_insecure)$$);
SELECT failure($$ALTER SERVER s OPTIONS (SET allow_insecure 'false')$$);

-- options for superusers only
CREATE ROLE regress_trigger_user;
GRANT USAGE ON FOREIGN DATA WRAPPER trigger_fdw TO regress_trigger_user;
SET ROLE regress_trigger_user;
SELECT failure(format('CREATE SERVER s2 FOREIGN DATA WRAPPER trigger_fdw OPTIONS (%s)', o))
FROM unnest(ARRAY[$$ca_file '/tmp/ca.pem'$$, $$proxy 'http://p'$$, $$allow_insecure 'true'$$,
                  $$base_url 'http://trigger.example'$$]) AS o;
CREATE SERVER s2 FOREIGN DATA WRAPPER trigger_fdw OPTIONS (allow_insecure 'false', concurrency '2');
ALTER SERVER s2 OPTIONS (SET concurrency '3');
RESET ROLE;
DROP SERVER s2;
REVOKE USAGE ON FOREIGN DATA WRAPPER trigger_fdw FROM regress_trigger_user;
DROP ROLE regress_trigger_user;
DROP SERVER s CASCADE;

-- An empty mapping can be created, or a dump could not be restored.  It fails
-- at first use, before any request.
CALL create_server('incomplete', $$secret_key 'tr_prod_x'$$);
ALTER USER MAPPING FOR PUBLIC SERVER incomplete OPTIONS (DROP secret_key);
SELECT failure('SELECT id FROM incomplete.runs');
SELECT failure('SELECT id FROM incomplete.schedules');
SELECT failure($$SELECT value FROM incomplete.envvars WHERE name = 'X'$$);
SELECT requests();
-- time zones are for everyone
SELECT count(*) > 300 FROM incomplete.timezones;
SELECT requests();

-- Narrower beats wider: table, mapping, server.
ALTER USER MAPPING FOR PUBLIC SERVER incomplete
    OPTIONS (ADD personal_access_token 'tr_pat_owner0000000000000000000000000000000000a');
SELECT failure('SELECT name FROM incomplete.envvars');
ALTER SERVER incomplete OPTIONS (ADD project_ref 'proj_server', ADD environment 'prod',
                                 ADD page_size '70', ADD max_retries '0');
SELECT failure('SELECT name FROM incomplete.envvars');
ALTER USER MAPPING FOR PUBLIC SERVER incomplete
    OPTIONS (ADD project_ref 'proj_betaemulatedproject0', ADD environment 'staging');
SELECT name, environment, project_ref FROM incomplete.envvars WHERE name = 'LOG_LEVEL';
ALTER FOREIGN TABLE incomplete.envvars
    OPTIONS (ADD project_ref 'proj_alphaemulatedproject', ADD environment 'dev');
SELECT name, environment, project_ref FROM incomplete.envvars WHERE name = 'LOG_LEVEL';
ALTER FOREIGN TABLE incomplete.runs
    OPTIONS (ADD page_size '50', ADD project_ref 'proj_alphaemulatedproject');
SELECT count(*) FROM incomplete.runs;
SELECT requests();

-- A secret key works on its own environment only; the API would not object.
ALTER USER MAPPING FOR PUBLIC SERVER incomplete
    OPTIONS (DROP personal_access_token, DROP environment, ADD secret_key 'tr_prod_AlphaProdRootKey00000001');
SELECT failure('SELECT name FROM incomplete.envvars');
ALTER FOREIGN TABLE incomplete.envvars OPTIONS (SET environment 'prod');
SELECT name, value, environment FROM incomplete.envvars WHERE name = 'LOG_LEVEL';
-- a preview key needs a branch
ALTER SERVER incomplete OPTIONS (DROP environment);
ALTER FOREIGN TABLE incomplete.envvars OPTIONS (DROP environment);
ALTER USER MAPPING FOR PUBLIC SERVER incomplete
    OPTIONS (SET secret_key 'tr_preview_AlphaPreviewRootKey00005');
SELECT failure('SELECT name FROM incomplete.envvars');
SELECT failure('SELECT id FROM incomplete.runs');
SELECT requests();
ALTER SERVER incomplete OPTIONS (ADD branch 'feature-xyz');
SELECT name, value, environment, branch FROM incomplete.envvars WHERE name = 'BRANCH_ONLY';
SELECT count(*) FROM incomplete.runs;
SELECT request_headers('x-trigger-branch');
-- the server cuts off one prefix of Git's: the column and the header have the name
ALTER SERVER incomplete OPTIONS (DROP branch);
DO $$
DECLARE
    prefix text;
BEGIN
    FOREACH prefix IN ARRAY ARRAY['heads', 'remotes', 'tags', 'pull', 'merge', 'release'] LOOP
        EXECUTE format('ALTER SERVER incomplete OPTIONS (ADD branch %L)', 'refs/' || prefix || '/feature-xyz');
        RAISE INFO '% %', prefix, (SELECT branch FROM incomplete.envvars WHERE name = 'BRANCH_ONLY');
        ALTER SERVER incomplete OPTIONS (DROP branch);
    END LOOP;
END $$;
SELECT DISTINCT request_headers('x-trigger-branch');

DROP SERVER incomplete CASCADE;
DROP SCHEMA incomplete;
