"""SIGKILL under IMAP load: what was answered OK holds, uids and modseqs never go back, QRESYNC equals a full resync.

Several sessions append, copy, move, flag and expunge in the same two mailboxes, each only messages of its own, so that
what must be there follows from the answers it got. The server is killed at a random moment and started again. Then
each session's messages must be as after its last answer, or as after the command it had no answer to, and nothing
else may be there; a client that knows any earlier state of a mailbox and asks by QRESYNC must come to what a client
sees that reads everything. The seed is printed; POSTHORN_SEED repeats a run.
"""
import os
import random
import re
import ssl
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
from bed import DOMAIN, PASSWORDS  # noqa: E402
from imap_wire import ImapWire  # noqa: E402
from posthorn import Posthorn  # noqa: E402
from unpack import Unavailable  # noqa: E402

LONG = bool(os.environ.get("POSTHORN_LONG"))
KILLS = 50 if LONG else 6
SESSIONS = 6
BOXES = ("INBOX", "Archive")
SIZES = (300, 5_000, 40_000, 1_200_000)
WEIGHTS = (60, 25, 14, 1)
KNOWN_MAX = 8  # earlier states kept for QRESYNC


def numbers(text):
    """1:3,7 as a list."""
    found = []
    for item in filter(None, text.split(",")):
        first, _, last = item.partition(":")
        found += range(int(first), int(last or first) + 1)
    return found


def code(pattern, responses):
    for response in responses:
        match = re.search(pattern, response)
        if match:
            return match
    return None


def fetched(responses):
    """{uid: flags} of FETCH responses."""
    rows = {}
    for response in responses:
        uid, flags = re.search(rb"UID (\d+)", response), re.search(rb"FLAGS \(([^)]*)\)", response)
        if b" FETCH (" in response and uid and flags:
            rows[int(uid[1])] = frozenset(flags[1].decode().split()) - {"\\Recent"}
    return rows


class Wrong(Exception):
    """The server answered something that it must not."""


