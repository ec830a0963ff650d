#!/usr/bin/env python3
"""Run tests with the extension under AddressSanitizer and UBSan.

    PG_CONFIG=$(scripts/assert-server.sh) python3 test/sanitize/run.py [NAME ...]

A name is "regress", "behaviour" (without any: both) or that of a SQL test.

The extension is compiled with -fsanitize=address,undefined, its memory
contexts are guard.c's, and the server has the run-time library preloaded.  A
report ends the backend, so a test fails; it is printed as well.  Debian's own
server does not start with that library (it waits for a lock of gettext's),
hence the one without NLS.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "harness")]

import regress  # noqa: E402
import shadow  # noqa: E402

ROUNDS = ("regress", "behaviour")
FLAGS = ("-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer "
         "-DAllocSetContextCreateInternal=trigger_guard_context_create -I.")
# these measure a process's memory, which the sanitizers' malloc gives back late
WITHOUT = ("test_memory", "test_many_cancels_leak_nothing", "test_hundred_exceptions")


def library(name):
    """Path of one of gcc's run-time libraries."""
    path = subprocess.check_output(["gcc", f"-print-file-name={name}"], text=True).strip()
    if not os.path.isabs(path):
        sys.exit(f"gcc's library {name} is missing")
    return os.path.realpath(path)


def build(directory):
    """Build the extension and install it."""
    for name in ("guard.c", "guard.h"):
        shutil.copy(os.path.join(HERE, name), os.path.join(directory, "fdw", name))
    variables = ["WERROR=1", f"COPT={FLAGS}",
                 "SHLIB_LINK=-lcurl -ljson-c -fsanitize=address,undefined"]
    subprocess.run(["make", "-s", "-j2", *variables], cwd=directory, check=True)
    subprocess.run(["make", "-s", "install", *variables], cwd=directory, check=True)


def preload(bindir, reports):
    """Put a script in the place of postgres that starts it with the library."""
    program = os.path.join(bindir, "postgres")
    os.rename(program, program + ".real")
    with open(program, "w", encoding="ascii") as file:
        file.write(f"""#!/bin/sh
export PATH={bindir}:$PATH
export LD_PRELOAD={library("libasan.so")}
export ASAN_OPTIONS=detect_leaks=0:halt_on_error=1:abort_on_error=1:log_path={reports}/asan
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:abort_on_error=1:log_path={reports}/ubsan
exec "$0.real" "$@"
""")
    os.chmod(program, 0o755)
    # what a test has the server start does without it
    curl = os.path.join(bindir, "curl")
    with open(curl, "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\nunset LD_PRELOAD\nexec {shutil.which('curl')} \"$@\"\n")
    os.chmod(curl, 0o755)


def main():
    rounds = [name for name in sys.argv[1:] if name in ROUNDS]
    names = [name for name in sys.argv[1:] if name not in ROUNDS]
    if set(names) - set(regress.TESTS):
        sys.exit(f"there are only: {', '.join([*ROUNDS, *regress.TESTS])}")
    if names:
        rounds.append("regress")
    tests = [name for name in regress.TESTS if name in ("setup", *names) or not names]
    rounds = rounds or list(ROUNDS)
    failed = []
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        os.environ["PG_CONFIG"] = shadow.make(os.path.join(directory, "postgresql"))
        source = shadow.copy(os.path.join(directory, "build"))
        build(source)
        reports = os.path.join(directory, "reports")
        os.makedirs(reports)
        os.chmod(reports, 0o777)
        preload(shadow.ask("--bindir"), reports)
        for name in rounds:
            print(f"{name}:", flush=True)
            if name == "regress":
                passed, bad = regress.run(tests, os.path.join(directory, "results"))
                print(f"SQL: {passed} passed, {bad} failed", flush=True)
            else:
                bad = subprocess.run([sys.executable, "test/behaviour/run.py", "--without",
                                      *WITHOUT], cwd=TOP, check=False).returncode
            if bad:
                failed.append(name)
        found = glob.glob(os.path.join(reports, "*"))
        for path in found:
            with open(path, encoding="utf-8", errors="replace") as file:
                print(file.read())
    print(f"{len(found)} reports of the sanitizers")
    print(f"{len(rounds) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or found else 0


if __name__ == "__main__":
    sys.exit(main())
