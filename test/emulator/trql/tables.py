"""The engine's tables and the rows that the emulator's state fills them with.

The tables are those of the analytical database, not the ones that queries name: the rows are
as the runs list's index has them, also of runs that are gone from the other database.
"""

import json
import time

from trql import schema

_RUN_COLUMNS = (
    ("organization_id", "String"), ("project_id", "String"), ("environment_id", "String"),
    ("run_id", "String"), ("environment_type", "LowCardinality(String)"),
    ("friendly_id", "String"), ("attempt", "UInt8"), ("engine", "LowCardinality(String)"),
    ("status", "LowCardinality(String)"), ("task_identifier", "String"), ("queue", "String"),
    ("schedule_id", "String"), ("batch_id", "String"), ("root_run_id", "String"),
    ("parent_run_id", "String"), ("depth", "UInt8"), ("idempotency_key", "String"),
    ("idempotency_key_user", "String"), ("idempotency_key_scope", "String"),
    ("worker_queue", "String"), ("created_at", "DateTime64(3)"),
    ("started_at", "Nullable(DateTime64(3))"), ("queued_at", "Nullable(DateTime64(3))"),
    ("executed_at", "Nullable(DateTime64(3))"), ("completed_at", "Nullable(DateTime64(3))"),
    ("delay_until", "Nullable(DateTime64(3))"), ("expired_at", "Nullable(DateTime64(3))"),
    ("expiration_ttl", "String"), ("usage_duration_ms", "UInt32"),
    ("cost_in_cents", "Float64"), ("base_cost_in_cents", "Float64"),
    ("output", "JSON(max_dynamic_paths = 64)"), ("error", "JSON(max_dynamic_paths = 64)"),
    ("output_text", "String"), ("error_text", "String"), ("tags", "Array(String)"),
    ("task_version", "String"), ("sdk_version", "String"), ("cli_version", "String"),
    ("machine_preset", "LowCardinality(String)"), ("is_test", "UInt8"),
    ("is_warm_start", "Nullable(UInt8)"), ("concurrency_key", "String"),
    ("max_duration_in_seconds", "Nullable(UInt32)"),
    ("bulk_action_group_ids", "Array(String)"), ("_version", "UInt64"),
)
_STATES = {
    "wait_quantiles": "AggregateFunction(quantiles(0.5, 0.9, 0.95, 0.99), Float64)",
    "ttfc_quantiles": "AggregateFunction(quantiles(0.5, 0.9, 0.95, 0.99), Float64)",
    "tps_quantiles": "AggregateFunction(quantiles(0.5, 0.9, 0.95, 0.99), Float64)",
    "duration_quantiles": "AggregateFunction(quantiles(0.5, 0.9, 0.95, 0.99), Float64)",
}
_SHAPE_COLUMNS = """
residue UInt32, status String, task String, version String, tags Array(String), queue String,
machine String, region String, is_test UInt8, in_batch UInt8, wait_ms UInt32, run_ms UInt32,
error_id String, schedule_id String, started UInt8, final UInt8"""
# the version that starts a run is also the one of the library and of the command line
LIBRARY_VERSION = "4.3.3"
EXECUTION_LAG_MS = 35
# an inner name instead of a region is not shown
NO_REGION = "cm0workergroup"
_NOT_STARTED = ("PENDING", "DELAYED", "PENDING_VERSION", "WAITING_FOR_DEPLOY", "EXPIRED")
# limits of a query on the real server; inserts are not bound by them
_LIMITS = ("SET session_timezone = 'UTC'", "SET max_execution_time = 10",
           "SET timeout_overflow_mode = 'throw'", "SET max_memory_usage = 1073741824",
           "SET max_ast_elements = 4000000", "SET max_expanded_ast_elements = 4000000",
           "SET output_format_json_quote_64bit_integers = 0")
# small blocks: a million rows would take twice the memory otherwise
_UNLIMITED = "SETTINGS max_execution_time = 0, max_memory_usage = 0, max_insert_threads = 1, " \
    "max_block_size = 20000, min_insert_block_size_rows = 100000"