class Ledger:
    """What all answers together promise of uids and modseqs. A lock, for all sessions tell it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.uid = dict.fromkeys(BOXES, 0)
        self.modseq = dict.fromkeys(BOXES, 0)

    def told(self, box, uids=(), modseq=0):
        with self.lock:
            self.uid[box] = max([self.uid[box], *uids])
            self.modseq[box] = max(self.modseq[box], modseq)


class Session(threading.Thread):
    """Commands one after another; `states` are its messages {(box, uid): flags} after each answer, the last with the
    one it waits for."""

    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load, self.number = load, number
        self.box, self.other = BOXES[number % 2], BOXES[1 - number % 2]
        self.chance = random.Random(load.seed * 1000 + number)
        self.now, self.pending = {}, None  # pending: a function from what the store shows to what may be there
        self.count, self.trouble = 0, None

    def run(self):
        try:
            with self.load.connect() as wire:
                wire.ok("ENABLE QRESYNC")
                wire.ok(f"SELECT {self.box}")
                while not self.load.over.is_set():
                    self.step(wire)
        except (OSError, ssl.SSLError, ConnectionError, ValueError):
            pass  # killed
        except Exception as trouble:  # pylint: disable=broad-except
            self.trouble = trouble

    def some(self):
        here = sorted(uid for box, uid in self.now if box == self.box)
        return self.chance.sample(here, min(len(here), self.chance.randrange(1, 8)))

    def step(self, wire):
        uids = self.some()
        actions = [self.append] * 3 + ([self.store] * 3 + [self.copy, self.move, self.delete, self.expunge] if uids else [])
        self.chance.choice(actions)(wire, uids)
        self.count += 1

    def say(self, wire, command, after):
        """after(text of OK) gives the state then; until it is known the command is pending."""
        condition, untagged, text = wire.command(command)
        if condition != "OK":
            raise Wrong(f"{command[:80]!r}: {condition} {text!r}")
        for response in untagged:
            for modseq in re.findall(rb"MODSEQ \(?(\d+)", response):
                self.load.ledger.told(self.box, modseq=int(modseq))
        self.now, self.pending = after([*untagged, text]), None

    def append(self, wire, _):
        box = self.chance.choice(BOXES)
        count = self.chance.randrange(1, 4)
        mark, command = f"session{self.number}", b"APPEND " + box.encode()
        for i in range(count):
            size = self.chance.choices(SIZES, WEIGHTS)[0]
            octets = f"Subject: {mark} {self.count} {i}\r\n\r\n".encode() + b"x" * size + b"\r\n"
            command += b" (%s) {%d+}\r\n" % (mark.encode(), len(octets)) + octets

        def after(responses):
            uids = numbers(code(rb"\[APPENDUID \d+ ([\d:,]+)\]", responses)[1].decode())
            if len(uids) != count:
                raise Wrong(f"{count} appended, uids {uids}")
            self.load.ledger.told(box, uids)
            return {**self.now, **{(box, uid): frozenset([mark]) for uid in uids}}

        self.pending = ("new", box, frozenset([mark]), count)
        self.say(wire, command, after)

    def store(self, wire, uids):
        how = self.chance.choice(["+FLAGS", "-FLAGS"])
        changed = dict(self.now)
        for uid in uids:
            flags = self.now[self.box, uid]
            changed[self.box, uid] = flags | {"\\Flagged"} if how == "+FLAGS" else flags - {"\\Flagged"}
        self.pending = ("state", changed)
        self.say(wire, f"UID STORE {self.set(uids)} {how} (\\Flagged)", lambda _: changed)

    def delete(self, wire, uids):
        changed = {**self.now, **{(self.box, uid): self.now[self.box, uid] | {"\\Deleted"} for uid in uids}}
        self.pending = ("state", changed)
        self.say(wire, f"UID STORE {self.set(uids)} +FLAGS.SILENT (\\Deleted)", lambda _: changed)

    def expunge(self, wire, uids):
        gone = [(self.box, uid) for uid in uids if "\\Deleted" in self.now[self.box, uid]]
        left = {key: flags for key, flags in self.now.items() if key not in gone}
        self.pending = ("state", left)
        self.say(wire, f"UID EXPUNGE {self.set(uids)}", lambda _: left)

    def copy(self, wire, uids):
        self.pending = ("copy", [self.now[self.box, uid] for uid in uids], self.now)
        self.say(wire, f"UID COPY {self.set(uids)} {self.other}", lambda responses: {**self.now, **self.copied(responses)})

    def move(self, wire, uids):
        left = {key: flags for key, flags in self.now.items() if key not in [(self.box, uid) for uid in uids]}
        self.pending = ("copy", [self.now[self.box, uid] for uid in uids], left)
        self.say(wire, f"UID MOVE {self.set(uids)} {self.other}", lambda responses: {**left, **self.copied(responses)})

    def copied(self, responses):
        match = code(rb"\[COPYUID \d+ ([\d:,]+) ([\d:,]+)\]", responses)
        pairs = list(zip(numbers(match[1].decode()), numbers(match[2].decode()), strict=True))
        self.load.ledger.told(self.other, [new for _, new in pairs])
        return {(self.other, new): self.now[self.box, old] for old, new in pairs}

    @staticmethod
    def set(uids):
        return ",".join(map(str, sorted(uids)))

    # ---- after a kill

    def judge(self, own):
        """`own`: what is there and bears marks of this session. The state before the command without an answer, or after."""
        if own == self.now:
            return
        if not self.pending or not self.fits(own):
            lost = {key: flags for key, flags in self.now.items() if own.get(key) != flags}
            raise Wrong(f"session {self.number} ({self.pending and self.pending[0]}): promised {dict(list(lost.items())[:4])}, found "
                        f"{ {key: own.get(key) for key in list(lost)[:4]} }; too much {[key for key in own if key not in self.now][:4]}")
        self.now = own

    def fits(self, own):
        kind = self.pending[0]
        if kind == "state":
            return own == self.pending[1]
        if kind == "new":  # as many as were sent, with their mark, and all else as before
            _, box, flags, count = self.pending
            added = {key: value for key, value in own.items() if key not in self.now}
            return len(added) == count and all(key[0] == box and value == flags for key, value in added.items()) and \
                {key: value for key, value in own.items() if key in self.now} == self.now
        _, copies, left = self.pending
        added = {key: value for key, value in own.items() if key not in left}
        return sorted(map(sorted, added.values())) == sorted(map(sorted, copies)) and all(key[0] == self.other for key in added) and \
            {key: value for key, value in own.items() if key in left} == left


class Load:
    def __init__(self, posthorn, seed):
        self.posthorn, self.seed, self.kills = posthorn, seed, 0
        self.ledger, self.over = Ledger(), threading.Event()
        self.chance = random.Random(seed)
        self.sessions = [Session(self, number) for number in range(SESSIONS)]
        self.known = {box: [] for box in BOXES}  # earlier states: (uidvalidity, highestmodseq, {uid: flags})
        self.commands = 0

    def connect(self):
        wire = ImapWire.connect(self.posthorn.address, self.posthorn.port("imaps"), tls=True)
        wire.ok(f'LOGIN "ann@{DOMAIN}" "{PASSWORDS["ann"]}"')
        return wire

    def round(self):
        """Load, a kill at a random moment, a new start, and everything compared."""
        self.over.clear()
        for session in self.sessions:
            session.start()
        watcher = threading.Thread(target=self.watch, daemon=True)
        watcher.start()
        time.sleep(self.chance.uniform(0.3, 1.5))  # the moment is what is tested
        self.posthorn.kill()
        self.over.set()
        for thread in [*self.sessions, watcher]:
            thread.join(30)
        for session in self.sessions:
            if session.trouble:
                raise session.trouble
        self.kills += 1
        self.commands += sum(session.count for session in self.sessions)
        self.posthorn.serve()
        self.compare()
        self.sessions = [self.successor(session) for session in self.sessions]

    def successor(self, session):
        after = Session(self, session.number)
        after.now, after.chance, after.count = session.now, session.chance, 0
        return after

    def watch(self):
        """A client that resynchronizes again and again under load: what it knows is kept for later."""
        try:
            with self.connect() as wire:
                wire.ok("ENABLE QRESYNC")
                while not self.over.is_set():
                    for box in BOXES:
                        self.remember(box, self.resync(wire, box))
                        wire.ok("UNSELECT")
                    time.sleep(0.05)
        except (OSError, ssl.SSLError, ConnectionError, ValueError):
            pass

    def remember(self, box, state):
        known = self.known[box]
        known.append(state)
        if len(known) > KNOWN_MAX:
            known.pop(self.chance.randrange(1, len(known)))

    def resync(self, wire, box):
        """SELECT with QRESYNC from a random earlier state: (uidvalidity, highestmodseq, rows)."""
        if not self.known[box]:
            return self.read_all(wire, box)
        validity, modseq, rows = self.chance.choice(self.known[box])
        rows = dict(rows)
        known = " 1:4294967295" if self.chance.random() < 0.5 else ""  # RFC 7162 3.2.5.1: only of these it hears
        responses = wire.ok(f"SELECT {box} (QRESYNC ({validity} {modseq}{known}))")
        if self.told(rb"UIDVALIDITY (\d+)", responses) != validity:
            raise Wrong("UIDVALIDITY has changed")
        gone = code(rb"VANISHED \(EARLIER\) ([\d:,]+)", responses)
        for uid in numbers(gone[1].decode()) if gone else []:
            rows.pop(uid, None)
        rows.update(fetched(responses))
        return validity, self.told(rb"HIGHESTMODSEQ (\d+)", responses), rows

    def read_all(self, wire, box):
        responses = wire.ok(f"SELECT {box}")
        self.uid_next = self.told(rb"UIDNEXT (\d+)", responses)
        return (self.told(rb"UIDVALIDITY (\d+)", responses), self.told(rb"HIGHESTMODSEQ (\d+)", responses),
                fetched(wire.ok("UID FETCH 1:* (FLAGS)")))

    @staticmethod
    def told(pattern, responses):
        return int(code(pattern, responses)[1])

    def compare(self):
        with self.connect() as wire:
            wire.ok("ENABLE QRESYNC")
            found = {}
            for box in BOXES:
                for _ in range(3):
                    resynced = self.resync(wire, box)
                    all_of_it = self.read_all(wire, box)
                    if resynced[2] != all_of_it[2]:
                        differ = {uid for uid in {*resynced[2], *all_of_it[2]} if resynced[2].get(uid) != all_of_it[2].get(uid)}
                        raise Wrong(f"QRESYNC of {box} differs from a full resync in uids {sorted(differ)[:10]}")
                if self.uid_next <= self.ledger.uid[box]:
                    raise Wrong(f"UIDNEXT of {box} is {self.uid_next}, uid {self.ledger.uid[box]} was given")
                if all_of_it[1] < self.ledger.modseq[box]:
                    raise Wrong(f"HIGHESTMODSEQ of {box} is {all_of_it[1]}, {self.ledger.modseq[box]} was told")
                self.ledger.told(box, all_of_it[2], all_of_it[1])
                found.update({(box, uid): flags for uid, flags in all_of_it[2].items()})
                self.remember(box, all_of_it)
        for session in self.sessions:
            session.judge({key: flags for key, flags in found.items() if f"session{session.number}" in flags})


class ImapKill(unittest.TestCase):
    def test_what_was_answered_holds(self):
        seed = int(os.environ.get("POSTHORN_SEED") or random.SystemRandom().randrange(1 << 32))
        print(f"     seed {seed}, {KILLS} kills, {SESSIONS} sessions", flush=True)
        posthorn = Posthorn(DOMAIN, accounts=PASSWORDS, listen=("imaps",), settings={"limits.connections_per_address": 100})
        try:
            posthorn.__enter__()
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(posthorn.__exit__)
        load = Load(posthorn, seed)
        try:
            for _ in range(KILLS):
                load.round()
        except Wrong as wrong:
            self.fail(f"seed {seed}, kill {load.kills}: {wrong}")
        self.assertGreater(load.commands, KILLS * SESSIONS, "the load did nothing")
        messages = sum(len(session.now) for session in load.sessions)
        print(f"     {load.commands} commands answered, {messages} messages at the end", flush=True)
        posthorn.stop()
        verified = posthorn.run("store", "verify")
        self.assertEqual(verified.returncode, 0, verified.stderr)


if __name__ == "__main__":
    cases.main()
