"""One way of mail through a site, and what must be true of it afterwards, wherever it was cut.

A round is four messages: received for bob; submitted for bob, a neighbour and an address the neighbour refuses (so
a report goes back); a longer one for bob and the neighbour; one of a file's size for the neighbour alone. So rows,
segment, message file, report, removal and reclaim all happen, and each message is one unit: everything or nothing.
"""
import base64
import re
import socket
from collections import Counter
from dataclasses import dataclass

from bed import ANN, BOB, Bed, unchecked
from jail import wait_until
from sink import SinkServer

GOOD, DEAD = "good@far.example", "dead@far.example"
TIMEOUT_SECONDS = 20
SETTINGS = {"relay.retry": ["1s"], "limits.messages_per_hour": 1_000_000, "limits.recipients_per_hour": 1_000_000}
MARK = re.compile(rb"^Subject: (mark-\S+)", re.M)


@dataclass(frozen=True)
class Kind:
    name: str
    service: str
    recipients: tuple
    octets: int


KINDS = (Kind("received", "smtp", (BOB,), 600),
         Kind("inline", "submissions", (BOB, GOOD, DEAD), 900),
         Kind("segment", "submissions", (BOB, GOOD), 40_000),
         Kind("file", "submissions", (GOOD,), 1_200_000))


class Cut(Exception):
    """The server went away, or answered with something else than success."""

    def __init__(self, reply=""):
        super().__init__(reply or "cut off")
        self.reply = reply


class Client:
    """One SMTP session that minds every reply."""

    def __init__(self, posthorn, service, login):
        self.socket = socket.create_connection((posthorn.address, posthorn.port(service)), timeout=TIMEOUT_SECONDS)
        if service == "submissions":
            self.socket = unchecked().wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")
        self.expect("220")
        self.command("EHLO client.example", "250")
        if service == "submissions":
            self.command(f"AUTH PLAIN {login}", "235")

    def command(self, line, code):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.expect(code)

    def expect(self, code):
        while True:
            line = self.file.readline().decode("utf-8", "replace")
            if not line.endswith("\r\n"):
                raise Cut
            if line[3:4] != "-":
                break
        if not line.startswith(code):
            raise Cut(line)
        return line

    def send(self, recipients, octets, before_end=lambda: None):
        self.command(f"MAIL FROM:<{ANN}>", "250")
        for recipient in recipients:
            self.command(f"RCPT TO:<{recipient}>", "250")
        self.command("DATA", "354")
        self.socket.sendall(octets)
        before_end()
        self.socket.sendall(b".\r\n")
        return self.expect("250")

    def close(self):
        self.file.close()
        self.socket.close()


