--
-- projects, environments and branches: what a personal access token reaches.
--
\pset format unaligned
\pset tuples_only on
\pset null NULL
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
CALL reset_emulator();

SELECT id, external_ref, name, slug, created_at, default_region, organization FROM pat.projects ORDER BY name;
SELECT requests();
-- what only the retrieve endpoint has costs a request for each
SELECT external_ref, default_runtime FROM pat.projects ORDER BY 1;
SELECT requests();
SELECT name, default_runtime FROM pat.projects WHERE external_ref = 'proj_betaemulatedproject0';
SELECT name FROM pat.projects WHERE external_ref IN ('proj_betaemulatedproject0', 'proj_none', 'nonsense');
SELECT requests();

SELECT * FROM pat.environments ORDER BY slug;
SELECT requests();
SELECT * FROM pat.branches ORDER BY name;
SELECT requests();
-- a condition names another project than the option
SELECT environment, project_ref FROM pat.environments WHERE project_ref = 'proj_betaemulatedproject0' ORDER BY 1;
SELECT count(*) FROM pat.environments
WHERE project_ref IN ('proj_betaemulatedproject0', 'proj_alphaemulatedproject', 'nonsense');
SELECT count(*) FROM pat.environments WHERE project_ref = 'nonsense';
SELECT requests_sorted();
SELECT p.name, e.environment FROM pat.projects p JOIN pat.environments e ON e.project_ref = p.external_ref
WHERE p.name = 'beta' ORDER BY 2;
SELECT count(*) > 0 FROM requests();
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
SELECT p.name, count(*) FROM pat.projects p JOIN pat.environments e ON e.project_ref = p.external_ref
GROUP BY 1 ORDER BY 1;
SELECT requests();
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_material;
SELECT failure($$SELECT * FROM pat.environments WHERE project_ref = 'proj_foreignemulatedproj0'$$);
SELECT failure($$SELECT * FROM pat.branches WHERE project_ref = 'proj_betaemulatedproject0'$$);
SELECT requests();
-- no project at all
ALTER SERVER pat OPTIONS (DROP project_ref);
SELECT failure('SELECT * FROM pat.environments');
SELECT count(*) FROM pat.environments WHERE project_ref = 'proj_alphaemulatedproject';
SELECT count(*) FROM pat.projects;
SELECT requests();
ALTER SERVER pat OPTIONS (ADD project_ref 'proj_alphaemulatedproject');
-- a runs table beside them: names fit
SELECT e.environment, count(r.id) FROM pat.environments e LEFT JOIN pat.runs r ON r.environment = e.environment
WHERE e.type = 'STAGING' GROUP BY 1;
SELECT count(*) > 0 FROM requests();
-- other credentials
SELECT failure('SELECT * FROM prod.projects');
SELECT failure('SELECT * FROM prod.environments');
SELECT failure('SELECT * FROM prod.branches');
SELECT requests();
