#!/usr/bin/env python3
"""Run the SQL tests (sql/, expected/) with pg_regress.

    python3 test/regress.py [--keep DIRECTORY] [name ...]

Starts a private cluster and an emulator whose clock stands still, so that
the tests can assert rows and the exact requests that they took.  The file
`setup` always runs first.  With --keep the results stay in DIRECTORY, to be
compared and, once they are known to be right, copied to expected/.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(HERE, "harness"))

from cluster import Cluster, bindir  # noqa: E402
from emulator_process import Emulator  # noqa: E402

# 2026-06-01 00:00:00 UTC; run ids and everything else depend on the seed only
NOW = 1780272000000
SEED = 1

# In this order: later files use what `setup` has made, and nothing else.
TESTS = [
    "setup",
    "options",
    "import",
    "runs",
    "pushdown",
    "paging",
    "lookup",
    "lookup_join",
    "run_details",
    "envvars",
    "schedules",
    "pat",
    "account",
    "exchange",
    "sessions",
    "settings",
    "explain",
    "errors",
    "privileges",
    "writes_runs",
    "writes_runs_update",
    "writes_envvars",
    "writes_schedules",
    "writes_functions",
    "writes_sessions",
    "writes_misc",
    "tokens",
    "query",
]


def pg_regress():
    """Path of the program, which PGXS brings along."""
    config = os.environ.get("PG_CONFIG", "pg_config")
    pgxs = subprocess.check_output([config, "--pgxs"], text=True).strip()
    return os.path.join(os.path.dirname(pgxs), "..", "test", "regress", "pg_regress")


def run(tests, output):
    """Run the tests; returns the numbers of those that passed and failed."""
    with Cluster() as cluster, Emulator("small", 0, SEED, "--now", str(NOW)) as emulator:
        environment = {**cluster.environment(), "TRIGGER_EMULATOR_URL": emulator.url}
        command = [pg_regress(), f"--bindir={bindir()}", f"--inputdir={TOP}",
                   f"--outputdir={output}", "--dbname=regress_trigger_fdw",
                   "--encoding=UTF8", *tests]
        done = subprocess.run(command, env=environment, cwd=TOP, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    report = re.findall(r"^test .*\n", done.stdout, re.MULTILINE)
    print("".join(report) if len(report) == len(tests) else done.stdout, end="", flush=True)
    diffs = os.path.join(output, "regression.diffs")
    if os.path.exists(diffs):
        with open(diffs, encoding="utf-8", errors="replace") as file:
            shutil.copyfileobj(file, sys.stdout)
    passed = len(re.findall(r"^test .*\.\.\. ok\b", done.stdout, re.MULTILINE))
    # whatever did not report success, for instance after a crash, has failed
    return passed, max(len(tests) - passed, 1 if done.returncode else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", metavar="DIRECTORY", help="keep the results there")
    parser.add_argument("name", nargs="*", help="files to run: " + ", ".join(TESTS))
    arguments = parser.parse_args()
    unknown = set(arguments.name) - set(TESTS)
    if unknown:
        parser.error("no such test: " + ", ".join(sorted(unknown)))
    tests = [test for test in TESTS
             if test == "setup" or not arguments.name or test in arguments.name]
    output = arguments.keep or tempfile.mkdtemp(prefix="trigger_regress_")
    os.makedirs(output, exist_ok=True)
    try:
        passed, failed = run(tests, output)
    finally:
        if not arguments.keep:
            shutil.rmtree(output, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
