"""Damage that `store verify` finds, and a backup taken under load that restores.

A byte changed or a file cut, in a segment, a message file and the database: verify names exactly the messages that the
damage touches and ends with 1. A copy of the store is damaged each time, so the cases do not disturb each other.
"""
import json
import os
import re
import shutil
import sqlite3
import sys
import threading
import unittest
from collections import Counter
from contextlib import closing
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
from bed import ANN, BOB  # noqa: E402
from jail import wait_until  # noqa: E402
from unpack import Unavailable  # noqa: E402
from way import GOOD, Client, Cut, Kind, Way, marks_of, text  # noqa: E402

LONG = bool(os.environ.get("POSTHORN_LONG"))
BACKUPS = 10 if LONG else 2
SENDERS = 6
SMALL = Kind("small", "smtp", (BOB,), 3000)
MIDDLE = Kind("middle", "smtp", (BOB,), 60_000)
LARGE = Kind("large", "smtp", (BOB,), 1_300_000)
QUEUED = Kind("queued", "submissions", (GOOD,), 50_000)
KINDS = [SMALL, MIDDLE, SMALL, LARGE, MIDDLE, QUEUED, MIDDLE, LARGE, SMALL, MIDDLE]


class Damage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.way = Way()
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.addClassCleanup(cls.way.close)
        cls.posthorn = cls.way.posthorn
        cls.way.neighbour_down = True
        marks = {}
        for number, kind in enumerate(KINDS):
            mark = f"mark-{number}-{kind.name}"
            client = Client(cls.posthorn, kind.service, cls.way.login)
            client.send(kind.recipients, text(mark, kind))
            client.close()
            marks[mark] = kind
        rows = {row["subject"]: row["id"] for row in cls.posthorn.listed(BOB)}
        waiting = {row["message_id"].split("@")[0]: row["id"] for row in cls.posthorn.queue()}
        cls.ids = {mark: rows.get(mark) or waiting[mark] for mark in marks}
        cls.posthorn.stop()  # moves the log into the database
        cls.store = Path(cls.posthorn.folder) / "site" / "store"
        assert cls.store.is_dir(), list((Path(cls.posthorn.folder) / "site").iterdir())

    def setUp(self):
        self.copy = Path(self.posthorn.folder) / "damaged"
        shutil.copytree(self.store, self.copy)
        self.addCleanup(shutil.rmtree, self.copy)
        self.config = Path(self.posthorn.folder) / "damaged.toml"
        self.config.write_text(re.sub(r'^dir = .*$', f'dir = "{self.copy}"', self.posthorn.config.read_text(), count=1, flags=re.M))

    def verify(self):
        done = self.posthorn.run("store", "verify", "--json", "--config", self.config, config=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr

    def touched(self, report):
        found = set()
        for damage in report["damages"]:
            found |= {email["id"] for email in damage["emails"]} | set(damage["queued"])
        names = {number: mark for mark, number in self.ids.items()}
        return {names.get(number, number) for number in found}

    def expect(self, marks):
        status, report, errors = self.verify()
        self.assertEqual(status, 1, errors)
        self.assertEqual(self.touched(report), set(marks), json.dumps(report["damages"], indent=1))

    def marks(self, *kinds):
        return [mark for mark, _ in self.ids.items() if mark.split("-")[2] in {kind.name for kind in kinds}]

    def place_of(self, mark, folder="*"):
        """The file that holds the end of the message, and where."""
        wanted = b"end of " + mark.encode() + b"\r\n"
        for path in sorted(self.copy.glob(folder)):
            if path.is_file():
                at = path.read_bytes().find(wanted)
                if at >= 0:
                    return path, at
        self.fail(f"{mark} is not in {folder}")

    def change(self, path, at):
        with open(path, "r+b") as file:
            file.seek(at)
            octet = file.read(1)[0]
            file.seek(at)
            file.write(bytes([octet ^ 0x20]))

    def cut(self, path, size):
        os.truncate(path, size)

    # ---- the cases

    def test_a_whole_store_is_clean(self):
        status, report, errors = self.verify()
        self.assertEqual((status, report["clean"]), (0, True), errors)
        self.assertEqual((report["emails"], report["queued"]), (len(KINDS) - 1, 1))

    def test_a_byte_of_a_segment(self):
        for mark in self.marks(MIDDLE, QUEUED):
            with self.subTest(mark):
                path, at = self.place_of(mark, "segments/*")
                self.change(path, at)
                self.expect([mark])
                self.change(path, at)

    def test_a_segment_cut(self):
        marks = self.marks(MIDDLE, QUEUED)
        path, at = self.place_of(marks[2], "segments/*")
        self.cut(path, at)
        self.expect(marks[2:])

    def test_a_segment_gone(self):
        path, _ = self.place_of(self.marks(MIDDLE)[0], "segments/*")
        path.unlink()
        self.expect(self.marks(MIDDLE, QUEUED))

    def test_a_byte_of_a_message_file(self):
        mark = self.marks(LARGE)[0]
        self.change(*self.place_of(mark, "messages/*"))
        self.expect([mark])

    def test_a_message_file_cut(self):
        mark = self.marks(LARGE)[1]
        path, at = self.place_of(mark, "messages/*")
        self.cut(path, at // 2)
        self.expect([mark])

    def test_a_byte_of_the_database(self):
        """In the octets of a message that stands inside it."""
        for mark in self.marks(SMALL):
            with self.subTest(mark):
                path, at = self.place_of(mark, "posthorn.db")
                self.change(path, at)
                self.expect([mark])
                self.change(path, at)

    def test_the_database_cut(self):
        """The last pages are gone: found, and whatever message stood in them is named, none that did not."""
        path = self.copy / "posthorn.db"
        whole = path.read_bytes()
        ends, page = self.ends(whole), page_octets(whole)
        last = max(ends, key=ends.get)
        self.cut(path, ends[last] // page * page)
        status, report, errors = self.verify()
        self.assertEqual(status, 1, errors)
        self.assertTrue(report["damages"])
        self.assertIn(last, self.touched(report), json.dumps(report["damages"], indent=1))

    def test_every_page_of_the_database(self):
        """One page after the other is overwritten: verify finds it, and names the messages on it."""
        path = self.copy / "posthorn.db"
        whole = path.read_bytes()
        ends, page = self.ends(whole), page_octets(whole)
        pages = range(0, len(whole), page)
        for at in pages if LONG else sorted({*pages[::max(1, len(pages) // 15)], *(end // page * page for end in ends.values())}):
            with open(path, "r+b") as file:
                file.seek(at)
                file.write(b"\xa5" * page)
            status, report, errors = self.verify()
            with self.subTest(page=at // page):
                self.assertEqual(status, 1, errors)
                if len(report["damages"]) > 1:  # else nothing can be read any more
                    self.assertLessEqual({mark for mark, end in ends.items() if at <= end < at + page}, self.touched(report))
            path.write_bytes(whole)

    def test_an_octet_of_every_table_and_index(self):
        """The first and the last octet of a page of each, by what SQLite itself says of them, and one between."""
        path = self.copy / "posthorn.db"
        whole = path.read_bytes()
        page = page_octets(whole)
        trees = last_pages(path)
        self.assertLessEqual({"emails", "stories", "settings", "mailboxes_by_name"}, set(trees))
        self.assertEqual(path.read_bytes(), whole)
        for tree, number in trees.items():
            for at in (0, page // 2 + number, page - 1):
                with self.subTest(tree=tree, octet=at):
                    self.change(path, (number - 1) * page + at)
                    status, _, errors = self.verify()
                    self.assertEqual(status, 1, errors)
                path.write_bytes(whole)

    def test_an_octet_is_put_back_wherever_no_server_starts_over_it(self):
        """Of every table and index, and of the file's header; a backup of what it was leads out as well."""
        path = self.copy / "posthorn.db"
        whole = path.read_bytes()
        page = page_octets(whole)
        places = [(number - 1) * page + page // 2 + number for number in last_pages(path).values()]
        for at in [16, 17, 18, 19, 20, 21, 28, 31, 44, 59, 100, *places]:
            with self.subTest(octet=at):
                self.change(path, at)
                done = self.posthorn.run("store", "verify", "--repair", "--json", "--config", self.config, config=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertEqual(len(json.loads(done.stdout)["repaired"]), 1)
                self.assertEqual(path.read_bytes(), whole)
            path.write_bytes(whole)

    def test_a_store_that_no_server_starts_over_is_backed_up(self):
        path = self.copy / "posthorn.db"
        whole = path.read_bytes()
        self.change(path, whole.rfind(b"unknown-login-secret"))  # settings are read at every start
        serve = self.posthorn.run("serve", "--config", self.config, config=False)
        self.assertEqual(serve.returncode, 3, serve.stdout + serve.stderr)
        self.assertIn("store verify", serve.stderr)
        target = Path(self.posthorn.folder) / "as-it-is"
        self.addCleanup(shutil.rmtree, target, ignore_errors=True)
        done = self.posthorn.run("backup", str(target), "--config", self.config, config=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("1 page of the database is damaged", done.stdout)

    def test_a_server_over_a_broken_database_says_so_and_ends(self):
        path = self.copy / "posthorn.db"
        whole = path.read_bytes()
        page = page_octets(whole)
        path.write_bytes(whole[:page] + b"\xa5" * (len(whole) - page))
        done = self.posthorn.run("serve", "--config", self.config, config=False)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("posthorn store verify", done.stderr)
        self.assertNotIn("ready", done.stdout)

    def ends(self, whole):
        """Where in the database the last line of each small message stands."""
        return {mark: whole.find(b"end of " + mark.encode() + b"\r\n") for mark in self.marks(SMALL)}


def page_octets(database):
    """https://www.sqlite.org/fileformat.html 1.3.2"""
    return int.from_bytes(database[16:18], "big")


def last_pages(path):
    """The last page of each table and index, as SQLite says."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as store:
        return dict(store.execute("SELECT name, max(pageno) FROM dbstat GROUP BY name"))


class Served(unittest.TestCase):
    def test_a_server_goes_on_beside_a_damaged_page(self):
        """What needs it is put off, everything else is served; when the octet is put back, that is too."""
        try:
            way = Way()
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(way.close)
        posthorn = way.posthorn
        way.neighbour_down = True
        self.send(way, SMALL, "before")
        posthorn.stop()
        path = Path(posthorn.folder) / "site" / "store" / "posthorn.db"
        number = last_pages(path)["emails"]
        with open(path, "r+b") as file:
            size = page_octets(file.read(100))
            file.seek(number * size - size // 2)
            octet = file.read(1)[0]
            file.seek(number * size - size // 2)
            file.write(bytes([octet ^ 0x20]))
        posthorn.serve()
        for attempt in ("first", "again"):
            with self.assertRaises(Cut) as refused:
                self.send(way, SMALL, attempt)
            self.assertRegex(refused.exception.reply, r"^451 4\.3\.0 .*damaged")
            self.send(way, QUEUED, f"{attempt}-elsewhere")
        self.assertEqual({row["message_id"].split("@")[0] for row in posthorn.queue()},
                         {f"mark-{attempt}-elsewhere-queued" for attempt in ("first", "again")})
        posthorn.stop()
        self.assertEqual(posthorn.run("store", "verify").returncode, 1)
        self.assertEqual(posthorn.run("store", "verify", "--repair").returncode, 0)
        posthorn.serve()
        self.send(way, SMALL, "after")
        self.assertEqual(len(posthorn.listed(BOB)), 2)

    def send(self, way, kind, name):
        client = Client(way.posthorn, kind.service, way.login)
        try:
            client.send(kind.recipients, text(f"mark-{name}-{kind.name}", kind))
        finally:
            client.close()


class Load(threading.Thread):
    def __init__(self, way, number):
        super().__init__(daemon=True)
        self.way, self.number, self.over, self.acknowledged, self.begun = way, number, threading.Event(), [], []

    def run(self):
        kinds = [SMALL, MIDDLE, SMALL, QUEUED, SMALL, LARGE]
        client, count = None, 0
        while not self.over.is_set():
            kind = kinds[count % len(kinds)]
            mark = f"mark-{self.number}x{count}-{kind.name}"
            client = Client(self.way.posthorn, kind.service, self.way.login)
            self.begun.append(mark)
            client.send(kind.recipients, text(mark, kind))
            self.acknowledged.append(mark)
            client.close()
            count += 1


class Backup(unittest.TestCase):
    def test_taken_under_load_and_restored(self):
        try:
            way = Way(**{"limits.connections_per_address": 1000})
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(way.close)
        posthorn = way.posthorn
        way.neighbour_down = True
        loads = [Load(way, number) for number in range(SENDERS)]
        for load in loads:
            load.start()
        kept = []
        for number in range(BACKUPS):
            wait_until(lambda: sum(len(load.acknowledged) for load in loads) > 40 * (number + 1), 60, "the load goes on")
            before = [mark for load in loads for mark in list(load.acknowledged)]
            folder = Path(posthorn.folder) / f"backup{number}"
            posthorn.ok("backup", folder)
            kept.append((folder, before))
        for load in loads:
            load.over.set()
        for load in loads:
            load.join(30)
            self.assertFalse(load.is_alive())
        begun = {mark for load in loads for mark in load.begun}
        validity = {row["mailbox"]: row["uid_validity"] for row in posthorn.json("mailbox", "list", BOB)}
        posthorn.stop()
        store = Path(posthorn.folder) / "site" / "store"
        for folder, before in kept:
            shutil.rmtree(store)
            restored = posthorn.json("restore", folder)
            self.assertTrue(restored["clean"])
            self.assertEqual(posthorn.run("store", "verify").returncode, 0)
            posthorn.serve()
            self.look(way, before, begun, validity)
            posthorn.stop()

    def look(self, way, before, begun, validity):
        posthorn = way.posthorn
        there = {row["subject"] for row in posthorn.listed(BOB)}
        queue = posthorn.queue()
        waiting = {row["message_id"].split("@")[0] for row in queue}
        self.assertEqual(set(before) - there - waiting, set(), "acknowledged before the backup began")
        self.assertLessEqual(there | waiting, begun)
        self.assertTrue(waiting, "the load queued nothing")
        self.assertEqual({r["state"] for row in queue for r in row["recipients"]}, {"held"})
        for row in posthorn.json("mailbox", "list", BOB):
            self.assertGreater(row["uid_validity"], validity[row["mailbox"]], row)
        wrong = []
        sample = [row["id"] for row in posthorn.listed(BOB)][::7]
        marks_of((posthorn.octets(number) for number in sample), wrong)
        self.assertEqual(wrong, [])
        print(f"     {len(before)} before, {len(there)} in the mailbox, {len(waiting)} in the queue on hold", flush=True)


if __name__ == "__main__":
    cases.main()