def statements():
    """Return what creates the tables and sets the limits."""
    made = ["CREATE DATABASE trigger_dev"]
    made.append(
        "CREATE TABLE %s (%s) ENGINE = ReplacingMergeTree(_version) "
        "PARTITION BY toYYYYMM(created_at) "
        "ORDER BY (organization_id, project_id, environment_id, created_at, run_id)" % (
            schema.table("runs").physical,
            ", ".join("%s %s" % column for column in _RUN_COLUMNS)))
    for table in schema.tables().values():
        if table.name != "runs":
            made.append(_other_table(table))
    made.append("CREATE TABLE trigger_dev.shapes (%s) ENGINE = Memory" % _SHAPE_COLUMNS)
    return made + list(_LIMITS)


def _other_table(table):
    columns = ["%s String" % name for name in table.tenant
               if not table.is_exposed(name)]
    for column in table.columns.values():
        ch_type = _STATES.get(column.name, column.type)
        if column.name.endswith("_delta"):
            ch_type = "AggregateFunction(deltaSumTimestamp, UInt64, DateTime)"
        if ch_type == "DateTime64":
            ch_type = "DateTime64(3)"
        columns.append("%s %s" % (column.physical, ch_type))
    return "CREATE TABLE %s (%s) ENGINE = MergeTree ORDER BY tuple()" % (
        table.physical, ", ".join(columns))


# -- single rows ------------------------------------------------------------------------


