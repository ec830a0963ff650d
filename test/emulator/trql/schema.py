"""The tables of the query language and what they are called inside.

`schema.json` and `dashboards.json` are what the two GET endpoints of the real server answered.
"""

import functools
import json
import os

from run_status import DISPLAY
from trql.nodes import QueryProblem

_HERE = os.path.dirname(os.path.abspath(__file__))

# internal status -> the name that queries show
STATUS_TITLES = {
    "DELAYED": "Delayed", "PENDING": "Queued", "PENDING_VERSION": "Pending version",
    "WAITING_FOR_DEPLOY": "Pending version", "DEQUEUED": "Dequeued", "EXECUTING": "Executing",
    "WAITING_TO_RESUME": "Waiting", "RETRYING_AFTER_FAILURE": "Reattempting",
    "PAUSED": "Paused", "CANCELED": "Canceled", "INTERRUPTED": "Interrupted",
    "COMPLETED_SUCCESSFULLY": "Completed", "COMPLETED_WITH_ERRORS": "Failed",
    "SYSTEM_FAILURE": "System failure", "CRASHED": "Crashed", "EXPIRED": "Expired",
    "TIMED_OUT": "Timed out",
}
assert set(STATUS_TITLES) == set(DISPLAY)

# a query's statuses that count as finished (Paused does, Interrupted does not)
FINISHED = ("COMPLETED_SUCCESSFULLY", "COMPLETED_WITH_ERRORS", "CANCELED", "TIMED_OUT",
            "CRASHED", "SYSTEM_FAILURE", "EXPIRED", "PAUSED")

_RUNS_PHYSICAL = {
    "run_id": "friendly_id", "environment": "environment_id", "project": "project_id",
    "attempt_count": "attempt", "idempotency_key": "idempotency_key_user",
    "region": "worker_queue", "triggered_at": "created_at", "dequeued_at": "started_at",
    "ttl": "expiration_ttl", "usage_duration": "usage_duration_ms",
    "machine": "machine_preset", "max_duration": "max_duration_in_seconds",
}
_RUNS_EXPRESSIONS = {
    "is_finished": "if(status IN (%s), true, false)" % ", ".join(
        "'%s'" % status for status in FINISHED),
    "batch_id": "if(batch_id = '', NULL, 'batch_' || batch_id)",
    "root_run_id": "if(root_run_id = '', NULL, 'run_' || root_run_id)",
    "parent_run_id": "if(parent_run_id = '', NULL, 'run_' || parent_run_id)",
    "is_root_run": "if(depth = 0, true, false)",
    "is_child_run": "if(depth > 0, true, false)",
    "region": "if(startsWith(worker_queue, 'cm'), NULL, worker_queue)",
    "has_delay": "if(isNotNull(delay_until), true, false)",
    "execution_duration": "dateDiff('millisecond', executed_at, completed_at)",
    "total_duration": "dateDiff('millisecond', created_at, completed_at)",
    "queued_duration": "dateDiff('millisecond', queued_at, started_at)",
    "compute_cost": "cost_in_cents / 100.0",
    "invocation_cost": "base_cost_in_cents / 100.0",
    "total_cost": "(cost_in_cents + base_cost_in_cents) / 100.0",
    "is_test": "if(is_test > 0, true, false)",
}
_PREFIXES = {"batch_id": "batch_", "root_run_id": "run_", "parent_run_id": "run_",
             "bulk_action_group_ids": "bulk_"}
