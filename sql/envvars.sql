--
-- Table "envvars": environment variables, and what is not told about them.
--
\pset format unaligned
\pset tuples_only on
\pset null NULL
CALL reset_emulator();

SELECT name, left(value, 20) AS value, is_secret FROM prod.envvars
WHERE name !~ '^PLAIN_0[^05]' ORDER BY name;
SELECT requests();
SELECT DISTINCT environment, branch, project_ref, count(*) FROM prod.envvars GROUP BY 1, 2, 3;
SELECT requests();
-- every value as it is; a secret's is NULL, decided by the flag and not by the text
SELECT count(*), count(*) FILTER (WHERE v.value IS NOT DISTINCT FROM
                                  CASE WHEN NOT v.is_secret THEN o.row->'_'->>'value' END)
FROM prod.envvars AS v JOIN emulator.oracle AS o ON o.row->>'name' = v.name
WHERE o.resource = 'envvars' AND o.environment = 'prod';
SELECT name FROM prod.envvars WHERE value = '<redacted>';
SELECT name FROM prod.envvars WHERE value IS NULL ORDER BY 1;
SELECT count(*) FROM prod.envvars AS a JOIN prod.envvars AS b USING (value)
WHERE a.name = 'DATABASE_URL' AND b.name = 'API_TOKEN';
SELECT count(*) > 3 FROM requests();

-- by name: one request
SELECT name, value, is_secret, environment FROM prod.envvars WHERE name = 'LOG_LEVEL';
SELECT name, value, is_secret FROM prod.envvars WHERE name = 'DATABASE_URL';
SELECT name, value FROM prod.envvars WHERE name IN ('LOG_LEVEL', 'EQUALS', 'NOT_THERE') ORDER BY 1;
SELECT name, value FROM prod.envvars WHERE name = 'LOG_LEVEL' AND is_secret;
SELECT requests();
-- names are not restricted, and case-sensitive
SELECT name, value FROM prod.envvars
WHERE name IN ('has space', 'path/with/slash', 'with%percent', 'dotted.name-1', 'lower_case', 'LOWER_CASE')
ORDER BY 1;
SELECT request_targets();
-- The platform's own are never listed, so looking for one finds nothing either.
SELECT count(*) FROM prod.envvars WHERE name = 'TRIGGER_SECRET_KEY';
SELECT count(*) FROM prod.envvars WHERE name IN ('TRIGGER_API_URL', '');
SELECT requests();
SELECT count(*) FROM prod.envvars WHERE name IN ('TRIGGER_SECRET_KEY', 'LOG_LEVEL');
SELECT requests();
-- "." cannot be a path segment, so it is looked for in the list
SELECT count(*) FROM prod.envvars WHERE name = '.';
SELECT count(*) FROM prod.envvars WHERE name LIKE 'PLAIN%';
SELECT requests();

--
-- Environments.  With a secret key there is only its own.
--
SELECT count(*) FROM prod.envvars WHERE environment = 'prod';
SELECT count(*) FROM prod.envvars WHERE environment IN ('prod', 'staging') AND name = 'LOG_LEVEL';
SELECT requests();
SELECT count(*) FROM prod.envvars WHERE environment = 'staging';
SELECT count(*) FROM prod.envvars WHERE environment = 'nonsense';
SELECT requests();
SELECT count(*) FROM prod.envvars WHERE environment <> 'prod';
SELECT count(*) FROM prod.envvars WHERE project_ref = 'proj_alphaemulatedproject' AND branch IS NULL;
SELECT requests();
-- With a personal access token, any; a request each.
SELECT environment, value FROM pat.envvars WHERE name = 'LOG_LEVEL' AND environment = 'staging';
SELECT requests();
SELECT environment, value FROM pat.envvars
WHERE name = 'LOG_LEVEL' AND environment IN ('prod', 'dev', 'preview') ORDER BY 1;
SELECT requests();
SELECT environment, count(*) FROM pat.envvars WHERE environment IN ('prod', 'staging') GROUP BY 1 ORDER BY 1;
SELECT requests();
-- no condition: those that the project has
SELECT environment, count(*), count(*) FILTER (WHERE is_secret) FROM pat.envvars GROUP BY 1 ORDER BY 1;
SELECT requests();
SELECT environment, value FROM pat.envvars WHERE name = 'ONLY_STG' OR name = 'ONLY_PROD' ORDER BY 1;
SELECT requests();
-- a name that no environment has is not asked for
SELECT count(*) FROM pat.envvars WHERE environment = 'production';
SELECT count(*) FROM pat.envvars WHERE environment = 'stg';
SELECT requests();

-- A branch is sent for preview only: for others it would lead to the branch.
SET trigger_fdw.branch = 'feature-xyz';
SELECT environment, branch, value FROM pat.envvars
WHERE name = 'LOG_LEVEL' AND environment IN ('prod', 'preview') ORDER BY 1;
SELECT request_headers('x-trigger-branch');
SELECT name, value, is_secret FROM pat.envvars
WHERE environment = 'preview' AND name IN ('BRANCH_ONLY', 'PARENT_ONLY', 'API_TOKEN', 'BRANCH_SECRET') ORDER BY 1;
RESET trigger_fdw.branch;
SELECT environment, branch, count(*) FROM pat.envvars WHERE environment = 'preview' GROUP BY 1, 2;
SELECT DISTINCT request_headers('x-trigger-branch');

-- What does not exist: a variable is a search, a project or a branch is not.
SET trigger_fdw.project_ref = 'proj_none';
SELECT failure($$SELECT name FROM pat.envvars WHERE environment = 'prod'$$);
SELECT failure($$SELECT name FROM pat.envvars WHERE environment = 'prod' AND name = 'LOG_LEVEL'$$);
SELECT failure($$SELECT name FROM prod.envvars$$);
SET trigger_fdw.project_ref = 'proj_foreignemulatedproj0';
SELECT failure($$SELECT name FROM pat.envvars WHERE environment = 'prod'$$);
RESET trigger_fdw.project_ref;
SET trigger_fdw.branch = 'no-such-branch';
SELECT failure($$SELECT name FROM pat.envvars WHERE environment = 'preview'$$);
SELECT failure($$SELECT name FROM pat.envvars WHERE environment = 'preview' AND name = 'LOG_LEVEL'$$);
RESET trigger_fdw.branch;
SELECT requests();

-- parameters and joins
PREPARE by_name (text) AS SELECT value FROM prod.envvars WHERE name = $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE by_name ('LOG_LEVEL');
EXECUTE by_name (NULL);
SELECT n, value FROM (VALUES ('LOG_LEVEL'), ('EQUALS'), ('NOT_THERE')) AS v (n)
    LEFT JOIN prod.envvars ON name = n ORDER BY 1;
SELECT count(*) BETWEEN 2 AND 4 FROM requests();
