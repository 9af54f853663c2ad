"""APPEND of a very large message in flat memory: 64 MB, under --long 1 GB (POSTHORN_APPEND_MB sets another size).

The server's high-water mark rises by far less than the message, while it is stored, read back whole and in parts, looked
into (ENVELOPE, BODYSTRUCTURE, SEARCH), copied and shown by the command; the octets are compared by their digests.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
import imap_wire  # noqa: E402
from bed import DOMAIN  # noqa: E402
from imap_wire import ImapWire  # noqa: E402
from posthorn import BINARY, Posthorn  # noqa: E402
from unpack import Unavailable  # noqa: E402

MEGABYTES = int(os.environ.get("POSTHORN_APPEND_MB") or (1024 if os.environ.get("POSTHORN_LONG") else 64))
STORING_MAX = 24 << 20  # what the server's high-water mark may rise by while it is stored and read
SEARCHING_MAX = 128 << 20  # SEARCH looks at 64 MB of a message and no more, and decodes them
imap_wire.SECONDS = 600  # a gigabyte is synced before it is answered
ANN, SECRET = f"ann@{DOMAIN}", "a pass phrase for large mail"
HEADER = (b"From: <a@far.example>\r\nSubject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
          b"--b\r\n\r\nsmall\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n")
END = b"\r\n--b--\r\n"


def pieces():
    """The message in pieces of about a megabyte; no two lines alike."""
    yield HEADER
    for number in range(MEGABYTES):
        line = hashlib.sha256(b"%d" % number).hexdigest().encode() + b"\r\n"
        yield line * ((1 << 20) // len(line))
    yield END


class LargeAppend(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="posthorn-large-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        needed = (MEGABYTES << 20) * 2 + (1 << 30)
        if shutil.disk_usage(cls.folder).free < needed:
            raise unittest.SkipTest(f"needs {needed >> 30} GB on the disk")
        cls.posthorn = Posthorn(DOMAIN, accounts={"ann": SECRET}, listen=("imaps",), parent=cls.folder,
                                settings={"limits.append_size": (MEGABYTES + 1) << 20})
        try:
            cls.posthorn.__enter__()
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason))
        cls.addClassCleanup(cls.posthorn.__exit__)
        digest, cls.size = hashlib.sha256(), 0
        for piece in pieces():
            digest.update(piece)
            cls.size += len(piece)
        cls.digest = digest.hexdigest()

    def session(self):
        wire = ImapWire.connect(self.posthorn.address, self.posthorn.port("imaps"), tls=True)
        self.addCleanup(wire.close)
        wire.ok(f'LOGIN "{ANN}" "{SECRET}"')
        return wire

    def high_water(self):
        status = Path(f"/proc/{self.posthorn.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    def append(self, wire):
        wire.send(b"a APPEND INBOX {%d+}\r\n" % self.size)
        for piece in pieces():
            wire.stream.write(piece)
        wire.send(b"\r\n")
        self.assertRegex(wire.response(), rb"^a OK \[APPENDUID \d+ 1\]")

    def digest_of_fetch(self, wire):
        wire.send(b"b FETCH 1 BODY.PEEK[]\r\n")
        line = wire.stream.readline()
        self.assertIn(b"{%d}" % self.size, line)
        digest, left = hashlib.sha256(), self.size
        while left > 0:
            octets = wire.stream.read(min(left, 1 << 20))
            self.assertTrue(octets)
            digest.update(octets)
            left -= len(octets)
        self.assertEqual(wire.stream.readline(), b")\r\n")
        self.assertTrue(wire.response().startswith(b"b OK"))
        return digest.hexdigest()

    def test_memory_stays_flat(self):
        wire = self.session()
        before, since = self.high_water(), time.monotonic()
        self.append(wire)
        stored, took = self.high_water(), time.monotonic() - since
        wire.ok("SELECT INBOX")
        self.assertEqual(self.digest_of_fetch(wire), self.digest)
        untagged = wire.ok(f"FETCH 1 (BODY.PEEK[]<{self.size - len(END)}.{len(END)}>)")
        self.assertTrue(any(END in response for response in untagged))
        fetched = self.high_water()
        untagged = wire.ok("FETCH 1 (ENVELOPE BODYSTRUCTURE RFC822.SIZE)")
        self.assertIn(b"RFC822.SIZE %d" % self.size, untagged[0])
        self.assertIn(b'"APPLICATION" "OCTET-STREAM"', untagged[0].upper())
        wire.ok("SEARCH TEXT zebra")
        wire.ok("COPY 1 Archive")
        row = self.posthorn.json("message", "list", ANN, "--mailbox", "Archive")[0]
        show = subprocess.Popen([str(BINARY), "message", "show", row["id"], "--config", str(self.posthorn.config)], stdout=subprocess.PIPE)
        digest = hashlib.sha256()
        while piece := show.stdout.read(1 << 20):
            digest.update(piece)
        self.assertEqual((show.wait(), digest.hexdigest()), (0, self.digest))
        last = self.high_water()
        print(f"     {self.size >> 20} MB stored in {took:.1f} s; high-water mark {before >> 10} KB before, {stored >> 10} KB stored, "
              f"{fetched >> 10} KB fetched, {last >> 10} KB at the end", flush=True)
        self.assertLess(fetched - before, STORING_MAX)
        self.assertLess(last - before, STORING_MAX + SEARCHING_MAX)


if __name__ == "__main__":
    cases.main()
