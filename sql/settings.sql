--
-- Settings of the session, the SQL form of the official client's withAuth().
--
\pset format unaligned
\pset tuples_only on
\pset null NULL
CALL reset_emulator();

-- Settings belong to the library: before it is loaded, by the first use or
-- by hand, PostgreSQL keeps them as unchecked placeholders.
LOAD 'trigger_fdw';

-- never shown
SET trigger_fdw.access_token = 'tr_stg_AlphaStagingRootKey00002';
SHOW trigger_fdw.access_token;
SELECT current_setting('trigger_fdw.access_token');
SELECT count(*) FROM pg_settings WHERE name = 'trigger_fdw.access_token';
SELECT count(*) FROM pg_settings WHERE concat(setting, boot_val, reset_val) LIKE '%AlphaStaging%';
RESET trigger_fdw.access_token;
SHOW trigger_fdw.access_token;
-- bad values, without the value
SELECT failure($$SET trigger_fdw.access_token = 'leaked'$$);
SELECT failure($$SET trigger_fdw.access_token = 'tr_prod_lea ked'$$);
SELECT failure($$SET trigger_fdw.project_ref = 'x'$$);
SELECT failure($$SET trigger_fdw.environment = 'stg'$$);
SELECT failure($$SELECT set_config('trigger_fdw.branch', E'x\ny', false)$$);
SELECT failure(format('SET trigger_fdw.branch = %L', b))
FROM unnest(ARRAY[' x', 'x ', ' ', 'refs/heads/', 'refs/heads/ x', 'refs/x', 'refs/tags/refs/x']) AS b;
SELECT failure(format('SET trigger_fdw.allowed_origins = %s', o))
FROM unnest(ARRAY[$$'x'$$, $$'https://a.example/path'$$, $$'https://u:p@a.example'$$, $$'https://a.example?'$$,
                  $$'ftp://a.example'$$, $$'https://a.example,'$$, $$'https://a.example', 'y'$$, $$'**'$$]) AS o;
SET trigger_fdw.allowed_origins = 'https://A.example', 'http://10.0.0.1:8030/';
SHOW trigger_fdw.allowed_origins;
SET trigger_fdw.allowed_origins = '*, https://a.example:443';
SET trigger_fdw.allowed_origins = '';
RESET trigger_fdw.allowed_origins;
SELECT failure($$SET trigger_fdw.base_url = 'https://evil.example'$$);
SELECT failure($$SET trigger_fdw.nonsense = 1$$);

-- scoped like any other setting
SELECT environment, count(*) FROM prod.runs WHERE status = 'COMPLETED' AND duration_ms < 100 GROUP BY 1;
BEGIN;
SET LOCAL trigger_fdw.access_token = 'tr_stg_AlphaStagingRootKey00002';
SELECT environment, count(*) FROM prod.runs WHERE status = 'COMPLETED' AND duration_ms < 100 GROUP BY 1;
SAVEPOINT a;
SET LOCAL trigger_fdw.access_token = 'tr_dev_AlphaDevOwnerRootKey0003';
SELECT environment, count(*) FROM prod.runs WHERE status = 'COMPLETED' AND duration_ms < 100 GROUP BY 1;
ROLLBACK TO a;
SELECT environment, count(*) FROM prod.runs WHERE status = 'COMPLETED' AND duration_ms < 100 GROUP BY 1;
COMMIT;
SELECT environment, count(*) FROM prod.runs WHERE status = 'COMPLETED' AND duration_ms < 100 GROUP BY 1;
SELECT right(r, 16) FROM request_headers('authorization') AS r;

-- in functions, nested
CREATE FUNCTION inner_query() RETURNS text LANGUAGE plpgsql
SET trigger_fdw.access_token = 'tr_stg_AlphaStagingRootKey00002' AS $$
BEGIN
    RETURN (SELECT min(environment) FROM prod.runs WHERE status = 'COMPLETED' AND duration_ms < 100);
