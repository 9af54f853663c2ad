"""What IMAP clients wait for, beside Dovecot 2.3 (mdbox): the same mailbox, the same commands.

Ours is asked over TLS on loopback; Dovecot's imap process by a pair of pipes, without login and TLS, which is the least
it can do. Answers are drained without being looked at.
"""
import os
import statistics
import time

from dovecot import Dovecot
from measure import TICK
from wire import Connection

USER, PASSWORD = "bob@bench.example", "a password of the benchmark"
BODY = ("From: Bob <bob@beta.example>\r\nTo: Ann <ann@bench.example>\r\nSubject: Message {0} about lunch\r\n"
        "Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nMessage-ID: <m{0}@beta.example>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n\r\n" + "The quick brown fox jumps over the lazy dog again.\r\n" * 40)
MULTIAPPEND = 500
ROUNDS = 5
TAIL = 4096  # a tagged response ends within this


class Client:
    """Sends a command and drains its answer."""

    def send(self, octets):
        raise NotImplementedError

    def receive(self):
        raise NotImplementedError

    def run(self, command):
        self.send(b"q " + command + b"\r\n")
        tail = b"\r\n"
        while not (tail.endswith(b"\r\n") and b"\r\nq " in tail):
            octets = self.receive()
            if not octets:
                raise RuntimeError(f"the connection ended within {command[:60]!r}")
            tail = (tail + octets)[-TAIL:]
        answer = tail[tail.rindex(b"\r\nq ") + 4:]
        if not answer.startswith(b"OK"):
            raise RuntimeError(f"{command[:60]!r}: {answer[:200]!r}")

    def fill(self, mailbox, count):
        for first in range(0, count, MULTIAPPEND):
            bodies = [BODY.format(number).encode() for number in range(first, min(first + MULTIAPPEND, count))]
            self.run(f"APPEND {mailbox}".encode() + b"".join(b" {%d+}\r\n" % len(body) + body for body in bodies))


class Ours(Client):
    def __init__(self, server):
        self.connection = Connection(server.address, server.port("imaps"), 600)
        self.connection.ok(f'LOGIN "{USER}" "{PASSWORD}"')
        self.pid = server.process.pid

    def send(self, octets):
        self.connection.socket.sendall(octets)

    def receive(self):
        return self.connection.socket.recv(1 << 20)


class Theirs(Client):
    def __init__(self, dovecot):
        dovecot.session()
        self.process = dovecot.processes[-1]
        self.pid = self.process.pid

    def send(self, octets):
        self.process.stdin.write(octets)
        self.process.stdin.flush()

    def receive(self):
        return self.process.stdout.read1(1 << 20)


def cpu_seconds_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def timed(client, command):
    """Milliseconds: the median of some rounds, and the server's CPU in each."""
    client.run(command)  # warm: both keep what they found out
    before, times = cpu_seconds_of(client.pid), []
    for _ in range(ROUNDS):
        since = time.monotonic()
        client.run(command)
        times.append(1000 * (time.monotonic() - since))
    return statistics.median(times), 1000 * (cpu_seconds_of(client.pid) - before) / ROUNDS


READS = {
    "select": b"SELECT INBOX",
    "flags": b"FETCH 1:* (FLAGS)",
    "envelope": b"FETCH 1:* (ENVELOPE)",
    "structure": b"FETCH 1:* (BODYSTRUCTURE)",
    "header": b"FETCH 1:* (BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)])",
    "search-text": b"SEARCH TEXT zebra",
    "sort-date": b"SORT (DATE) US-ASCII ALL",
}


def reads(server, count):
    """{name: (ours, theirs)}, each (milliseconds, CPU milliseconds), on a mailbox of `count` messages."""
    dovecot = Dovecot()
    try:
        clients = (Ours(server), Theirs(dovecot))
        for client in clients:
            client.fill("INBOX", count)
            client.run(b"SELECT INBOX")
        return {name: tuple(timed(client, command) for client in clients) for name, command in READS.items()}
    finally:
        dovecot.stop()


def idle_kilobytes(server, connections, messages=100):
    """Private memory of the server for each TLS connection in IDLE on an INBOX of so many messages."""
    first = Ours(server)
    first.fill("INBOX", messages)
    held = []

    def hold():
        client = Ours(server)
        client.run(b"SELECT INBOX")
        client.run(b"FETCH 1:* (FLAGS)")
        client.send(b"i IDLE\r\n")
        client.receive()
        held.append(client)

    for _ in range(50):
        hold()
    before = private_kilobytes(first.pid)
    for _ in range(connections):
        hold()
    return (private_kilobytes(first.pid) - before) / connections


def private_kilobytes(pid):
    with open(os.path.join("/proc", str(pid), "smaps_rollup"), encoding="utf-8") as text:
        return sum(int(line.split()[1]) for line in text if line.startswith("Private_"))