class Way:
    """A site with one neighbour, which refuses DEAD."""

    def __init__(self, parent=None, keep_octets=True, **settings):
        self.bed = Bed(1, **{**SETTINGS, **settings})
        self.neighbour_down = False
        self.sink = SinkServer(self.bed.addresses[0], self.bed.mx_port, script=self.neighbour, keep_octets=keep_octets)
        self.sink.__enter__()
        self.bed.lead("far.example", self.bed.addresses[0])
        try:
            self.posthorn = self.bed.open(parent=parent)
        except BaseException:
            self.sink.stop()
            raise
        login = self.posthorn.json("login", "add", ANN, "way", "--scope", "smtp")
        self.login = base64.b64encode(f"\0{login['login']}\0{login['secret']}".encode()).decode()
        self.acknowledged, self.unanswered = {}, {}  # of the round: mark → Kind
        self.last_uid, self.uid_next = {ANN: 0, BOB: 0}, {ANN: 0, BOB: 0}
        self.rounds, self.relayed = 0, 0

    def close(self):
        self.bed.close()
        self.sink.stop()

    def neighbour(self, _, stage, argument):
        if self.neighbour_down and stage in ("greeting", "mail"):  # mail: in a session that was open before
            return "421 4.3.2 closed for today"
        return "550 5.1.1 nobody here" if stage == "rcpt" and DEAD in argument else None

    # ---- a round

    def walk(self, kinds=KINDS):
        """Sends the round's messages one after another until one is cut; returns the Cut, or None."""
        self.rounds += 1
        self.acknowledged, self.unanswered = {}, {}
        self.relayed = len(self.sink.messages)
        try:
            for kind in kinds:
                self.send(kind)
        except (Cut, OSError) as cut:
            return cut if isinstance(cut, Cut) else Cut()
        return None

    def walk_whole(self):
        """A round that nothing cuts; what is wrong afterwards."""
        cut = self.walk()
        if cut:
            return [f"cut without a fault: {cut}"]
        self.wait_for_the_rest()
        return self.wrong(Counter())

    def send(self, kind):
        mark = f"mark-{self.rounds}-{kind.name}"
        client = Client(self.posthorn, kind.service, self.login)
        try:
            client.send(kind.recipients, text(mark, kind), lambda: self.unanswered.setdefault(mark, kind))
            self.acknowledged[mark] = self.unanswered.pop(mark)
        except Cut as cut:
            if cut.reply:
                self.unanswered.pop(mark, None)  # an answer was seen: nothing may be there
            raise
        finally:
            client.close()

    def wait_for_the_rest(self, seconds=30):
        """Until everything that was accepted has left the queue."""
        self.posthorn.run("queue", "retry", "far.example")  # exit 1 where nothing waits any more
        self.posthorn.wait_for_empty_queue(seconds)

    def queue_is_empty(self):
        """Asked of a server that may end at any moment; False where it does."""
        done = self.posthorn.run("queue", "list", "--json")
        return done.returncode == 0 and done.stdout.strip() == "[]"

    # ---- afterwards

    def wrong(self, relayed_before, cuts=1):
        """What is not as it must be, in words. relayed_before: what the neighbour had when the server was cut (the last
        of so many times); only of this may it have more than one."""
        wrong = []
        here = self.arrived(BOB, wrong)
        reports = self.arrived(ANN, wrong)
        there = marks_of((message.octets for message in self.sink.messages[self.relayed:]), wrong)
        for mark, kind in {**self.acknowledged, **self.unanswered}.items():
            found = {BOB: here[mark], GOOD: there[mark], DEAD: reports[mark]}
            total = sum(found[recipient] for recipient in kind.recipients)
            if mark in self.unanswered and total == 0:
                continue  # nothing of it is there, and nothing was promised
            for recipient in kind.recipients:
                most = 1 + cuts if recipient == GOOD and relayed_before[mark] else 1
                if not 1 <= found[recipient] <= most:
                    wrong.append(f"{mark} ({'acknowledged' if mark in self.acknowledged else 'unanswered'}): {found[recipient]} times at {recipient}")
        known = {*self.acknowledged, *self.unanswered}
        wrong += [f"{mark} is there and was never ended" for mark in {*here, *there, *reports} - known]
        return wrong

    def relayed_now(self):
        """What the neighbour took in this round; its sessions are over when the server is."""
        wait_until(lambda: not self.sink._open, 10, "the neighbour's sessions end")
        return self.relayed_there()

    def relayed_there(self):
        return marks_of((message.octets for message in self.sink.messages[self.relayed:]), [])

    def arrived(self, account, wrong):
        """The marks of what came into the account since last time; uids must have risen."""
        for row in self.posthorn.json("mailbox", "list", account):
            if row["mailbox"] == "INBOX":
                if row["uid_next"] < self.uid_next[account]:
                    wrong.append(f"UIDNEXT of {account} went back from {self.uid_next[account]} to {row['uid_next']}")
                self.uid_next[account] = row["uid_next"]
        rows = [row for row in self.posthorn.listed(account) if row["uid"] > self.last_uid[account]]
        if len({row["uid"] for row in rows}) != len(rows):
            wrong.append(f"a uid of {account} was given twice")
        self.last_uid[account] = max((row["uid"] for row in rows), default=self.last_uid[account])
        if self.uid_next[account] <= self.last_uid[account]:
            wrong.append(f"UIDNEXT of {account} is {self.uid_next[account]}, uid {self.last_uid[account]} is given")
        octets = [self.posthorn.octets(row["id"]) for row in rows]
        return marks_of(octets, wrong, whole=account != ANN)  # a report has the header only


def text(mark, kind):
    head = f"From: <{ANN}>\r\nTo: <{kind.recipients[0]}>\r\nSubject: {mark}\r\nMessage-ID: <{mark}@client.example>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\n"
    return (head + ("x" * 70 + "\r\n") * (kind.octets // 72) + f"end of {mark}\r\n").encode()


def marks_of(messages, wrong, whole=True):
    found = Counter()
    for octets in messages:
        marks = MARK.findall(octets)
        if not marks:
            wrong.append(f"a message without mark: {octets[:300]}")
            continue
        mark = marks[-1]
        if whole and not octets.rstrip().endswith(b"end of " + mark):
            wrong.append(f"{mark.decode()} is not whole")
        found[mark.decode()] += 1
    return found
