#!/usr/bin/env python3
"""Run tests in a server with assertions.

    PG_CONFIG=$(scripts/assert-server.sh) python3 test/assert/run.py [NAME ...]

A name is "regress", "behaviour", "discard" (without any: all of them), or that
of a SQL test for the last.

Such a server checks its own invariants, overwrites memory that is freed, and
notices writes behind the end of a palloc.  "discard" is SQL tests with
debug_discard_caches: every cache is dropped as soon as it may be, so that
nothing may be used that was not held.  That is a hundred times slower, so it
takes only the files that differ in what they look up in catalogs; the others
differ in the API's answers (pushdown alone would take a quarter of an hour).
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "harness")]

import cluster  # noqa: E402
import regress  # noqa: E402
import shadow  # noqa: E402

ROUNDS = ("regress", "behaviour", "discard")
DISCARD = ["setup", "options", "import", "runs", "settings", "explain", "privileges",
           "writes_functions"]
plain_stop = cluster.Cluster.stop
traps = []


def stop(self, mode="immediate"):
    """Stop, and keep what the log says about assertions."""
    traps.extend(line for line in self.log_text().splitlines()
                 if line.startswith("TRAP") or "WARNING:  problem in" in line
                 or "terminated by signal" in line)
    plain_stop(self, mode)


def sql(tests):
    """The SQL tests; True if all is well."""
    with tempfile.TemporaryDirectory() as output:
        passed, failed = regress.run(tests, output)
    for trap in traps:
        print(trap)
    print(f"SQL: {passed} passed, {failed} failed", flush=True)
    return not failed and not traps


def main():
    rounds = [name for name in sys.argv[1:] if name in ROUNDS]
    names = [name for name in sys.argv[1:] if name not in ROUNDS]
    if set(names) - set(regress.TESTS):
        sys.exit(f"there are only: {', '.join([*ROUNDS, *regress.TESTS])}")
    if names:
        rounds = [*rounds, "discard"]
    rounds = rounds or list(ROUNDS)
    discard = [name for name in regress.TESTS
               if name in ("setup", *(names or DISCARD))]
    if "--enable-cassert" not in shadow.ask("--configure"):
        sys.exit("the server of PG_CONFIG has no assertions; see scripts/assert-server.sh")
    cluster.Cluster.stop = stop
    failed = []
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        os.environ["PG_CONFIG"] = shadow.make(os.path.join(directory, "postgresql"))
        shadow.install(os.path.join(directory, "build"), "WERROR=1")
        for name in rounds:
            print(f"{name}:", flush=True)
            if name == "regress":
                good = sql(regress.TESTS)
            elif name == "discard":
                os.environ["PGOPTIONS"] = "-c debug_discard_caches=1"
                good = sql(discard)
                del os.environ["PGOPTIONS"]
            else:
                good = not subprocess.run([sys.executable, "test/behaviour/run.py"], cwd=TOP,
                                          check=False).returncode
            if not good:
                failed.append(name)
    print(f"{len(rounds) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
