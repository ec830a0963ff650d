/* fdw/trigger_fdw--0.1.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION trigger_fdw" to load this file. \quit

CREATE FUNCTION trigger_fdw_handler()
RETURNS fdw_handler
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT;

COMMENT ON FUNCTION trigger_fdw_handler() IS
    'foreign-data wrapper handler of trigger_fdw';

CREATE FUNCTION trigger_fdw_validator(text[], oid)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT;

COMMENT ON FUNCTION trigger_fdw_validator(text[], oid) IS
    'checks options of servers, user mappings, tables and columns';

CREATE FOREIGN DATA WRAPPER trigger_fdw
    HANDLER trigger_fdw_handler
    VALIDATOR trigger_fdw_validator;

COMMENT ON FOREIGN DATA WRAPPER trigger_fdw IS
    'Trigger.dev management API';

CREATE FUNCTION trigger_fdw_version()
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trigger_fdw_version() IS
    'version of the trigger_fdw library';

CREATE FUNCTION trigger_fdw_disconnect(server name)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION trigger_fdw_disconnect(name) IS
    'closes this session''s connections to a server; true if there were any';

CREATE FUNCTION trigger_fdw_stats(
    OUT server text,
    OUT requests bigint,
    OUT retries bigint,
    OUT bytes_received bigint,
    OUT rate_limit_waits bigint,
    OUT time_waited_ms double precision,
    OUT backoff_ms double precision,
    OUT rate_limit_remaining bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION trigger_fdw_stats() IS
    'what this session has asked of each server';

CREATE FUNCTION trigger_check_server(server name)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION trigger_check_server(name) IS
    'kind of credential, project and environment that a server is used with, and whether it answers';

CREATE FUNCTION trigger_replay_run(server name, run_id text, payload jsonb DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION trigger_replay_run(name, text, jsonb, jsonb) IS
    'runs a run''s task once more, with another payload or options if given; returns the new run''s id';

CREATE FUNCTION trigger_cancel_run(server name, run_id text)
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

COMMENT ON FUNCTION trigger_cancel_run(name, text) IS
    'cancels a run; one that is over stays as it is';

CREATE FUNCTION trigger_reschedule_run(server name, run_id text, delay text)
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

COMMENT ON FUNCTION trigger_reschedule_run(name, text, text) IS
    'puts off a delayed run, by a duration such as 1h30m or until a date';

CREATE FUNCTION trigger_upload_envvars(server name, variables jsonb, override boolean DEFAULT false, environment text DEFAULT NULL)
RETURNS integer
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION trigger_upload_envvars(name, jsonb, boolean, text) IS
    'sets environment variables from an object of names and values; returns their number';

CREATE FUNCTION trigger_query(server name, query text, scope text DEFAULT NULL, period text DEFAULT NULL, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL)
RETURNS SETOF jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION trigger_query(name, text, text, text, timestamptz, timestamptz) IS
    'runs a query in the API''s own language and returns the rows of its answer';

CREATE FUNCTION trigger_create_public_token(server name, scopes jsonb, expiration_time text DEFAULT NULL, realtime jsonb DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION trigger_create_public_token(name, jsonb, text, jsonb) IS
    'creates a public access token that may do what the scopes say';

CREATE FUNCTION trigger_create_trigger_token(server name, tasks text[], multiple_use boolean DEFAULT false, expiration_time text DEFAULT NULL, realtime jsonb DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION trigger_create_trigger_token(name, text[], boolean, text, jsonb) IS
    'creates a public access token that may trigger the tasks, once unless multiple_use';

CREATE FUNCTION trigger_create_batch_trigger_token(server name, tasks text[], multiple_use boolean DEFAULT false, expiration_time text DEFAULT NULL, realtime jsonb DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION trigger_create_batch_trigger_token(name, text[], boolean, text, jsonb) IS
    'creates a public access token that may trigger the tasks in batches, once unless multiple_use';

-- A token can be handed on and works without the database: its maker must be trusted.
REVOKE EXECUTE ON FUNCTION trigger_create_public_token(name, jsonb, text, jsonb) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION trigger_create_trigger_token(name, text[], boolean, text, jsonb) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION trigger_create_batch_trigger_token(name, text[], boolean, text, jsonb) FROM PUBLIC;
