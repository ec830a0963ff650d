#!/usr/bin/env python3
"""Unit tests of the splitting of lists (fdw/split.c).

    python3 test/split/run.py
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FDW = os.path.join(HERE, "..", "..", "fdw")


def main():
    config = os.environ.get("PG_CONFIG", "pg_config")
    include = subprocess.check_output([config, "--includedir-server"], text=True).strip()
    with tempfile.TemporaryDirectory() as directory:
        program = os.path.join(directory, "test_split")
        subprocess.run(["gcc", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-sign-compare",
                        "-Wno-missing-field-initializers", "-fsanitize=undefined", "-I", include,
                        "-I", FDW, "-o", program, os.path.join(HERE, "test_split.c"),
                        os.path.join(FDW, "split.c"), "-lm"], check=True)
        sys.exit(subprocess.run([program], check=False).returncode)


if __name__ == "__main__":
    main()
