"""SIGKILL at every enumerated point of accept, queue and relay.

The server runs with strike.c, which kills it at the n-th call that changes a file or speaks to the network: before
the call, after it, and with half of it written. The way of way.py is cut there; the server is started again and must
hold what it promised. n = 0, 1, 2 … until a round is not cut (POSTHORN_LONG), otherwise a spread of these points.
"""
import os
import signal
import sys
import time
import unittest
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
from strike import Strike  # noqa: E402
from unpack import Unavailable  # noqa: E402
from way import Way, marks_of  # noqa: E402

LONG = bool(os.environ.get("POSTHORN_LONG"))
SHORT_SECONDS = 50
STARTS = range(0, 80) if LONG else range(0, 40, 5)
SHORT_POINTS_MIN = 6  # fewer would say nothing
STILL_SECONDS = 0.25  # an uncut round is over when nothing was counted for so long
MISSES_MAX = 3
VARIANTS = ("before", "after", "half")


class Points(unittest.TestCase):
    def setUp(self):
        try:
            self.way = Way()
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(self.way.close)
        self.posthorn = self.way.posthorn
        self.strike = Strike(self.posthorn.folder)
        self.posthorn.stop()
        self.posthorn.serve(env=self.strike.environment())
        self.calls = Counter()

    def test_killed_at_every_point(self):
        total = self.uncut()
        self.assertGreater(total, 40, "the round does not pass the points it is meant to pass")
        points = self.every_point() if LONG else self.spread_points(total)
        repeats = cut = 0
        for at, variant in points:
            status, wrong, repeated = self.cut(at, variant)
            self.assertEqual(wrong, [], f"killed {variant} call {at} ({self.strike.call})")
            repeats += repeated
            cut += status
        print(f"     {total} calls in an uncut round; killed at {cut} points: {dict(self.calls)}; {repeats} repeats at the neighbour", flush=True)
        self.assertGreaterEqual(cut, SHORT_POINTS_MIN)
        self.posthorn.stop()
        self.assertEqual(self.posthorn.run("store", "verify").returncode, 0)

    def test_killed_again_while_it_starts(self):
        """Recovery, sweep and the first attempts of what was queued are cut, too."""
        total, again = self.uncut(), Counter()
        for number, at in enumerate(STARTS):
            self.strike.arm(int(total * (0.1 + 0.8 * number / len(STARTS))), VARIANTS[number % len(VARIANTS)])
            self.way.walk()
            self.settle()
            if not self.strike.struck:
                self.assertEqual(self.way.wrong(Counter()), [], "a round that was not cut")
                continue
            self.way.relayed_now()
            self.posthorn.kill()
            self.strike.arm(at, VARIANTS[number // 2 % len(VARIANTS)])
            try:
                self.posthorn.serve(env=self.strike.environment())
                self.settle()
            except RuntimeError:  # it was ended before it was ready
                pass
            again[self.strike.call or "not struck"] += 1
            relayed_before = self.way.relayed_now() if self.strike.struck else self.way.relayed_there()
            self.posthorn.kill()
            self.strike.disarm()
            self.posthorn.serve(env=self.strike.environment())
            self.way.wait_for_the_rest()
            self.assertEqual(self.way.wrong(relayed_before, cuts=2), [], f"killed again at call {at} ({self.strike.call}) of a start")
            self.posthorn.ok("store", "verify")
        print(f"     killed again at {dict(again)}", flush=True)
        self.assertGreater(again.total() - again["not struck"], len(STARTS) // 4)

    def uncut(self):
        """Calls of a round that nobody cuts."""
        self.strike.arm(-1, "count")
        self.assertIsNone(self.way.walk())
        self.settle()
        self.assertEqual(self.way.wrong(Counter()), [], "without any fault")
        return self.strike.counted

    def every_point(self):
        """(n, variant) for n = 0, 1, 2 …; a variant is over when several rounds on end were not cut (rounds differ by a few calls)."""
        for variant in VARIANTS:
            at = missed = 0
            while missed < MISSES_MAX:
                yield at, variant
                at, missed = at + 1, 0 if self.last_struck else missed + 1

    def spread_points(self, total):
        """As many as the time allows, far from each other first: n runs through the golden section of the calls."""
        end, share, number = time.monotonic() + SHORT_SECONDS, 0.0, 0
        while number < SHORT_POINTS_MIN or time.monotonic() < end:
            yield int(share * total), VARIANTS[number % len(VARIANTS)]
            share, number = (share + 0.6180339887) % 1.0, number + 1

    def cut(self, at, variant):
        self.strike.arm(at, variant)
        self.way.walk()
        self.settle()
        self.last_struck = self.strike.struck > 0
        relayed_before = Counter()
        if self.last_struck:
            relayed_before = self.way.relayed_now()
            self.assertEqual(self.posthorn.process.status(), -signal.SIGKILL)
            self.calls[f"{variant} {self.strike.call}"] += 1
            self.posthorn.kill()
            self.assertEqual(self.posthorn.run("store", "verify").returncode, 0, f"verify as call {at} left it")
            self.strike.disarm()
            self.posthorn.serve(env=self.strike.environment())
            self.way.wait_for_the_rest()
        wrong = self.way.wrong(relayed_before)
        verified = self.posthorn.run("store", "verify")
        if verified.returncode:
            wrong.append(verified.stdout + verified.stderr)
        there = marks_of((message.octets for message in self.way.sink.messages[self.way.relayed:]), [])
        return self.last_struck, wrong, there.total() - len(there)

    def settle(self):
        """Until the server was struck, or everything is done and nothing is counted any more."""
        counted, still_since = -1, time.monotonic()
        while not self.strike.struck and time.monotonic() < still_since + STILL_SECONDS:
            if self.strike.counted != counted or not (self.strike.struck or self.way.queue_is_empty()):
                counted, still_since = self.strike.counted, time.monotonic()
            time.sleep(0.02)
        if self.strike.struck:
            self.posthorn.process._process.wait(10)


if __name__ == "__main__":
    cases.main()
