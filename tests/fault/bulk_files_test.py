"""A large mbox in and out again: flat memory, nothing lost where the import or the server is killed, the same octets.

The messages follow from a seed, so that nothing of them needs to be kept: their digests are compared in order with
those of the exported file. 64 MB; --long takes 10 GB (POSTHORN_BULK_MB sets another size) and needs three times that
on the disk. The memory of the server and of the command is their high-water mark.
"""
import hashlib
import os
import pty
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
from bed import DOMAIN  # noqa: E402
from posthorn import BINARY, Posthorn  # noqa: E402
from unpack import Unavailable  # noqa: E402

MEGABYTES = int(os.environ.get("POSTHORN_BULK_MB") or (10_000 if os.environ.get("POSTHORN_LONG") else 64))
MEMORY_MAX = 160 << 20  # of each process; the store's own caches are the most of it
SEED = int(os.environ.get("POSTHORN_SEED", "1"))
ANN, BOB = f"ann@{DOMAIN}", f"bob@{DOMAIN}"
SECRET = "a pass phrase for bulk"
FROM = b"From ann@far.example Mon Sep 21 14:13:20 2026\n"
OURS = (b"Status:", b"X-Status:", b"X-Keywords:")


def messages():
    """LF line ends; what looks like an mbox separator stands in every body, quoted already in some."""
    chance = random.Random(SEED)
    block = chance.randbytes(1 << 20).hex().encode()
    left, number = MEGABYTES << 20, 0
    while left > 0:
        number += 1
        size = chance.choices((500, 8_000, 60_000, 900_000, 3_000_000), (30, 40, 24, 5, 1))[0]
        lines = [b"Subject: bulk %d" % number, b"From: <ann@far.example>", b"", b"From here on", b">From there", b">>From above"]
        start = chance.randrange(1 << 20)
        while size > 0:
            lines.append(block[start:start + 900])
            size, start = size - 901, (start + 900) % (1 << 20)
        text = b"\n".join(lines) + b"\n"
        left -= len(text)
        yield text


def quoted(text):
    return b"\n".join(b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in text.split(b"\n"))


def exported(path):
    """The messages of an mbox file of ours, as they were."""
    text = None
    with open(path, "rb", buffering=1 << 20) as file:
        for line in file:
            if line.startswith(b"From "):
                if text is not None:
                    yield finished(text)
                text = []
            elif line.startswith(b">") and line.lstrip(b">").startswith(b"From "):
                text.append(line[1:])
            else:
                text.append(line)
    if text is not None:
        yield finished(text)


def finished(lines):
    while lines and lines[0].startswith(OURS):
        lines.pop(0)
    if lines and lines[-1] == b"\n":
        lines.pop()  # the empty line before the next separator
    return b"".join(lines)


def digests(texts):
    return [hashlib.sha256(text).digest()[:8] for text in texts]


def high_water(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    line = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line[0].split()[1]) * 1024 if line else 0


class Bulk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        parent = os.environ.get("POSTHORN_BULK_DIR")
        cls.folder = Path(tempfile.mkdtemp(prefix="posthorn-bulk-", dir=parent))
        needed = (MEGABYTES << 20) * 3 + (1 << 30)
        if shutil.disk_usage(cls.folder).free < needed:
            shutil.rmtree(cls.folder)
            raise unittest.SkipTest(f"needs {needed >> 30} GB on the disk")
        cls.posthorn = Posthorn(DOMAIN, accounts={"ann": SECRET, "bob": SECRET}, listen=("imaps",), parent=cls.folder)
        try:
            cls.posthorn.__enter__()
        except Unavailable as reason:
            shutil.rmtree(cls.folder)
            raise unittest.SkipTest(str(reason))
        cls.source = cls.folder / "bulk.mbox"
        cls.wanted = []
        with open(cls.source, "wb", buffering=1 << 20) as file:
            for text in messages():
                cls.wanted.append(hashlib.sha256(text).digest()[:8])
                file.write(FROM + quoted(text) + b"\n")

    @classmethod
    def tearDownClass(cls):
        cls.posthorn.__exit__()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def command(self, *words):
        return subprocess.Popen([str(BINARY), *map(str, words), "--config", str(self.posthorn.config)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def count(self, account=ANN):
        rows = {row["mailbox"]: row["messages"] for row in self.posthorn.json("mailbox", "list", account)}
        return rows.get("INBOX", 0)

    def watch(self, process, until=lambda: False):
        """Until it ends, or `until`; the high-water marks of it and of the server."""
        ours, servers = 0, 0
        while process.poll() is None and not until():
            ours, servers = max(ours, high_water(process.pid)), max(servers, high_water(self.posthorn.process.pid))
            time.sleep(0.02)
        return max(ours, servers)

    def stored(self):
        """Octets below the store, roughly."""
        return sum(entry.stat().st_size for entry in self.posthorn.config.parent.rglob("*") if entry.is_file())

    def test_in_and_out(self):
        highest = self.cut_import()
        since = time.monotonic()
        again = self.command("mailbox", "import", ANN, self.source)
        highest = max(highest, self.watch(again))
        _, words = again.communicate()
        self.assertEqual(again.returncode, 0, words.decode())
        took = time.monotonic() - since
        self.assertEqual(self.count(), len(self.wanted))
        self.source.unlink()
        out = self.folder / "out"
        export = self.command("mailbox", "export", ANN, out, "--format", "mbox")
        until = (lambda: (out / "INBOX.mbox").exists() and (out / "INBOX.mbox").stat().st_size > MEGABYTES << 18)
        highest = max(highest, self.watch(export, until))
        export.kill()
        export.communicate()
        export = self.command("mailbox", "export", ANN, out, "--format", "mbox")
        highest = max(highest, self.watch(export))
        _, words = export.communicate()
        self.assertEqual(export.returncode, 0, words.decode())
        self.assertEqual(digests(exported(out / "INBOX.mbox")) == self.wanted, True, "the octets or their order differ")
        print(f"     {MEGABYTES} MB, {len(self.wanted)} messages; the rest of the import took {took:.0f} s; at most "
              f"{highest >> 20} MB of memory", flush=True)
        self.assertLess(highest, MEMORY_MAX)

    def cut_import(self):
        """The import and then the server are killed on the way, or at its end where a small one is quicker; the memory."""
        highest, begun = 0, self.stored()
        for part, victim in ((8, None), (3, self.posthorn)):
            command = self.command("mailbox", "import", ANN, self.source)
            highest = max(highest, self.watch(command, lambda: self.stored() - begun > (MEGABYTES << 20) // part))
            (victim or command).kill()
            command.communicate()
        self.posthorn.serve()
        if MEGABYTES > 1000:
            self.assertLess(self.count(), len(self.wanted))
        return highest

    @unittest.skipIf(MEGABYTES > 1000, "with the small one")
    def test_a_person_sees_how_far_it_is(self):
        small = self.folder / "small.mbox"
        small.write_bytes(b"".join(FROM + b"Subject: %d\n\nx\n\n" % number for number in range(2000)))
        ours, theirs = pty.openpty()
        process = subprocess.Popen([str(BINARY), "mailbox", "import", BOB, str(small), "--config", str(self.posthorn.config)],
                                   stdout=theirs, stderr=theirs, stdin=theirs)
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], 30)[0]:
            try:
                shown += os.read(ours, 4096)
            except OSError:
                break
        self.assertEqual(process.wait(30), 0)
        os.close(ours)
        self.assertIn(b"%", shown)
        self.assertIn(b"\r", shown)


if __name__ == "__main__":
    cases.main()
