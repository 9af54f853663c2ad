"""A crowd that does not stop others: idle connections with a slow sender on each, and large messages all at once.

The slow senders drip a message octet by octet from many addresses of loopback; meanwhile others are served as ever.
The large messages are sent side by side, to a mailbox and on to a neighbour; the server's memory stays within a bound
that does not depend on their size.
"""
import os
import re
import resource
import selectors
import socket
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
from bed import ANN, BOB, Bed, unchecked  # noqa: E402
from jail import wait_until  # noqa: E402
from unpack import Unavailable  # noqa: E402
from way import GOOD, Way  # noqa: E402

LONG = bool(os.environ.get("POSTHORN_LONG"))
SLOW = 10_000 if LONG else 1_000
SLOW_PER_ADDRESS = 200          # below limits.connections_per_address
SPARE_DESCRIPTORS = 200
OTHERS = 100                    # messages of others meanwhile
OTHERS_SECONDS_MAX = 20         # for all of them; far above what they need, far below the slow senders' time
ROUNDS_BEFORE = 5               # octets that each slow sender has dripped before the others come
IN_A_MESSAGE = f"EHLO slow.example\r\nMAIL FROM:<{ANN}>\r\nRCPT TO:<{BOB}>\r\nDATA\r\nSubject: slow\r\n\r\n".encode()
IN_A_COMMAND = b"EHLO slow.example\r\nNOOP "
DRIPS = 480                     # below the longest command line

LARGE = 100 if LONG else 10
LARGE_OUT = 30 if LONG else 6   # submitted over TLS and relayed
LARGE_OCTETS = 50_000_000
BLOCK = (b"0123456789" * 7 + b"abcdef\r\n") * 840
INTAKE_OCTETS = 64 << 20        # limits.intake_memory
MEMORY_MAX = INTAKE_OCTETS + (96 << 20)


