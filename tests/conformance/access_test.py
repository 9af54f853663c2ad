#!/usr/bin/env python3
"""IMAP of a running server as its clients see it: TLS, waiting for changes, revocation, large messages in flat memory."""
import os
import statistics
import sys
import time
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent),
                str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
from bed import BOB, DOMAIN, PASSWORDS, Bed, note  # noqa: E402
from wire import Connection, Gone, PlainConnection, Text  # noqa: E402

ANN = f"ann@{DOMAIN}"
MESSAGE = note(BOB, ANN, "one@beta.example")
IDLE_SECONDS_MAX = 0.1
ROUNDS = 20
LARGE_OCTETS = 200 * 1024 * 1024
LARGE_MEMORY_MAX = 80 * 1024 * 1024
bed = None


def setUpModule():
    global bed
    bed = Bed(0)
    bed.open(listen=("submissions", "submission", "imap", "imaps"))


def tearDownModule():
    bed.close()


def connect(user="ann", password=None):
    connection = Connection(bed.posthorn.address, bed.posthorn.port("imaps"))
    connection.ok(f'LOGIN "{user if "@" in user or password else user + "@" + DOMAIN}" "{password or PASSWORDS[user]}"')
    return connection


def resident():
    status = Path(f"/proc/{bed.posthorn.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


class Tls(unittest.TestCase):
    def test_no_password_is_taken_in_clear(self):
        connection = PlainConnection(bed.posthorn.address, bed.posthorn.port("imap"))
        words = [node.text for node in connection.ok("CAPABILITY")[0]]
        self.assertIn("LOGINDISABLED", words)
        self.assertIn("STARTTLS", words)
        self.assertFalse([word for word in words if word.startswith("AUTH=")])
        _, answer = connection.run(f'LOGIN "{ANN}" "{PASSWORDS["ann"]}"')
        self.assertTrue(answer.startswith("NO [PRIVACYREQUIRED]"), answer)
        connection.start_tls()
        words = [node.text for node in connection.ok("CAPABILITY")[0]]
        self.assertIn("AUTH=PLAIN", words)
        self.assertNotIn("STARTTLS", words)
        connection.ok(f'LOGIN "{ANN}" "{PASSWORDS["ann"]}"')
        connection.close()

    def test_plaintext_behind_starttls_is_not_taken(self):
        connection = PlainConnection(bed.posthorn.address, bed.posthorn.port("imap"))
        connection.socket.sendall(b"a STARTTLS\r\nb NOOP\r\n")
        self.assertTrue(connection.line()[0].startswith("a BAD"))
        with self.assertRaises((Gone, OSError)):
            while True:
                self.assertFalse(connection.line()[0].startswith("b "))
        connection.close()


class Changes(unittest.TestCase):
    def test_idle_hears_at_once(self):
        waiting, other = connect(), connect()
        waiting.ok("SELECT INBOX")
        times = []
        for _ in range(ROUNDS):
            waiting.socket.sendall(b"i IDLE\r\n")
            self.assertTrue(waiting.line()[0].startswith("+"))
            other.ok("APPEND INBOX ", Text(MESSAGE))
            since = time.monotonic()
            line = waiting.line()[0]
            times.append(time.monotonic() - since)
            self.assertTrue(line.endswith("EXISTS"), line)
            waiting.socket.sendall(b"DONE\r\n")
            while not waiting.line()[0].startswith("i OK"):
                pass
        self.assertLess(statistics.median(times), IDLE_SECONDS_MAX)
        waiting.close()
        other.close()

    def test_a_delivery_reaches_idle(self):
        waiting = connect("bob")
        waiting.ok("SELECT INBOX")
        waiting.socket.sendall(b"i IDLE\r\n")
        self.assertTrue(waiting.line()[0].startswith("+"))
        bed.submit(BOB)
        self.assertTrue(waiting.line()[0].endswith("EXISTS"))
        waiting.close()


class Revocation(unittest.TestCase):
    def test_it_ends_live_sessions(self):
        made = bed.posthorn.json("login", "add", ANN, "phone", "--scope", "imap")
        idle, busy = connect(made["login"], made["secret"]), connect(made["login"], made["secret"])
        idle.ok("SELECT INBOX")
        idle.socket.sendall(b"i IDLE\r\n")
        self.assertTrue(idle.line()[0].startswith("+"))
        since = time.monotonic()
        bed.posthorn.ok("login", "revoke", made["login"])
        for connection in (idle, busy):
            with self.assertRaises(Gone):
                while True:
                    connection.line()
        self.assertLess(time.monotonic() - since, 3)
        again = Connection(bed.posthorn.address, bed.posthorn.port("imaps"))
        _, answer = again.run(f'LOGIN "{made["login"]}" "{made["secret"]}"')
        self.assertTrue(answer.startswith("NO [AUTHENTICATIONFAILED]"), answer)


class LargeMessages(unittest.TestCase):
    def test_they_pass_in_flat_memory(self):
        connection = connect()
        header = b"From: <bob@beta.example>\r\nSubject: large\r\n\r\n"
        line = b"x" * 998 + b"\r\n"
        count = LARGE_OCTETS // len(line)
        size = len(header) + count * len(line)
        before = resident()
        connection.socket.sendall(b"l APPEND Archive {%d+}\r\n" % size + header)
        highest = 0
        for number in range(count // 100):
            connection.socket.sendall(line * 100)
            if number % 200 == 0:
                highest = max(highest, resident())
        connection.socket.sendall(line * (count % 100) + b"\r\n")
        self.assertTrue(connection.line()[0].startswith("l OK [APPENDUID"))
        connection.ok("SELECT Archive")
        connection.socket.sendall(b"f FETCH * (RFC822.SIZE BODY.PEEK[])\r\n")
        highest = max(highest, self.drain(connection, size))
        self.assertLess(highest - before, LARGE_MEMORY_MAX)
        connection.close()

    def drain(self, connection, size):
        """Reads the answer to FETCH without keeping it; the highest memory of the server meanwhile."""
        got, highest, tail = len(connection.buffer), 0, b""
        connection.buffer = b""
        while b"\r\nf OK" not in tail:
            octets = connection.socket.recv(1 << 20)
            self.assertTrue(octets, "the server closed the connection")
            got, tail = got + len(octets), (tail + octets)[-200:]
            if got % 50 == 0:
                highest = max(highest, resident())
        self.assertGreater(got, size)
        return max(highest, resident())


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    cases.main()
