#!/usr/bin/env python3
"""What a hostile client sends over IMAP and POP3, and what it may cost: answers that end, memory that stays flat."""
import select
import socket
import ssl
import sys
import time
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent),
                str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
from bed import DOMAIN, PASSWORDS, Bed, unchecked  # noqa: E402
from imap_wire import ImapWire  # noqa: E402

ANN = f"ann@{DOMAIN}"
MEMORY_MAX = 64 << 20  # what one session may add to the server's high-water mark
SECONDS_MAX = 60
PIPELINED = 1_000_000
DEPTH = 10_000
bed = None


def setUpModule():
    global bed
    bed = Bed(0)
    bed.open(listen=("imap", "imaps", "pop3", "pop3s"))
    with session() as wire:
        wire.append("INBOX", [b"Subject: %d\r\n\r\nx\r\n" % number for number in range(10)])


def tearDownModule():
    bed.close()


def session():
    wire = ImapWire.connect(bed.posthorn.address, bed.posthorn.port("imaps"), tls=True)
    wire.ok(f'LOGIN "{ANN}" "{PASSWORDS["ann"]}"')
    return wire


def high_water():
    status = Path(f"/proc/{bed.posthorn.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


class Hostile(unittest.TestCase):
    def setUp(self):
        self.before, self.since = high_water(), time.monotonic()

    def tearDown(self):
        self.assertLess(time.monotonic() - self.since, SECONDS_MAX)
        self.assertLess(high_water() - self.before, MEMORY_MAX)
        with session() as wire:  # it is still there, for others too
            wire.ok("NOOP")

    def pour(self, wire, piece, times):
        """Sends as long as it is taken; True where the server ended it."""
        try:
            for _ in range(times):
                wire.send(piece)
        except OSError:
            return True
        return False

    # ---- literals

    def test_a_literal_of_5_gigabytes_before_login(self):
        wire = ImapWire.connect(bed.posthorn.address, bed.posthorn.port("imaps"), tls=True)
        wire.send(b"a LOGIN {5000000000+}\r\n")
        self.assertIn(b"BAD", wire.response())
        self.pour(wire, b"x" * 65536, 400)
        wire.close()

    def test_a_literal_of_5_gigabytes_in_append(self):
        with session() as wire:
            wire.send(b"a APPEND INBOX {5000000000}\r\n")
            self.assertTrue(wire.response().startswith(b"a NO [TOOBIG]"))
            wire.send(b"b APPEND INBOX {5000000000+}\r\n")
            self.assertTrue(wire.response().startswith(b"b NO [TOOBIG]"))
            self.pour(wire, b"x" * 65536, 400)

    def test_literals_of_5_gigabytes_elsewhere(self):
        for command in (b"SEARCH TEXT", b"CREATE", b"FETCH 1 BODY[HEADER.FIELDS ("):
            wire = session()
            wire.ok("SELECT INBOX")
            wire.send(b"a " + command + b" {5000000000+}\r\n")
            self.assertRegex(wire.response(), rb"^(a (BAD|NO)|\* BYE)")
            self.pour(wire, b"x" * 65536, 100)
            wire.close()

    # ---- sets and keys

    def test_a_set_of_a_million_elements(self):
        elements = b",".join(b"%d" % (2 * number + 1) for number in range(1_000_000))
        for command in (b"FETCH %s FLAGS", b"UID SEARCH UID %s", b"UID STORE %s +FLAGS (\\Seen)", b"UID COPY %s Archive"):
            wire = session()
            wire.ok("SELECT INBOX")
            try:
                wire.send(b"a " + command % elements + b"\r\n")
                answer = wire.response()
                while answer.startswith(b"* ") and not answer.startswith(b"* BYE"):
                    answer = wire.response()
                self.assertRegex(answer, rb"^(a (OK|NO|BAD)|\* BYE)")
            except OSError:
                pass  # the line was too long, and the connection ended before it was read
            wire.close()

    def test_a_search_nested_a_hundred_thousand_deep(self):
        for open_, close in ((b"(", b")"), (b"NOT ", b""), (b"OR SEEN ", b"")):
            wire = session()
            wire.ok("SELECT INBOX")
            try:
                wire.send(b"a SEARCH " + open_ * 100_000 + b"ALL" + close * 100_000 + b"\r\n")
                self.assertRegex(wire.response(), rb"^(a (NO|BAD)|\* BYE)")
            except OSError:
                pass
            wire.close()

    # ---- messages

    def nested(self):
        heads = [b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(DEPTH)]
        return b"Subject: deep\r\n" + b"".join(heads) + b"Content-Type: text/plain\r\n\r\nthe needle\r\n" + \
            b"".join(b"--b%d--\r\n" % level for level in reversed(range(DEPTH)))

    def rfc822(self):
        return b"Subject: deep\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * DEPTH + b"Subject: inner\r\n\r\nthe needle\r\n"

    def test_parts_nested_ten_thousand_deep(self):
        with session() as wire:
            wire.ok("CREATE Deep")
            wire.append("Deep", [self.nested(), self.rfc822()])
            wire.ok("SELECT Deep")
            for command in ("FETCH 1:2 (BODYSTRUCTURE ENVELOPE PREVIEW)", "SEARCH BODY needle", "SEARCH TEXT inner",
                            "FETCH 1:2 BODY.PEEK[" + "1." * 200 + "1]", "SORT (SUBJECT) UTF-8 ALL", "FETCH 1:2 BINARY.SIZE[1]"):
                self.assertIn(wire.command(command)[0], ("OK", "NO", "BAD"), command)
            wire.ok("UNSELECT")
            wire.ok("DELETE Deep")

    def test_a_header_of_a_hundred_thousand_fields(self):
        with session() as wire:
            wire.ok("CREATE Wide")
            wire.append("Wide", [b"X: y\r\n" * 100_000 + b"\r\nx\r\n", b"To: " + b"a@b.example,\r\n " * 100_000 + b"c@d.example\r\n\r\nx\r\n"])
            wire.ok("SELECT Wide")
            for command in ("FETCH 1:2 (BODYSTRUCTURE ENVELOPE)", "SEARCH HEADER X y", "FETCH 1:2 BODY.PEEK[HEADER.FIELDS (X)]"):
                self.assertEqual(wire.command(command)[0], "OK", command)
            wire.ok("DELETE Wide")

    # ---- many commands

    def million(self, port, greeting_lines, command, login, answer):
        """A million commands at once; they are answered in order by a server that holds none of them back."""
        with socket.create_connection((bed.posthorn.address, port), timeout=60) as plain, unchecked().wrap_socket(plain) as connection:
            file = connection.makefile("rb")
            for _ in range(greeting_lines):
                file.readline()
            connection.sendall(login)
            while not answer(file.readline()):
                pass
            # One thread: a TLS session is not to be read and written at the same time.
            connection.setblocking(False)
            count, unsent, unread = 0, memoryview(command * PIPELINED), b""
            while count < PIPELINED:
                readable, writable, _ = select.select([connection], [connection] if unsent else [], [], 60)
                self.assertTrue(readable or writable, f"silent after {count} answers")
                try:
                    unsent = unsent[connection.send(unsent[:65536]):] if unsent else unsent
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    pass
                try:
                    while piece := connection.recv(65536):
                        *lines, unread = (unread + piece).split(b"\r\n")
                        count += sum(map(answer, lines))
                    self.fail(f"ended after {count} answers")
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    pass

    def test_a_million_imap_commands(self):
        self.million(bed.posthorn.port("imaps"), 1, b"a NOOP\r\n", f'l LOGIN "{ANN}" "{PASSWORDS["ann"]}"\r\n'.encode(),
                     lambda line: line.startswith((b"a OK", b"l OK")))

    def test_a_million_pop3_commands(self):
        login = f"USER {ANN}\r\nPASS {PASSWORDS['ann']}\r\n".encode()
        with self.subTest("NOOP"):
            self.million(bed.posthorn.port("pop3s"), 1, b"NOOP\r\n", login,
                         lambda line: line.startswith((b"+OK Nothing", b"+OK 10 messages")))

    def test_a_client_that_never_reads(self):
        """What it asked for waits in the kernel and stops it from asking on."""
        plain = socket.create_connection((bed.posthorn.address, bed.posthorn.port("imaps")), timeout=3)
        connection = unchecked().wrap_socket(plain)
        connection.sendall(f'a LOGIN "{ANN}" "{PASSWORDS["ann"]}"\r\nb SELECT INBOX\r\n'.encode())
        with self.assertRaises(TimeoutError):  # two million commands are not taken without an answer being read
            for _ in range(2000):
                connection.sendall(b"f FETCH 1:* (FLAGS ENVELOPE BODY.PEEK[])\r\n" * 1000)
        connection.close()

    # ---- lines

    def endless(self, service):
        """True where the server ended it within 64 MB; that its memory stays flat is seen to afterwards."""
        with socket.create_connection((bed.posthorn.address, bed.posthorn.port(service)), timeout=30) as connection:
            connection.recv(4096)
            try:
                for _ in range(1000):
                    connection.sendall(b"x" * 65536)
            except OSError:
                return True
        return False

    def test_lines_without_end(self):
        self.assertTrue(self.endless("pop3"))
        self.endless("imap")  # read past until the time for the login is over


if __name__ == "__main__":
    cases.main()
