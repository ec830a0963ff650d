"""Plain tables that hold what the API has, straight from the emulator's oracle.

The oracle's JSON goes into PostgreSQL as it is, and PostgreSQL takes it apart: none of the
extension's conversions are repeated in Python, and numbers stay exact.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))

from emulator_process import credentials  # noqa: E402
from setup import quote  # noqa: E402

# Columns that the API filters by but never returns, and those that only writes have.
HIDDEN = {
    "runs": ("queue", "machine", "batch_id", "schedule_id", "bulk_action_id", "error_id"),
    "run_details": ("queue", "machine", "schedule_id", "bulk_action_id", "error_id"),
}
UNREADABLE = {
    "runs": ("payload", "idempotency_key", "trigger_options"),
    # links that are signed anew for each answer
    "run_details": ("payload_presigned_url", "output_presigned_url"),
}

_FLAGS = {f"is_{name}": f"(d->>'is{name.capitalize()}')::boolean"
          for name in ("queued", "executing", "waiting", "completed", "success", "failed",
                       "cancelled")}


def _time(field):
    return f"(d->>'{field}')::timestamptz"


_HIDDEN = {
    "queue": "d->'_'->>'queue'", "machine": "d->'_'->>'machine'",
    "schedule_id": "d->'_'->>'scheduleId'", "bulk_action_id": "d->'_'->'bulkActionIds'->>0",
    "error_id": "d->'_'->>'errorId'", "batch_id": "d->'_'->>'batchId'",
}
_COMMON = {
    "id": "d->>'id'", "status": "d->>'status'", "task_identifier": "d->>'taskIdentifier'",
    "version": "d->>'version'", "is_test": "(d->>'isTest')::boolean",
    "created_at": _time("createdAt"), "updated_at": _time("updatedAt"),
    "started_at": _time("startedAt"), "finished_at": _time("finishedAt"),
    "delayed_until": _time("delayedUntil"), "ttl": "d->>'ttl'", "expired_at": _time("expiredAt"),
    "tags": "ARRAY(SELECT jsonb_array_elements_text(d->'tags'))",
    "cost_in_cents": "(d->>'costInCents')::numeric",
    "base_cost_in_cents": "(d->>'baseCostInCents')::numeric",
    "duration_ms": "(d->>'durationMs')::bigint", "depth": "(d->>'depth')::integer",
    "metadata": "nullif(d->'metadata', 'null')", "region": "d->>'region'", **_FLAGS, **_HIDDEN,
}
COLUMNS = {
    "runs": {
        **_COMMON, "idempotency_key_hash": "d->>'idempotencyKey'",
        "task_kind": "d->>'taskKind'", "env_id": "d->'env'->>'id'",
        "environment": "CASE d->'env'->>'name' WHEN 'stg' THEN 'staging'"
                       " ELSE d->'env'->>'name' END",
        "env_user": "d->'env'->>'user'",
    },
    "run_details": {
        **_COMMON, "idempotency_key": "d->>'idempotencyKey'", "batch_id": "d->>'batchId'",
        "payload": "coalesce(d->'payload', (d->'_'->>'offloadedPayload')::jsonb)",
        "output": "coalesce(d->'output', (d->'_'->>'offloadedOutput')::jsonb)",
        "error": "nullif(d->'error', 'null')", "attempt_count": "(d->>'attemptCount')::integer",
        "trigger_function": "d->>'triggerFunction'", "schedule": "nullif(d->'schedule', 'null')",
        "root_run_id": "d#>>'{relatedRuns,root,id}'",
        "parent_run_id": "d#>>'{relatedRuns,parent,id}'",
        "child_run_ids": "ARRAY(SELECT c->>'id' FROM"
                         " jsonb_array_elements(d#>'{relatedRuns,children}') c)",
    },
    "schedules": {
        "id": "d->>'id'", "type": "d->>'type'", "task": "d->>'task'",
        "active": "(d->>'active')::boolean", "cron": "d#>>'{generator,expression}'",
        "cron_description": "d#>>'{generator,description}'", "timezone": "d->>'timezone'",
        "schedule_window": "d->>'window'", "deduplication_key": "d->>'deduplicationKey'",
        "external_id": "d->>'externalId'",
        # of an inactive schedule the API shows one in the list, none in a look-up
        "next_run": f"CASE WHEN (d->>'active')::boolean THEN {_time('nextRun')} END",
        "next_run_effective_at":
            f"CASE WHEN (d->>'active')::boolean THEN {_time('nextRunEffectiveAt')} END",
        "environments": "(SELECT jsonb_agg(jsonb_build_object('id', e->'id', 'type', e->'type'))"
                        " FROM jsonb_array_elements(d->'environments') e)",
    },
    "envvars": {
        "name": "d->>'name'",
        "value": "CASE WHEN NOT (d->>'isSecret')::boolean THEN d->>'value' END",
        "is_secret": "(d->>'isSecret')::boolean",
        "environment": "d->>'environment'", "branch": "d->>'branch'",
        "project_ref": quote(credentials.PROJECT_ALPHA),
    },
}


def load(session, emulator, table, like, resource, environments=("prod",)):
    """Make `table` like the foreign table `like`, with the oracle's rows in it.

    The rows are those of all `environments` (the API's slugs).
    """
    columns = COLUMNS[resource]
    session.query(f"CREATE TABLE {table} (LIKE {like}); CREATE TEMP TABLE stage (d jsonb)")
    for environment in environments:
        lines = emulator.control("GET", f"/oracle/{resource}?project="
                                        f"{credentials.PROJECT_ALPHA}&environment={environment}")
        shown = "staging" if environment == "stg" else environment.partition("-")[0]
        rows = lines.splitlines()
        for at in range(0, len(rows), 1000):
            session.query("INSERT INTO stage SELECT v::jsonb || jsonb_build_object("
                          f"'environment', {quote(shown)}) FROM (VALUES "
                          + ", ".join(f"({quote(row)})" for row in rows[at:at + 1000])
                          + ") AS t(v)")
    present = set(session.column(f"SELECT attname FROM pg_attribute WHERE attnum > 0 AND"
                                 f" attrelid = '{table}'::regclass"))
    missing = present - set(columns) - set(UNREADABLE.get(resource, ()))
    if missing:
        raise RuntimeError(f"{table}: no oracle for columns {sorted(missing)}")
    names = [name for name in columns if name in present]
    session.query(f"INSERT INTO {table} ({', '.join(names)}) SELECT "
                  + ", ".join(columns[name] for name in names)
                  + f" FROM stage; DROP TABLE stage; ANALYZE {table}")
    return int(session.one(f"SELECT count(*) FROM {table}"))
