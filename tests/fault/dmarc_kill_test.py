"""SIGKILL while mail from outside is judged and counted for DMARC reports: every message that is in the mailbox stands in
one row, none in two, and the sums of a day are those of its rows.
"""
import os
import random
import sqlite3
import sys
import time
import unittest
from contextlib import closing
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
from bed import BOB, Bed  # noqa: E402
from kill_test import KILLS, Load  # noqa: E402
from unpack import Unavailable  # noqa: E402

DOMAINS = [f"policy{number}.example" for number in range(5)]


class Judged(Load):
    def author(self, sender):
        return f"somebody@{DOMAINS[sender.count % len(DOMAINS)]}"


class DmarcRows(unittest.TestCase):
    def test_what_is_counted_is_what_was_taken(self):
        seed = int(os.environ.get("POSTHORN_SEED") or random.SystemRandom().randrange(1 << 32))
        print(f"     seed {seed}, {KILLS} kills", flush=True)
        chance = random.Random(seed)
        bed = Bed(1, **{"limits.connections_per_address": 1000})
        bed.zone.lines += [f'_dmarc.{domain}. TXT "v=DMARC1; p=none"' for domain in DOMAINS]
        try:
            posthorn = bed.open()
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(bed.close)
        load = Judged("judged", posthorn, "smtp", BOB, sizes=(500, 4000))
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 1.5))  # the moment is what is tested
            posthorn.kill()
            posthorn.serve()
        load.finish()
        taken = len(posthorn.listed(BOB))
        acknowledged = len(load.acknowledged())
        posthorn.stop()
        verified = posthorn.run("store", "verify")
        self.assertEqual(verified.returncode, 0, verified.stdout)
        self.assertGreater(acknowledged, KILLS, "the load did nothing")
        self.assertGreaterEqual(taken, acknowledged, f"lost (seed {seed})")
        with closing(sqlite3.connect(Path(posthorn.folder) / "site" / "store" / "posthorn.db")) as store:
            self.compare(store, taken, seed)
        print(f"     {acknowledged} acknowledged, {taken} taken, each counted once", flush=True)

    def compare(self, store, taken, seed):
        counted, domains = store.execute("SELECT sum(count), count(DISTINCT policy_domain) FROM dmarc_rows").fetchone()
        self.assertEqual(counted, taken, f"counted and taken differ (seed {seed})")
        self.assertEqual(domains, len(DOMAINS))
        rows = dict(((day, domain), rows) for day, domain, rows in
                    store.execute("SELECT day, policy_domain, count(*) FROM dmarc_rows GROUP BY day, policy_domain"))
        sums = dict(((day, domain), rows) for day, domain, rows in store.execute("SELECT day, policy_domain, rows FROM dmarc_days"))
        for day in {day for day, _ in rows}:
            rows[day, ""] = sum(count for (of, _), count in rows.items() if of == day)
        self.assertEqual(sums, rows, f"seed {seed}")


if __name__ == "__main__":
    cases.main()
