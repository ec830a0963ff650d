--
-- Whose credential is used, and who may use it.
--
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CALL reset_emulator();
CREATE ROLE regress_trigger_alice;
CREATE ROLE regress_trigger_bob;
CALL create_server('shared', $$secret_key 'tr_prod_AlphaProdRootKey00000001'$$, $$max_retries '0'$$);
DROP USER MAPPING FOR PUBLIC SERVER shared;
CREATE USER MAPPING FOR regress_trigger_alice SERVER shared
    OPTIONS (secret_key 'tr_stg_AlphaStagingRootKey00002');
GRANT USAGE ON SCHEMA shared, emulator TO regress_trigger_alice, regress_trigger_bob;
GRANT SELECT ON ALL TABLES IN SCHEMA shared TO regress_trigger_alice, regress_trigger_bob;

-- everyone's own mapping
SET ROLE regress_trigger_alice;
SELECT DISTINCT environment FROM shared.runs;
-- no mapping, no request
SET ROLE regress_trigger_bob;
SELECT failure('SELECT id FROM shared.runs');
RESET ROLE;
SELECT requests();
-- a mapping for everyone else
CREATE USER MAPPING FOR PUBLIC SERVER shared OPTIONS (secret_key 'tr_dev_AlphaDevOwnerRootKey0003');
SET ROLE regress_trigger_bob;
SELECT DISTINCT environment FROM shared.runs;
SET ROLE regress_trigger_alice;
SELECT DISTINCT environment FROM shared.runs;
RESET ROLE;
-- one's own empty mapping hides it
CREATE USER MAPPING FOR regress_trigger_bob SERVER shared;
SET ROLE regress_trigger_bob;
SELECT failure('SELECT id FROM shared.runs');
-- a session's own token needs no mapping's
SET trigger_fdw.access_token = 'tr_prod_AlphaProdRootKey00000001';
SELECT DISTINCT environment FROM shared.runs;
RESET trigger_fdw.access_token;
RESET ROLE;
SELECT right(r, 16), count(*) FROM request_headers('authorization') AS r GROUP BY r ORDER BY 1;

-- through a view, it is its owner's
CREATE VIEW of_alice AS SELECT environment FROM shared.runs;
ALTER VIEW of_alice OWNER TO regress_trigger_alice;
GRANT SELECT ON of_alice TO regress_trigger_bob;
SET ROLE regress_trigger_bob;
SELECT DISTINCT environment FROM of_alice;
SELECT failure('EXPLAIN SELECT * FROM of_alice');
RESET ROLE;
-- security definer functions
CREATE FUNCTION by_alice() RETURNS text LANGUAGE sql SECURITY DEFINER
AS $$ SELECT min(environment) FROM shared.runs $$;
ALTER FUNCTION by_alice() OWNER TO regress_trigger_alice;
SET ROLE regress_trigger_bob;
SELECT by_alice();
RESET ROLE;
-- a prepared statement follows the role
PREPARE whose AS SELECT min(environment) FROM shared.runs;
SET plan_cache_mode = force_generic_plan;
SET ROLE regress_trigger_alice;
EXECUTE whose;
RESET ROLE;
DROP USER MAPPING FOR regress_trigger_bob SERVER shared;
SET ROLE regress_trigger_bob;
EXECUTE whose;
RESET ROLE;
RESET plan_cache_mode;
SELECT right(r, 16), count(*) FROM request_headers('authorization') AS r GROUP BY r ORDER BY 1;

-- ordinary privileges
REVOKE SELECT ON shared.envvars FROM regress_trigger_bob;
SET ROLE regress_trigger_bob;
SELECT failure('SELECT name FROM shared.envvars');
SELECT failure('SELECT trigger_check_server($$shared$$)');
-- nobody sees another one's credential
SELECT count(*), count(umoptions) FROM pg_user_mappings WHERE srvname = 'shared';
RESET ROLE;
SELECT failure('SELECT trigger_check_server($$none$$)');
SELECT requests();
-- reading only, for now
SELECT failure('DELETE FROM shared.timezones');
SELECT failure('UPDATE shared.timezones SET name = $$x$$');
SELECT failure('TRUNCATE shared.timezones');

-- What the session would use, and whether it works.
SELECT trigger_check_server('prod') - 'base_url';
SELECT trigger_check_server('pat') - 'base_url';
SET trigger_fdw.access_token = 'tr_prod_revoked';
SELECT trigger_check_server('prod') - 'base_url';
RESET trigger_fdw.access_token;
SELECT requests();
-- and what it has asked so far
SELECT server, requests > 0 AS requests, retries, rate_limit_waits
FROM trigger_fdw_stats() WHERE server IN ('prod', 'pat') ORDER BY 1;
SELECT count(*) FROM trigger_fdw_stats() AS s WHERE s::text LIKE '%tr\_%';
SELECT trigger_fdw_disconnect('prod'), trigger_fdw_disconnect('prod');
SELECT trigger_fdw_version();
SELECT count(*) FROM prod.runs WHERE status = 'FAILED';

DROP VIEW of_alice;
DROP FUNCTION by_alice;
DROP SERVER shared CASCADE;
DROP SCHEMA shared CASCADE;
REVOKE USAGE ON SCHEMA emulator FROM regress_trigger_alice, regress_trigger_bob;
DROP ROLE regress_trigger_alice;
DROP ROLE regress_trigger_bob;
