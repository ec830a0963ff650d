"""What the tests of the examples share: a cluster with pg_cron, emulators, a role for the jobs.

The example files are executed by psql as the role `worker`, once for all tests, and their jobs
are left to pg_cron (test_under_cron.py looks at what became of them). The other tests call the
files' procedures on tables, servers and an emulator of their own.
"""
import atexit
import json
import os
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "..", "..", "examples")
sys.path.insert(0, os.path.join(HERE, "..", "harness"))

from cluster import Cluster, bindir  # noqa: E402
from emulator_process import Emulator, credentials  # noqa: E402
from pgwire import PgError  # noqa: E402, F401
from setup import quote  # noqa: E402

PATIENCE = 20                   # seconds until a condition must hold
TIMEOUT = "30s"                 # the jobs' statement_timeout
# the columns of trigger_sync.runs, of the rows that the API has
ORACLE = """
SELECT row->>'id', row->>'status', row->>'taskIdentifier', row->>'idempotencyKey', row->>'version',
       (row->>'isTest')::boolean, (row->>'createdAt')::timestamptz,
       (row->>'updatedAt')::timestamptz, (row->>'startedAt')::timestamptz,
       (row->>'finishedAt')::timestamptz, (row->>'delayedUntil')::timestamptz, row->>'ttl',
       (row->>'expiredAt')::timestamptz, ARRAY(SELECT jsonb_array_elements_text(row->'tags')),
       (row->>'costInCents')::numeric, (row->>'baseCostInCents')::numeric,
       (row->>'durationMs')::bigint, (row->>'depth')::integer, row->'metadata', row->>'taskKind',
       row->>'region', replace(row->'env'->>'name', 'stg', 'staging'), row->'env'->>'id',
       row->'env'->>'user'
FROM jsonb_array_elements({}::jsonb) AS row"""

_shared = {}


def _destroy():
    for shared in reversed(_shared.values()):
        shared.destroy()


def start(**dataset):
    """An emulator that ends with the tests."""
    emulator = Emulator(**dataset)
    _shared[id(emulator)] = emulator
    return emulator


def emulator():
    """The emulator of all tests that call procedures themselves."""
    if "emulator" not in _shared:
        _shared["emulator"] = Emulator("empty")
    return _shared["emulator"]


def add_server(session, name, url, key, role="worker", options=()):
    """A server and schema `name` that `role` may use, with a mapping for nobody else.

    This is what examples/README.md tells to do.
    """
    listed = ", ".join(f"{option} {quote(value)}" for option, value in (
        ("base_url", url), ("project_ref", credentials.PROJECT_ALPHA), *dict(options).items()))
    session.query(
        f"CREATE SERVER {name} FOREIGN DATA WRAPPER trigger_fdw OPTIONS ({listed});"
        f"CREATE SCHEMA {name};"
        f"IMPORT FOREIGN SCHEMA management FROM SERVER {name} INTO {name};"
        f"GRANT USAGE ON FOREIGN SERVER {name} TO {role}; GRANT USAGE ON SCHEMA {name} TO {role};"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {role};"
        f"CREATE USER MAPPING FOR {role} SERVER {name} OPTIONS (secret_key {quote(key)})")


def pkglibdir():
    """Where the PostgreSQL of PG_CONFIG has its modules."""
    config = os.environ.get("PG_CONFIG", "pg_config")
    return subprocess.check_output([config, "--pkglibdir"], text=True).strip()