def descriptors(wanted):
    """Raises our limit as far as it goes; how many of the wanted descriptors there are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
        except (ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def status_octets(pid, name):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1]) * 1024


class Drippers:
    """Slow senders in one thread, half of them in a message and half in a command: each sends one octet in its turn."""

    def __init__(self, posthorn, count):
        self.open, self.over = [], threading.Event()
        self.lost = self.rounds = 0
        for number in range(count):
            client = socket.socket()
            client.bind((f"127.0.2.{number // SLOW_PER_ADDRESS + 1}", 0))
            client.connect((posthorn.address, posthorn.port("smtp")))
            client.sendall(IN_A_COMMAND if number % 2 else IN_A_MESSAGE)
            client.setblocking(False)
            self.open.append(client)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        answers = selectors.DefaultSelector()
        for client in self.open:
            answers.register(client, selectors.EVENT_READ)
        for _ in range(DRIPS):
            for number, client in enumerate(self.open):
                if self.over.is_set():
                    return
                try:
                    client.send(b"x")
                except OSError:
                    self.lost += 1
                if number % 100 == 99:
                    self.over.wait(0.002)  # slow is what they are
            for key, _ in answers.select(0):
                try:
                    self.lost += not key.fileobj.recv(4096)
                except OSError:
                    self.lost += 1
            self.rounds += 1

    def close(self):
        self.over.set()
        self.thread.join(10)
        for client in self.open:
            client.close()


class Crowd(unittest.TestCase):
    def open(self, **settings):
        bed = Bed(0, **settings)
        try:
            posthorn = bed.open()
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(bed.close)
        return posthorn

    def test_slow_senders_do_not_stop_others(self):
        count = min(SLOW, descriptors(2 * SLOW + SPARE_DESCRIPTORS) - SPARE_DESCRIPTORS)
        posthorn = self.open()
        idle = status_octets(posthorn.process.pid, "VmRSS")
        alone = self.others(posthorn)
        drippers = Drippers(posthorn, count)
        self.addCleanup(drippers.close)
        wait_until(lambda: drippers.rounds >= ROUNDS_BEFORE, 120, "every slow sender drips")
        meanwhile = self.others(posthorn)
        memory = (status_octets(posthorn.process.pid, "VmRSS") - idle) / count
        self.assertTrue(drippers.thread.is_alive(), "the slow senders were done before the others")
        self.assertEqual(drippers.lost, 0, "slow senders were turned away")
        self.assertEqual(len(posthorn.listed(BOB)), 2 * OTHERS)
        print(f"     {count} slow senders: {OTHERS} messages in {meanwhile:.2f} s (alone {alone:.2f} s), {memory / 1024:.1f} KB a connection", flush=True)
        self.assertLess(meanwhile, OTHERS_SECONDS_MAX)

    def others(self, posthorn):
        """The time that a client needs for its messages, a connection each."""
        begun = time.monotonic()
        for number in range(OTHERS):
            self.send(posthorn, [f"Subject: other {number}\r\n\r\nhello\r\n".encode()])
        return time.monotonic() - begun

    def send(self, posthorn, parts):
        with socket.create_connection((posthorn.address, posthorn.port("smtp")), timeout=300) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.talk(client, BOB, parts)

    def submit(self, posthorn, login, parts):
        with socket.create_connection((posthorn.address, posthorn.port("submissions")), timeout=300) as client:
            self.talk(unchecked().wrap_socket(client), GOOD, parts, login)

    def talk(self, client, recipient, parts, login=None):
        with client.makefile("rb") as replies:
            def expect(code):
                line = replies.readline()
                while line[3:4] == b"-":
                    line = replies.readline()
                self.assertEqual(line[:3], code, line)

            expect(b"220")
            client.sendall(b"EHLO other.example\r\n")
            expect(b"250")
            if login:
                client.sendall(f"AUTH PLAIN {login}\r\n".encode())
                expect(b"235")
            client.sendall(f"MAIL FROM:<{ANN}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode())
            for code in (b"250", b"250", b"354"):
                expect(code)
            for part in parts:
                client.sendall(part)
            client.sendall(b".\r\n")
            expect(b"250")

    def all_at_once(self, count, send):
        """Sends so many large messages side by side; each waits in its middle for the others. The seconds it took."""
        gate, failed = threading.Barrier(count), []

        def parts(number):
            yield f"From: <{ANN}>\r\nSubject: large {number}\r\n\r\n".encode()
            gate.wait(60)
            for _ in range(LARGE_OCTETS // len(BLOCK)):
                yield BLOCK

        def one(number):
            try:
                send(parts(number))
            except (AssertionError, OSError, threading.BrokenBarrierError) as error:
                failed.append(f"{number}: {error}")

        begun = time.monotonic()
        senders = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(count)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        self.assertEqual(failed, [])
        return time.monotonic() - begun

    def expect_flat(self, posthorn, what):
        peak = status_octets(posthorn.process.pid, "VmHWM")
        print(f"     {what}, memory at most {peak >> 20} MB", flush=True)
        self.assertLess(peak, MEMORY_MAX)
        posthorn.stop()
        self.assertEqual(posthorn.run("store", "verify").returncode, 0)

    def test_large_messages_at_once_in_flat_memory(self):
        posthorn = self.open()
        took = self.all_at_once(LARGE, lambda parts: self.send(posthorn, parts))
        rows = posthorn.listed(BOB)
        self.assertEqual(len(rows), LARGE)
        self.assertGreater(min(row["size"] for row in rows), LARGE_OCTETS - len(BLOCK))
        self.expect_flat(posthorn, f"{LARGE} messages of {LARGE_OCTETS // 10 ** 6} MB at once in {took:.1f} s")

    def test_large_messages_relayed_in_flat_memory(self):
        try:
            way = Way(keep_octets=False)
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(way.close)
        took = self.all_at_once(LARGE_OUT, lambda parts: self.submit(way.posthorn, way.login, parts))
        begun = time.monotonic()
        way.wait_for_the_rest(600)
        self.assertEqual(len(way.sink.messages), LARGE_OUT)
        self.expect_flat(way.posthorn, f"{LARGE_OUT} messages of {LARGE_OCTETS // 10 ** 6} MB submitted in {took:.1f} s and relayed {time.monotonic() - begun:.1f} s later")


if __name__ == "__main__":
    cases.main()
