#!/usr/bin/env python3
"""Run the SQL tests in a server under valgrind's memcheck.

    python3 test/valgrind/run.py [name ...]

An error counts if this extension is in its stack.  A distribution's server
does not tell memcheck about palloc, so what is found are mistakes with
malloc'd memory, with the stack and with values that were never set: those of
the HTTP part above all.  Memory contexts have tests of their own.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "harness")]

import cluster  # noqa: E402
import regress  # noqa: E402

SOURCES = {os.path.basename(path)
           for path in glob.glob(os.path.join(HERE, "..", "..", "fdw", "*.c"))}


def start(self):
    """Cluster.start with a server that runs under valgrind."""
    logs = os.path.join(self.directory, "memcheck")
    os.makedirs(logs, exist_ok=True)
    os.chmod(logs, 0o777)
    program = os.path.join(self.directory, "postgres")
    with open(program, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexec valgrind --quiet --trace-children=yes --num-callers=40 "
                   f"--leak-check=no --log-file={logs}/%p "
                   f"{os.path.join(cluster.bindir(), 'postgres')} \"$@\"\n")
    os.chmod(program, 0o755)
    subprocess.run([os.path.join(cluster.bindir(), "pg_ctl"), "-D", self.data, "-l", self.log,
                    "-w", "-t", "120", "-p", program, "start"], cwd=self.directory,
                   preexec_fn=self._demote, stdout=subprocess.DEVNULL, check=True)


def stop(self, mode="fast"):
    """Stop in an orderly way, then collect what was found."""
    plain_stop(self, "fast")
    for path in glob.glob(os.path.join(self.directory, "memcheck", "*")):
        with open(path, encoding="utf-8", errors="replace") as file:
            text = re.sub(r"^==\d+== ?", "", file.read(), flags=re.MULTILINE)
        for block in re.split(r"\n\s*\n", text):
            named = set(re.findall(r"\((\w+\.c):\d+\)", block))
            if "trigger_fdw.so" in block or named & SOURCES:
                errors.add(re.sub(r"0x[0-9A-F]+", "0x", block.strip()))


errors = set()
plain_stop = cluster.Cluster.stop


def main():
    cluster.Cluster.start = start
    cluster.Cluster.stop = stop
    with tempfile.TemporaryDirectory() as output:
        passed, failed = regress.run(
            [test for test in regress.TESTS
             if test == "setup" or not sys.argv[1:] or test in sys.argv[1:]], output)
    for error in sorted(errors):
        print(error, end="\n\n")
    print(f"{len(errors)} errors of memcheck; tests: {passed} passed, {failed} failed")
    return 1 if errors or failed else 0


if __name__ == "__main__":
    sys.exit(main())