def psql(user, file, **variables):
    """Execute an example as it is."""
    arguments = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
    done = subprocess.run(
        [os.path.join(bindir(), "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments,
         "-d", "postgres", "-f", os.path.join(EXAMPLES, file)],
        env={**cluster().environment(), "PGUSER": user}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout)


def cluster():
    """The cluster of this process, with the extensions and the role `worker`."""
    if "cluster" not in _shared:
        if not os.path.exists(os.path.join(pkglibdir(), "pg_cron.so")):
            raise RuntimeError("this PostgreSQL has no pg_cron; for Debian's, \"scripts/setup.sh "
                               "check\" installs it")
        atexit.register(_destroy)
        _shared["cluster"] = Cluster([
            "shared_preload_libraries = 'pg_cron'", "cron.database_name = 'postgres'",
            "cron.use_background_workers = on", "max_worker_processes = 20"])
        with _shared["cluster"].connect() as session:
            session.query(
                "CREATE EXTENSION trigger_fdw; CREATE EXTENSION pg_cron;"
                "CREATE ROLE worker LOGIN; GRANT CREATE ON DATABASE postgres TO worker;"
                "GRANT CREATE ON SCHEMA public TO worker; GRANT USAGE ON SCHEMA cron TO worker;"
                f"ALTER ROLE worker SET statement_timeout = '{TIMEOUT}'")
            add_server(session, "prod", emulator().url, credentials.TR_PROD,
                       options={"max_retries": "1"})
    return _shared["cluster"]


def every_time(session):
    """A schedule of pg_cron that does not let us wait longer than need be."""
    version = session.one("SELECT extversion FROM pg_extension WHERE extname = 'pg_cron'")
    return "* * * * *" if version.split("-")[0] < "1.5" else "2 seconds"


def compare(session, copy, world, environment="prod", condition="true"):
    """How a copy differs from the API's rows; an empty list if it does not."""
    # not parsed here: that would round numbers
    lines = world.control("GET", f"/oracle/runs?project={credentials.PROJECT_ALPHA}"
                                 f"&environment={environment}").splitlines()
    session.query("CREATE TEMP TABLE IF NOT EXISTS oracle (LIKE trigger_sync.runs);"
                  "TRUNCATE oracle; INSERT INTO oracle "
                  + ORACLE.format(quote("[" + ",".join(lines) + "]")) + f" WHERE {condition}")
    return session.query(
        f"(SELECT 'more', id, status FROM (TABLE {copy} EXCEPT ALL TABLE oracle) x ORDER BY id)"
        "UNION ALL"
        f"(SELECT 'less', id, status FROM (TABLE oracle EXCEPT ALL TABLE {copy}) x ORDER BY id)")


def wait_until(condition, what, patience=PATIENCE):
    """Wait until `condition()` is true; returns its value."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"in vain waited for: {what}")
        time.sleep(0.005)


class Case(unittest.TestCase):
    """A test with a session `self.s` of the worker's, and an emulator as if just started."""

    DATASET = {"dataset": "small"}

    def setUp(self):
        import test_under_cron      # its jobs wait for pg_cron while other tests run
        test_under_cron.begin()
        self.cluster = cluster()
        self.emulator = emulator()
        self.emulator.reset(**self.DATASET)
        self.sessions = []
        self.s = self.session()
        self.addCleanup(self.close)

    def close(self):
        for session in self.sessions:
            session.close()

    def session(self, user="worker"):
        session = self.cluster.connect(user=user)
        self.sessions.append(session)
        return session

    def now(self):
        """The clock of the API's data, in milliseconds."""
        return int(json.loads(self.emulator.control("GET", "/now"))["now"])

    def add_runs(self, *runs, **common):
        """Insert runs; returns their ids."""
        body = [{"task": "send-email", **common, **run} for run in runs]
        return json.loads(self.emulator.control("POST", "/runs", body))["ids"]

    def change(self, run, **attributes):
        self.emulator.control("PATCH", f"/runs/{run}", attributes)

    def finish(self, run, **attributes):
        self.change(run, status="COMPLETED_SUCCESSFULLY", completed_at=self.now(), **attributes)

    def writes(self, kind):
        """The ids that the API has done something to, in order."""
        log = json.loads(self.emulator.control("GET", "/writes"))
        return [entry["ids"][0] for entry in log if entry["kind"] == kind]


def main():
    unittest.main(module="__main__", verbosity=2)