END $$;
CREATE FUNCTION outer_query() RETURNS text LANGUAGE plpgsql
SET trigger_fdw.access_token = 'tr_dev_AlphaDevOwnerRootKey0003' AS $$
DECLARE
    before text := (SELECT min(environment) FROM prod.runs WHERE status = 'COMPLETED' AND duration_ms < 100);
    within text := inner_query();
BEGIN
    RETURN concat_ws(' ', before, within, (SELECT min(environment) FROM prod.runs WHERE status = 'COMPLETED' AND duration_ms < 100));
END $$;
SELECT outer_query();
SELECT min(environment) FROM prod.runs WHERE status = 'COMPLETED' AND duration_ms < 100;
SELECT count(*) FROM requests();
-- a cached plan does not keep the credential, nor the options
PREPARE cached AS SELECT min(environment) FROM prod.runs WHERE status = 'COMPLETED' AND duration_ms < 100;
SET plan_cache_mode = force_generic_plan;
EXECUTE cached;
SET trigger_fdw.access_token = 'tr_stg_AlphaStagingRootKey00002';
EXECUTE cached;
RESET trigger_fdw.access_token;
ALTER USER MAPPING FOR PUBLIC SERVER prod OPTIONS (SET secret_key 'tr_dev_AlphaDevOwnerRootKey0003');
EXECUTE cached;
ALTER USER MAPPING FOR PUBLIC SERVER prod OPTIONS (SET secret_key 'tr_prod_AlphaProdRootKey00000001');
EXECUTE cached;
RESET plan_cache_mode;
SELECT right(r, 16) FROM request_headers('authorization') AS r;
-- a scan that has begun keeps its credential
BEGIN;
DECLARE c CURSOR FOR SELECT environment FROM prod.runs;
FETCH 1 FROM c;
SET LOCAL trigger_fdw.access_token = 'tr_stg_AlphaStagingRootKey00002';
MOVE 290 IN c;
FETCH 1 FROM c;
COMMIT;
SELECT DISTINCT right(r, 16) FROM request_headers('authorization') AS r;

-- project, environment, branch: narrower than any option
SET trigger_fdw.access_token = 'tr_pat_owner0000000000000000000000000000000000a';
SET trigger_fdw.environment = 'staging';
SELECT environment, value, project_ref FROM prod.envvars WHERE name = 'LOG_LEVEL';
SET trigger_fdw.project_ref = 'proj_betaemulatedproject0';
SELECT environment, value, project_ref FROM prod.envvars WHERE name = 'LOG_LEVEL';
SET trigger_fdw.environment = '';
SELECT environment, value, project_ref FROM prod.envvars WHERE name = 'LOG_LEVEL' ORDER BY 1;
RESET trigger_fdw.access_token;
SELECT requests_sorted();
-- they must not contradict the credential
SET trigger_fdw.environment = 'dev';
SELECT failure('SELECT id FROM prod.runs');
RESET trigger_fdw.environment;
SELECT failure('SELECT name FROM prod.envvars');
RESET trigger_fdw.project_ref;
SELECT requests();
-- of another kind than the table needs
SET trigger_fdw.access_token = 'tr_pat_owner0000000000000000000000000000000000a';
SELECT failure('SELECT id FROM prod.schedules');
SET trigger_fdw.access_token = 'eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl';
SELECT failure('SELECT name FROM prod.envvars');
SELECT failure('SELECT id FROM prod.runs');
RESET trigger_fdw.access_token;
SELECT requests();

-- Two servers in one statement do not mix.
SELECT p.environment, a.environment, count(*) FROM prod.runs AS p JOIN pat.runs AS a USING (id)
WHERE p.status = 'FAILED' AND a.status = 'FAILED' AND a.environment = 'prod' GROUP BY 1, 2;
SELECT DISTINCT right(r, 16) FROM request_headers('authorization') AS r ORDER BY 1;
DROP FUNCTION inner_query, outer_query;