def moment(ms):
    """Write a moment as the engine shows it, or None."""
    if ms is None:
        return None
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(ms // 1000)) + ".%03d" % (ms % 1000)


def facts(run, environment):
    """Return the row of a run, by inner names; moments are ms."""
    started = run.started_at
    executed = run.executed_at
    if executed is None and started is not None and run.status != "DEQUEUED":
        executed = started + EXECUTION_LAG_MS
    queued = run.queued_at
    if queued is None and run.status != "DELAYED":
        queued = run.created_at if run.delayed_until is None else run.delayed_until
    warm = run.is_warm_start
    if warm is None and started is not None:
        warm = run.created_at // 1000 % 2
    options = run.triggered_with or {}
    output = None if run.output_offloaded else run.output
    library = LIBRARY_VERSION if run.version else ""
    return {
        "organization_id": environment.project.organization.id,
        "project_id": environment.project.id, "environment_id": environment.id,
        "run_id": run.internal_id, "environment_type": environment.type,
        "friendly_id": run.id, "attempt": run.attempt_count, "engine": "V2",
        "status": run.indexed_statuses()[-1], "task_identifier": run.task, "queue": run.queue,
        "schedule_id": run.schedule_id or "", "batch_id": _bare(run.batch_id, "batch_"),
        "root_run_id": _bare(run.root_id, "run_"),
        "parent_run_id": _bare(run.parent_id, "run_"), "depth": run.depth,
        "idempotency_key": run.idempotency_key_hash or "",
        "idempotency_key_user": run.idempotency_key or "",
        "idempotency_key_scope": (run.idempotency_key_scope or "run")
        if run.idempotency_key else "",
        "worker_queue": run.region or NO_REGION, "created_at": run.created_at,
        "started_at": started, "queued_at": queued, "executed_at": executed,
        "completed_at": run.completed_at, "delay_until": run.delayed_until,
        "expired_at": run.expired_at, "expiration_ttl": run.ttl or "",
        "usage_duration_ms": run.duration_ms, "cost_in_cents": run.cost_in_cents,
        "base_cost_in_cents": run.base_cost_in_cents, "output_text": output or "",
        "error_text": run.error or "", "tags": list(run.tags),
        "task_version": run.version or "", "sdk_version": library, "cli_version": library,
        "machine_preset": run.machine or "", "is_test": int(run.is_test),
        "is_warm_start": None if warm is None else int(warm),
        "concurrency_key": run.concurrency_key or options.get("concurrencyKey") or "",
        "max_duration_in_seconds": run.max_duration or options.get("maxDuration"),
        "bulk_action_group_ids": [_bare(name, "bulk_") for name in run.bulk_action_ids],
    }


def _bare(name, prefix):
    return (name or "").removeprefix(prefix)


def row_text(values):
    """Return a row for the engine's table as a line of JSON, without its version."""
    row = dict(values)
    for name in ("created_at", "started_at", "queued_at", "executed_at", "completed_at",
                 "delay_until", "expired_at"):
        row[name] = moment(row[name])
    for name in ("output", "error"):
        row[name] = _wrapped(row[name + "_text"])
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def _wrapped(text):
    """Return a JSON text as the object that the engine's JSON type takes."""
    if not text:
        return {}
    try:
        return {"data": _storable(json.loads(text))}
    except (ValueError, RecursionError):
        return {}


def _storable(value):
    """Replace what the engine's JSON type refuses: integers beyond 64 bits, mixed arrays."""
    if isinstance(value, int) and not isinstance(value, bool) and not -2**63 <= value < 2**64:
        return float(value)
    if isinstance(value, dict):
        return {name: _storable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_storable(member) for member in value]
    return value


def other_row(table, environment, values):
    """Return a row of another table than the runs' as a line of JSON."""
    row = {"organization_id": environment.project.organization.id,
           "project_id": environment.project.id, "environment_id": environment.id}
    row = {name: value for name, value in row.items() if name in schema.table(table).tenant}
    columns = schema.table(table).columns
    row.update((columns[name].physical, value) for name, value in values.items())
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


# -- generated rows ---------------------------------------------------------------------


def shape_rows(bulk):
    """Return the rows of the table of shapes as lines of JSON."""
    lines = []
    for residue, shape in enumerate(bulk.shapes):
        lines.append(json.dumps({
            "residue": residue, "status": shape.status, "task": shape.task,
            "version": shape.version or "", "tags": shape.tags, "queue": shape.queue,
            "machine": shape.machine, "region": shape.region, "is_test": int(shape.is_test),
            "in_batch": int(shape.in_batch), "wait_ms": shape.wait_ms, "run_ms": shape.run_ms,
            "error_id": shape.error_id or "", "schedule_id": shape.schedule_id or "",
            "started": int(shape.status not in _NOT_STARTED),
            "final": int(bulk.is_final(shape.status))}))
    return "\n".join(lines)


def bulk_statement(bulk, environment):
    """Return the statement that makes all generated rows; the same as facts(bulk.run(n))."""
    hex8 = "leftPad(lower(hex(toUInt32(%s))), 8, '0')"
    ms = "toInt64(%d - number * %d)" % (bulk.newest, bulk.step)
    time_of = "fromUnixTimestamp64Milli(%s)"
    started = "if(started, " + time_of % "ms + wait_ms" + ", NULL)"
    executed = "if(started AND status != 'DEQUEUED', %s, NULL)" % (
        time_of % ("ms + wait_ms + %d" % EXECUTION_LAG_MS))
    output = "if(status = 'COMPLETED_SUCCESSFULLY', " \
        "concat('{\"ok\":true,\"number\":', toString(number), '}'), '')"
    error = "if(error_id = '', '', concat('{\"message\":\"failure of kind ', error_id, '\"}'))"
    values = {
        "organization_id": "'%s'" % environment.project.organization.id,
        "project_id": "'%s'" % environment.project.id,
        "environment_id": "'%s'" % environment.id, "run_id": "id",
        "environment_type": "'%s'" % environment.type, "friendly_id": "concat('run_', id)",
        "attempt": "started", "engine": "'V2'", "status": "status", "task_identifier": "task",
        "queue": "queue", "schedule_id": "schedule_id",
        "batch_id": "if(in_batch, concat('bulk', %s), '')" % (
            hex8 % ("intDiv(number, %d)" % bulk.batch_size)),
        "root_run_id": "''", "parent_run_id": "''", "depth": "0",
        "idempotency_key": "if(number % 7 = 0, lower(hex(SHA256(concat('key-', "
                           "toString(number))))), '')",
        "idempotency_key_user": "if(number % 7 = 0, concat('key-', toString(number)), '')",
        "idempotency_key_scope": "if(number % 7 = 0, 'run', '')", "worker_queue": "region",
        "created_at": time_of % "ms", "started_at": started,
        "queued_at": "if(status = 'DELAYED', NULL, %s)" % (time_of % "ms"),
        "executed_at": executed,
        "completed_at": "if(final, %s, NULL)" % (time_of % "ms + wait_ms + run_ms"),
        "delay_until": "NULL",
        "expired_at": "if(status = 'EXPIRED', %s, NULL)" % (time_of % "ms + 600000"),
        "expiration_ttl": "if(status = 'EXPIRED', '10m', '')", "usage_duration_ms": "run_ms",
        "cost_in_cents": "(run_ms * 337 + number % 1000) / 10000000",
        "base_cost_in_cents": "if(run_ms > 0, 0.0025, 0)",
        "output": "if({0} = '', '{{}}', concat('{{\"data\":', {0}, '}}'))".format(output),
        "error": "if({0} = '', '{{}}', concat('{{\"data\":', {0}, '}}'))".format(error),
        "output_text": output, "error_text": error, "tags": "tags", "task_version": "version",
        "sdk_version": "if(version = '', '', '%s')" % LIBRARY_VERSION,
        "cli_version": "if(version = '', '', '%s')" % LIBRARY_VERSION,
        "machine_preset": "machine", "is_test": "is_test",
        "is_warm_start": "if(started, intDiv(ms, 1000) % 2, NULL)", "concurrency_key": "''",
        "max_duration_in_seconds": "NULL", "bulk_action_group_ids": "[]", "_version": "0",
    }
    source = ("SELECT number, {ms} AS ms, concat('cb', {number}, {scrambled}, 'bulkrun') AS id "
              "FROM numbers({count})").format(
                  ms=ms, count=bulk.count, number=hex8 % "number",
                  scrambled=hex8 % "bitAnd(number * 2654435761, 4294967295)")
    return "INSERT INTO %s (%s) SELECT %s FROM (%s) AS n JOIN trigger_dev.shapes AS s " \
        "ON n.number %% %d = s.residue %s" % (
            schema.table("runs").physical, ", ".join(values), ", ".join(values.values()),
            source, len(bulk.shapes), _UNLIMITED)


# -- the truth --------------------------------------------------------------------------


def shown(run, environment):
    """Return a run as `SELECT` of all columns shows it, computed without the engine."""
    row = facts(run, environment)
    status = row["status"]
    executed, completed = row["executed_at"], row["completed_at"]
    queued, started = row["queued_at"], row["started_at"]
    cost, base = row["cost_in_cents"], row["base_cost_in_cents"]
    values = {
        "environment": environment.slug, "project": environment.project.ref,
        "attempt_count": row["attempt"], "status": schema.STATUS_TITLES[status],
        "is_finished": status in schema.FINISHED,
        "batch_id": row["batch_id"] and "batch_" + row["batch_id"] or None,
        "root_run_id": row["root_run_id"] and "run_" + row["root_run_id"] or None,
        "parent_run_id": row["parent_run_id"] and "run_" + row["parent_run_id"] or None,
        "is_root_run": row["depth"] == 0, "is_child_run": row["depth"] > 0,
        "idempotency_key": row["idempotency_key_user"], "run_id": row["friendly_id"],
        "region": None if row["worker_queue"].startswith("cm") else row["worker_queue"],
        "triggered_at": moment(row["created_at"]), "queued_at": moment(queued),
        "dequeued_at": moment(started), "executed_at": moment(executed),
        "completed_at": moment(completed), "delay_until": moment(row["delay_until"]),
        "has_delay": row["delay_until"] is not None, "expired_at": moment(row["expired_at"]),
        "ttl": row["expiration_ttl"], "execution_duration": _between(executed, completed),
        "total_duration": _between(row["created_at"], completed),
        "queued_duration": _between(queued, started),
        "usage_duration": row["usage_duration_ms"], "compute_cost": cost / 100.0,
        "invocation_cost": base / 100.0, "total_cost": (cost + base) / 100.0,
        "output": row["output_text"], "error": row["error_text"],
        "machine": row["machine_preset"], "is_test": bool(row["is_test"]),
        "max_duration": row["max_duration_in_seconds"],
    }
    return {name: values[name] if name in values else row[name]
            for name in schema.table("runs").columns}


def _between(start, end):
    return None if start is None or end is None else end - start


def oracle_rows(_world, environment):
    """Yield all runs of the query table as lines of JSON, without any window."""
    for run in environment.runs.indexed_runs():
        row = shown(run, environment)
        row["_"] = {"status": run.indexed_statuses()[-1], "createdMs": run.created_at,
                    "deleted": run.deleted, "environmentId": environment.id}
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":"))
