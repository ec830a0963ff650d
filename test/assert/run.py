#!/usr/bin/env python3
"""Run tests in a server with assertions.

    PG_CONFIG=$(scripts/assert-server.sh) python3 test/assert/run.py [regress|behaviour|discard ...]

Such a server checks its own invariants, overwrites memory that is freed, and
notices writes behind the end of a palloc.  Three rounds: the SQL tests, the
behaviour tests, and again the SQL tests that look at the catalogs, with
debug_discard_caches: every cache is dropped as soon as it may be, so that
nothing may be used that was not held.  That is a hundred times slower, which
is why the third round leaves out what differs only in the API's answers.
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
DISCARD = [*regress.TESTS]
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
    rounds = sys.argv[1:] or list(ROUNDS)
    if set(rounds) - set(ROUNDS):
        sys.exit(f"there are only: {', '.join(ROUNDS)}")
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
                good = sql(DISCARD)
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
