"""Runs a module's unittest cases, a line each, and ends with "N passed, N failed, N skipped".

Every Python test of the project ends with `cases.main()`; tests/runner.py adds up the last lines.
Options: -k TEXT runs the cases whose name contains TEXT; -l lists them.
"""
import argparse
import sys
import time
import unittest


class _Result(unittest.TestResult):
    """Counts test methods: one passes when nothing in it failed."""

    def __init__(self):
        super().__init__()
        self.passed = 0
        self.failed = 0
        self._trouble = []

    def startTest(self, test):
        super().startTest(test)
        self._trouble = []
        self._skip = None
        self._since = time.monotonic()

    def _note(self, err, test):
        self._trouble.append(self._words(err, test))

    def _words(self, err, test):
        """An assertion of ours speaks for itself; anything else needs its traceback."""
        kind, value, trace = err
        if not issubclass(kind, test.failureException or AssertionError):
            return self._exc_info_to_string(err, test)
        while trace.tb_next and trace.tb_frame.f_code.co_name != test._testMethodName:
            trace = trace.tb_next
        return f"line {trace.tb_lineno}: {value}"

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(err, test)

    def addError(self, test, err):
        super().addError(test, err)
        self._note(err, test)
        if not hasattr(test, "_testMethodName"):  # a setUpModule or setUpClass that failed
            self.failed += 1
            self._report("FAIL", str(test), self._trouble.pop())

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._trouble.append(f"{subtest._subDescription()}\n{self._words(err, test)}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._skip = reason

    def stopTest(self, test):
        name = ".".join(test.id().split(".")[-2:])
        took = f"{time.monotonic() - self._since:.1f} s"
        if self._trouble:
            self.failed += 1
            self._report("FAIL", f"{name} ({took})", "\n".join(self._trouble))
        elif self._skip is not None:
            self._report("skip", name, self._skip)
        else:
            self.passed += 1
            self._report("ok", f"{name} ({took})", "")
        super().stopTest(test)

    @staticmethod
    def _report(word, name, text):
        print(f"{word:4} {name}")
        for line in text.rstrip().splitlines():
            print(f"     {line}")
        sys.stdout.flush()


def _flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from _flatten(item)
        else:
            yield item


def main(module="__main__"):
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default="", help="only the cases whose name contains this")
    parser.add_argument("-l", action="store_true", help="list the cases")
    options = parser.parse_args()
    chosen = [case for case in _flatten(unittest.defaultTestLoader.loadTestsFromName(module)) if options.k in case.id()]
    if options.l:
        print("\n".join(case.id() for case in chosen))
        return
    result = _Result()
    unittest.TestSuite(chosen).run(result)
    print(f"{result.passed} passed, {result.failed} failed, {len(result.skipped)} skipped")
    sys.exit(1 if result.failed else 0)