_MAPPED = {"environment": "environment_id", "project": "project_id"}
_PHYSICAL_TABLES = {
    "runs": "trigger_dev.task_runs_v2", "metrics": "trigger_dev.metrics_v1",
    "llm_metrics": "trigger_dev.llm_metrics_v1",
    "llm_models": "trigger_dev.llm_model_aggregates_v1",
    "queue_metrics": "trigger_dev.queue_metrics_v1",
    "env_metrics": "trigger_dev.env_metrics_v1",
    "queue_metrics_by_key": "trigger_dev.queue_metrics_by_key_v1",
}
# tables that the schema endpoint does not list here: (core?, name, type)
_UNLISTED = {
    "queue_metrics": "*queue String,*bucket_start DateTime,*started_delta UInt64,"
                     "*throttled_count UInt64,*max_queued UInt32,*max_running UInt32,"
                     "*max_limit UInt32,enqueue_delta UInt64,ack_delta UInt64,nack_delta UInt64,"
                     "dlq_delta UInt64,max_env_queued UInt32,max_env_running UInt32,"
                     "max_env_limit UInt32,max_ck_backlogged UInt32,max_ck_wait_ms UInt64,"
                     "wait_ms_sum UInt64,wait_ms_count UInt64,wait_quantiles String,"
                     "environment String,project String",
    "env_metrics": "*bucket_start DateTime,*max_env_queued UInt32,*max_env_running UInt32,"
                   "*max_env_limit UInt32,*throttled_count UInt64,wait_ms_sum UInt64,"
                   "wait_ms_count UInt64,wait_quantiles String,environment String,"
                   "project String",
    "queue_metrics_by_key": "*queue String,*concurrency_key String,*bucket_start DateTime,"
                            "*enqueue_delta UInt64,started_delta UInt64,ack_delta UInt64,"
                            "max_queued UInt32,max_running UInt32,wait_ms_sum UInt64,"
                            "wait_ms_count UInt64,environment String,project String",
}
TENANT = ("organization_id", "project_id", "environment_id")


class Column:
    """A column of a table and how the compiler treats it."""

    __slots__ = ("name", "type", "core", "physical", "expression", "prefix", "text", "mapped")

    def __init__(self, table, name, ch_type, core):
        runs = table == "runs"
        self.name = name
        self.type = ch_type
        self.core = core
        self.physical = _RUNS_PHYSICAL.get(name, name) if runs else _MAPPED.get(name, name)
        self.expression = _RUNS_EXPRESSIONS.get(name) if runs else None
        # what is cut off from texts that the column is compared with
        self.prefix = _PREFIXES.get(name) if runs else None
        # the column with the text of a JSON column
        self.text = name + "_text" if runs and ch_type == "JSON" else None
        self.mapped = name in ("environment", "project") or (runs and name == "status")


class Table:
    """A table with its columns in the listed order."""

    __slots__ = ("name", "physical", "time_column", "columns", "tenant", "filters", "final")

    def __init__(self, name, time_column, columns):
        self.name = name
        self.physical = _PHYSICAL_TABLES[name]
        self.time_column = time_column
        self.columns = {column.name: column for column in columns}
        self.tenant = () if name == "llm_models" else TENANT
        self.filters = (("engine", "V2"),) if name == "runs" else ()
        self.final = name == "runs"

    def is_exposed(self, physical):
        """Tell whether a column has an inner column behind it."""
        return any(column.physical == physical for column in self.columns.values())

    def core_columns(self):
        """Return what * stands for."""
        return [column for column in self.columns.values() if column.core]


def _load(name):
    with open(os.path.join(_HERE, name), encoding="utf-8") as file:
        return json.load(file)


@functools.cache
def listed():
    """Return the answer of the schema endpoint."""
    return _load("schema.json")


@functools.cache
def dashboards():
    """Return the answer of the dashboards endpoint."""
    return _load("dashboards.json")


@functools.cache
def tables():
    """Return all tables by name, in the order in which a query is searched for them."""
    found = {}
    for table in listed()["tables"]:
        name = table["name"]
        found[name] = Table(name, table["timeColumn"], [
            Column(name, column["name"], column["type"], column.get("coreColumn", False))
            for column in table["columns"]])
    for name, text in _UNLISTED.items():
        columns = [part.split(" ", 1) for part in text.split(",")]
        found[name] = Table(name, "bucket_start", [
            Column(name, column.lstrip("*"), ch_type, column.startswith("*"))
            for column, ch_type in columns])
    return found


def table(name):
    """Return a table or raise QueryProblem."""
    found = tables().get(name)
    if found is None:
        raise QueryProblem('Table "%s" is not accessible. Available tables: %s' % (
            name, ", ".join(tables())))
    return found


def internal_status(text):
    """Return the internal status that a text stands for; unknown texts stay."""
    if text in STATUS_TITLES:
        return text
    lowered = text.lower()
    for status, title in STATUS_TITLES.items():
        if title.lower() == lowered:
            return status
    return text
