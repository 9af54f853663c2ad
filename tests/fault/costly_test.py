"""Messages made to cost much, at port 25 with everything verified: a line without an end, a header without an end, 10,000 fields,
1,000 signatures. Each ends with a clear answer, in bounded memory and time, and the server goes on.

A line is 64 MB long, 1 GB under POSTHORN_LONG.
"""
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from base64 import b64encode
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
from posthorn import BINARY, Posthorn, Zone  # noqa: E402

LONG = bool(os.environ.get("POSTHORN_LONG"))
MB = 1 << 20
LINE_OCTETS = 1024 * MB if LONG else 64 * MB
GROWTH_MB = 24           # what a message of any size may cost the process in memory
SECONDS_A_MB = 0.1       # ten times what it takes on one core of the smallest machine
HERE, THERE = "posthorn.example", "alpha.example"
HEAD = b"From: Ann <ann@alpha.example>\r\nTo: bob@posthorn.example\r\nSubject: costly\r\nDate: Thu, 24 Dec 2026 08:00:00 +0000\r\n"


class Client:
    """SMTP by hand, so that a message may be anything."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.file = self.socket.makefile("rb")
        self.reply()
        self.say(b"EHLO mx.alpha.example")

    def reply(self):
        while True:
            line = self.file.readline().decode()
            if line[3:4] != "-":
                return line.strip()

    def say(self, line):
        self.socket.sendall(line + b"\r\n")
        return self.reply()

    def mail(self, pieces):
        """The answer to a message of these pieces, and how many seconds it took."""
        for command in (b"MAIL FROM:<ann@alpha.example>", b"RCPT TO:<bob@posthorn.example>", b"DATA"):
            answer = self.say(command)
            if answer[0] not in "23":
                return answer, 0
        began = time.monotonic()
        self.socket.settimeout(600)
        try:
            for piece in pieces:
                self.socket.sendall(piece)
            self.socket.sendall(b"\r\n.\r\n")
        except ConnectionError:
            pass  # who goes on after a refusal is hung up on; what was said stands in the socket
        try:
            return self.reply(), time.monotonic() - began
        except ConnectionError:
            return "hung up", time.monotonic() - began

    def close(self):
        self.file.close()
        self.socket.close()


def endless(octets, piece=b"x" * MB):
    for _ in range(octets // len(piece)):
        yield piece


class Costly(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not BINARY.exists():
            raise unittest.SkipTest(f"{BINARY} is not built")
        cls.folder = tempfile.TemporaryDirectory(prefix="posthorn-costly-")
        cls.key = Path(cls.folder.name) / "key.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", cls.key], check=True, capture_output=True)
        public = subprocess.run(["openssl", "pkey", "-in", cls.key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        zone = Zone()
        zone.lines += [f'{THERE}. TXT "v=spf1 ip4:127.0.0.0/8 -all"', f'_dmarc.{THERE}. TXT "v=DMARC1; p=reject"',
                       f's._domainkey.{THERE}. TXT "v=DKIM1; k=ed25519; p={b64encode(public[-32:]).decode()}"']
        # Sizes are let through, so that it is the lines that count.
        settings = {"limits.message_size": "4GB", "limits.header_size": "1MB"}
        cls.site = Posthorn(HERE, zone=zone, settings=settings, listen=("smtp",))
        cls.site.__enter__()
        cls.client().close()
        cls.deliver(cls, [HEAD, b"\r\nwarm up\r\n"])

    @classmethod
    def tearDownClass(cls):
        if hasattr(cls, "site"):
            cls.site.__exit__()
        cls.folder.cleanup()

    @classmethod
    def client(cls):
        return Client(cls.site.port("smtp"))

    def memory_mb(self):
        """The most this process ever held."""
        status = Path(f"/proc/{self.site.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024

    def deliver(self, pieces):
        client = Costly.client()
        try:
            return client.mail(pieces)
        finally:
            client.close()

    def costs_little(self, pieces, octets):
        before = self.memory_mb()
        answer, seconds = self.deliver(pieces)
        grown = self.memory_mb() - before
        print(f"     {octets / MB:.1f} MB: {answer[:9]}, {seconds:.2f} s, {grown:.1f} MB more memory", flush=True)
        self.assertLess(grown, GROWTH_MB)
        self.assertLess(seconds, 5 + SECONDS_A_MB * octets / MB)
        self.assertTrue(self.deliver([HEAD, b"\r\nstill here\r\n"])[0].startswith("250 "))
        return answer

    def sign(self, octets):
        return subprocess.run([str(BINARY), "sign", "dkim", "--domain", THERE, "--selector", "s", "--key", str(self.key), "-"], input=octets,
                              check=True, capture_output=True).stdout

    def results(self, answer):
        """The Authentication-Results field of the message that this answer took."""
        octets = self.site.octets(answer.split()[-1].strip(".")) if answer.startswith("250") else b""
        head = octets.split(b"\n\n")[0].replace(b"\n\t", b" ").replace(b"\n ", b" ").decode()
        return next(line for line in head.splitlines() if line.lower().startswith("authentication-results:"))

    def test_a_body_line_without_an_end(self):
        answer = self.costs_little([HEAD, b"\r\n", *endless(LINE_OCTETS)], LINE_OCTETS)
        self.assertTrue(answer.startswith("554 5.6.0"), answer)

    def test_a_header_field_without_an_end(self):
        answer = self.costs_little([HEAD, b"X-Long: ", *endless(LINE_OCTETS)], LINE_OCTETS)
        self.assertTrue(answer.startswith("554 5.6.0"), answer)

    def test_a_folded_header_field_without_an_end(self):
        fold = b"\r\n " + b"y" * 900
        answer = self.costs_little([HEAD, b"X-Long: y", *endless(LINE_OCTETS, fold * 1000), b"\r\n\r\nbody"], LINE_OCTETS)
        self.assertTrue(answer.startswith("552 5.3.4"), answer)

    def test_a_signed_body_of_many_lines_is_verified_as_it_comes(self):
        line = b"z" * 70 + b"\r\n"
        body = line * (MB // len(line))
        count = LINE_OCTETS // len(body)
        signed = self.sign(HEAD + b"\r\n" + body * count)
        head, _ = signed.split(b"\r\n\r\n", 1)
        del signed
        answer = self.costs_little([head, b"\r\n\r\n", *[body] * (count - 1), body[:-2]], LINE_OCTETS)
        self.assertTrue(answer.startswith("250 "), answer)

    def test_ten_thousand_header_fields(self):
        fields = b"".join(b"X-%d: field\r\n" % number for number in range(9_990))
        answer = self.costs_little([self.sign(HEAD + fields + b"\r\nbody\r\n")[:-2]], len(fields))
        self.assertIn("dkim=pass", self.results(answer))
        more = b"".join(b"X-%d: field\r\n" % number for number in range(10_000))
        answer = self.costs_little([HEAD, more, b"\r\nbody"], len(more))
        self.assertTrue(answer.startswith("552 5.3.4"), answer)

    def test_a_thousand_signatures(self):
        signed = self.sign(HEAD + b"\r\nbody\r\n")
        field = signed[:signed.index(b"\r\nFrom: ") + 2]
        many = field * 1000
        answer = self.costs_little([many, HEAD, b"\r\nbody"], len(many))
        results = self.results(answer)
        self.assertEqual(results.count("dkim=pass"), 16, results[:400])
        names = b"".join(b"DKIM-Signature: v=1; a=rsa-sha256; d=d%d.example; s=s; h=from; bh=AAAA; b=BBBB\r\n" % n for n in range(1000))
        answer = self.costs_little([names, HEAD, b"\r\nbody"], len(names))
        self.assertEqual(self.results(answer).count("dkim="), 16)


if __name__ == "__main__":
    cases.main()
