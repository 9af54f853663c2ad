"""Full and broken disks under the whole server.

A full disk is answered with 452 4.3.1, the queue drains meanwhile, and service resumes by itself. A disk with errors
ends the process with a clear message, and a restart finds everything that was acknowledged.
"""
import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
from jail import wait_until  # noqa: E402
from strike import SYNC, WRITE, Strike  # noqa: E402
from unpack import Unavailable  # noqa: E402
from way import KINDS, Way  # noqa: E402

LONG = bool(os.environ.get("POSTHORN_LONG"))
SHORT_POINTS = 6
DISK_OCTETS = 160 << 20
RESERVE_OCTETS = 64 << 20  # the store keeps this for what drains it
FULL = "452 4.3.1"
LAST_WORDS = "the process ends and a restart recovers what was acknowledged"


class SmallDisk:
    """A file system of its own, and ballast that fills it."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="posthorn-disk-"))
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_OCTETS}", "tmpfs", self.path], capture_output=True, text=True)
        if done.returncode:
            self.path.rmdir()
            raise Unavailable(f"no file system of its own: {done.stderr.strip()}")
        self.ballast = self.path / "ballast"

    def free(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def fill(self, leave):
        with open(self.ballast, "ab") as file:
            while self.free() > leave:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), min(1 << 20, self.free() - leave))

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)
        self.path.rmdir()


class Full(unittest.TestCase):
    def setUp(self):
        try:
            self.disk = SmallDisk()
            self.addCleanup(self.disk.close)
            self.way = Way(parent=self.disk.path)
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(self.way.close)
        self.posthorn = self.way.posthorn

    def refused_all(self):
        for kind in KINDS:
            cut = self.way.walk([kind])
            self.assertIsNotNone(cut, f"{kind.name} was taken by a full disk")
            self.assertTrue(cut.reply.startswith(FULL), f"{kind.name}: {cut}")
        self.assertTrue(self.posthorn.process.running())

    def test_the_queue_drains_and_service_resumes(self):
        self.assertIsNone(self.way.walk())  # makes the mailboxes, ann's for the report, too
        self.way.wait_for_the_rest()
        self.assertEqual(self.way.wrong(Counter()), [], "before the disk was full")
        self.way.neighbour_down = True
        self.assertIsNone(self.way.walk())
        first = self.way.acknowledged, self.way.relayed
        self.assertEqual(len(self.posthorn.queue()), 3)

        self.disk.fill(RESERVE_OCTETS // 2)
        self.refused_all()
        tried = self.way.sink.connections
        self.posthorn.ok("queue", "retry", "far.example")
        wait_until(lambda: self.way.sink.connections > tried, 20, "an attempt fails while the disk is full")
        self.way.neighbour_down = False
        self.way.wait_for_the_rest()
        self.way.acknowledged, self.way.relayed = first
        self.assertEqual(self.way.wrong(Counter()), [], "the queue drained from the reserve")

        self.disk.fill(0)
        self.refused_all()
        self.disk.ballast.unlink()
        wait_until(lambda: self.way.walk() is None, 20, "mail is taken again")
        self.way.wait_for_the_rest()
        self.assertEqual(self.way.wrong(Counter()), [], "after there was room again")
        self.posthorn.ok("store", "verify")
        self.assertIn("disk has room again", self.posthorn.log())
        self.assertEqual(self.posthorn.stop(), 0)
        self.assertEqual(self.posthorn.run("store", "verify").returncode, 0)


class Broken(unittest.TestCase):
    """The n-th write or sync of the server fails, and all that follow."""

    def setUp(self):
        try:
            self.way = Way()
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(self.way.close)
        self.posthorn = self.way.posthorn
        self.strike = Strike(self.posthorn.folder)
        self.posthorn.stop()
        self.serve()

    def serve(self):
        self.strike.disarm()
        self.posthorn.serve(env=self.strike.environment())

    def points(self):
        self.strike.arm(-1, "count", WRITE | SYNC)
        self.assertEqual(self.way.walk_whole(), [])
        total = self.strike.counted
        self.assertGreater(total, 15)
        return range(total) if LONG else sorted({int(total * share / SHORT_POINTS) for share in range(SHORT_POINTS)})

    def look(self, at, relayed_before):
        self.way.wait_for_the_rest()
        self.assertEqual(self.way.wrong(relayed_before), [], f"call {at} ({self.strike.call})")
        verified = self.posthorn.run("store", "verify")
        self.assertEqual(verified.returncode, 0, f"call {at} ({self.strike.call}): {verified.stdout}")

    def test_an_error_ends_the_process(self):
        ended = Counter()
        for at in self.points():
            self.strike.arm(at, "error", WRITE | SYNC, errno.EIO)
            already = len(self.posthorn.log())
            self.way.walk()
            if not self.ends():
                self.strike.disarm()
                self.look(at, Counter())  # the round had fewer calls this time
                continue
            self.assertEqual(self.posthorn.process.status(), -signal.SIGABRT)
            words = self.posthorn.log()[already:]
            self.assertIn(LAST_WORDS, words)
            self.assertRegex(words, "disk I/O error|Input/output error")
            ended[self.strike.call] += 1
            relayed = self.way.relayed_now()
            self.posthorn.kill()
            self.serve()
            self.look(at, relayed)
        print(f"     ended at {dict(ended)}", flush=True)
        self.assertGreaterEqual(ended.total(), SHORT_POINTS // 2)

    def ends(self):
        wait_until(lambda: self.strike.struck or self.way.queue_is_empty(), 30, "the strike or the end of the round")
        end = time.monotonic() + (10 if self.strike.struck else 0)
        while self.posthorn.process.running() and time.monotonic() < end:
            time.sleep(0.02)
        return self.strike.struck > 0

    def test_a_disk_that_fills_at_any_write_ends_nothing(self):
        struck = Counter()
        self.assertEqual(self.way.walk_whole(), [])  # prepares space that later rounds of this server find ready
        for at in self.points():
            self.strike.arm(at, "error", WRITE, errno.ENOSPC)
            cut = self.way.walk()
            if cut:
                self.assertTrue(cut.reply.startswith(FULL), f"call {at} ({self.strike.call}): {cut}\n{self.posthorn.process.tail(5)}")
            wait_until(lambda: self.strike.struck or self.way.queue_is_empty(), 30, "the strike or the end of the round")
            struck[self.strike.call] += 1
            relayed = self.way.relayed_there()
            self.strike.disarm()
            self.look(at, relayed)
            self.assertTrue(self.posthorn.process.running())
        print(f"     full at {dict(struck)}", flush=True)


if __name__ == "__main__":
    cases.main()
