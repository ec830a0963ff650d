#!/usr/bin/env python3
"""All behaviour tests; the last line says how many passed and failed.

    run.py [-v] [PATTERN ...]       a pattern is part of a test's id
    run.py --without PATTERN ...    all but these
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


class Result(unittest.TextTestResult):
    """Remembers which tests were begun: those of a class whose set-up failed are not."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.started = set()

    def startTest(self, test):
        super().startTest(test)
        self.started.add(test.id())


def main():
    patterns = [word for word in sys.argv[1:] if not word.startswith("-")]
    without = "--without" in sys.argv[1:]
    found = unittest.defaultTestLoader.discover(HERE, "test_*.py")
    chosen = [test for test in tests(found)
              if not patterns
              or any(pattern in test.id() for pattern in patterns) != without]
    runner = unittest.TextTestRunner(verbosity=2 if "-v" in sys.argv else 1, stream=sys.stdout,
                                     resultclass=Result)
    result = runner.run(unittest.TestSuite(chosen))
    # a test counts once, however many of its parts have failed
    bad = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
    skipped = {test.id() for test, _ in result.skipped}
    print(f"{len(result.started - bad - skipped)} passed, {len(bad)} failed", flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
