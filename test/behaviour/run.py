#!/usr/bin/env python3
"""All behaviour tests; the last line says how many passed and failed.

    run.py [-v] [PATTERN ...]       a pattern is part of a test's id
"""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def tests(suite):
    """The single tests of nested suites."""
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests(item)
        else:
            yield item


def main():
    patterns = [word for word in sys.argv[1:] if not word.startswith("-")]
    found = unittest.defaultTestLoader.discover(HERE, "test_*.py")
    chosen = unittest.TestSuite(
        test for test in tests(found)
        if not patterns or any(pattern in test.id() for pattern in patterns))
    result = unittest.TextTestRunner(
        verbosity=2 if "-v" in sys.argv else 1, stream=sys.stdout).run(chosen)
    bad = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{result.testsRun - bad - len(result.skipped)} passed, {bad} failed", flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
