"""What IMAP clients wait for, beside Dovecot 2.3: the same mailboxes, the same commands, the same transport."""
import json
import os
import re
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from imap_servers import Dovecot, Ours
from measure import cpu_seconds, memory_kilobytes

IMAPLOAD = Path(__file__).resolve().parent.parent / "build" / "release" / "benchmarks" / "imapload"
TURNS = 3


class Load:
    """One run of the generator against a server; the server's CPU while it measures."""

    def __init__(self, server, mode, **options):
        with tempfile.NamedTemporaryFile("w", suffix=".logins", delete=False) as file:
            file.write("".join(f"{user} {secret}\n" for user, secret in server.logins()))
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.server, self.file = server, file.name
        self.process = subprocess.Popen([str(IMAPLOAD), mode, f"{server.address}:{server.port}", "--logins", file.name, *words],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._expect("ready")

    def _expect(self, word):
        line = self.process.stdout.readline().strip()
        if word and line != word or not line:
            raise RuntimeError(f"imapload said {line!r}; {self.server.label}: {self.server.log()}")
        return line

    def go(self):
        before = cpu_seconds(self.server.session)
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        report = json.loads(self._expect(""))
        report["cpu"] = cpu_seconds(self.server.session) - before
        return report

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        os.unlink(self.file)


def load(server, mode, **options):
    run = Load(server, mode, **options)
    try:
        return run.go()
    finally:
        run.end()


def both(stack, ground, users):
    return [stack.enter_context(kind(ground, users)) for kind in (Ours, Dovecot)]


def rates(server, mode, **options):
    report = load(server, mode, **options)
    if report["refused"]:
        raise RuntimeError(f"{server.label} refused {report['refused']} commands: {report['refusal']}")
    return report


def median_of(reports):
    """The report of the median rate, with CPU a command over all of them in milliseconds."""
    middle = sorted(reports, key=lambda report: report["rate"])[len(reports) // 2]
    return {**middle, "cpu_ms": 1000 * sum(report["cpu"] for report in reports) / sum(report["commands"] for report in reports)}


def in_turns(servers, mode, **options):
    reports = {server: [] for server in servers}
    for turn in range(TURNS):
        for server in servers:
            reports[server].append(rates(server, mode, **{**options, **({"seed": turn + 1} if mode == "mixed" else {})}))
    return [median_of(reports[server]) for server in servers]


def append(ground, users, messages):
    """APPEND at ten connections, to `users` accounts; (ours, theirs)."""
    with ExitStack() as stack:
        servers = both(stack, ground, users)
        for server in servers:
            load(server, "append", connections=10, messages=200, size=4096)
        return in_turns(servers, "append", connections=10, messages=messages, size=4096)


def mixed(ground, messages, commands):
    """Each turn begins anew: what the commands do to the mailboxes is then the same on both sides."""
    found = {kind: [] for kind in (Ours, Dovecot)}
    for seed in range(1, TURNS + 1):
        for kind in found:
            with kind(ground, 10) as server:
                load(server, "fill", messages=messages)
                found[kind].append(rates(server, "mixed", connections=10, commands=commands, messages=messages, seed=seed))
    return [median_of(found[kind]) for kind in (Ours, Dovecot)]


READS = {
    "select": "SELECT INBOX",
    "flags": "FETCH 1:* (FLAGS)",
    "envelope": "FETCH 1:* (ENVELOPE)",
    "structure": "FETCH 1:* (BODYSTRUCTURE)",
    "header": "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)])",
    "search-text": "SEARCH TEXT zebra",
    "search-from": "SEARCH FROM bob7@",
    "sort-date": "SORT (DATE) US-ASCII ALL",
    "sort-subject": "SORT (SUBJECT) US-ASCII ALL",
    "thread": "THREAD REFERENCES US-ASCII ALL",
}


def timed(server, command, rounds, setup="SELECT INBOX"):
    report = load(server, "repeat", command=command, rounds=rounds, setup=setup)
    return {**report, "cpu_ms": 1000 * report["cpu"] / report["rounds"]}


def reads(ground, count, rounds):
    """{name: (ours, theirs)} on a mailbox of `count` messages."""
    with ExitStack() as stack:
        servers = [stack.enter_context(Ours(ground, 1)), stack.enter_context(Dovecot(ground, 1, fsync="never"))]
        for server in servers:
            load(server, "fill", messages=count)
            timed(server, "FETCH 1:* (ENVELOPE BODYSTRUCTURE)", 1)
        for name, command in READS.items():
            times = 200 if name == "select" else rounds
            yield name, [timed(server, command, times) for server in servers]
        yield "qresync", [resync(server, count, 10 * rounds) for server in servers]


def resync(server, count, rounds):
    """SELECT with QRESYNC after 100 changes: half of them flags, half of them messages that went."""
    from wire import Connection

    user, secret = server.logins()[0]
    client = Connection(server.address, server.port, 600)
    client.ok(f'LOGIN "{user}" "{secret}"')
    client.ok("ENABLE QRESYNC")
    told = repr(client.ok("SELECT INBOX"))
    validity, modseq = (re.search(rf"{name}'\), Atom\(text='(\d+)'", told)[1] for name in ("UIDVALIDITY", "HIGHESTMODSEQ"))
    step = count // 100
    for number in range(50):
        client.ok(f"UID STORE {1 + 2 * number * step} +FLAGS (\\Answered)")
        client.ok(f"UID STORE {1 + (2 * number + 1) * step} +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    client.ok("LOGOUT")
    return timed(server, f"SELECT INBOX (QRESYNC ({validity} {modseq}))", rounds, setup="ENABLE QRESYNC")


def wake(ground, sessions, rounds=20):
    """Milliseconds from sending APPEND until each of many idling sessions of that mailbox was told."""
    with Ours(ground, 1) as server:
        load(server, "fill", messages=100)
        return load(server, "wake", connections=sessions, rounds=rounds)


def private_kilobytes(server):
    """Private memory of all processes of the server."""
    return memory_kilobytes(server.session, r"^Private_(?:Clean|Dirty):\s+(\d+)")


def idle_kilobytes(kind, ground, connections, accounts, messages=100, warm=50):
    """Private memory of the server for each TLS connection in IDLE, on INBOXes of so many messages."""
    with kind(ground, accounts) as server:
        load(server, "fill", messages=messages)
        run = Load(server, "hold", connections=connections, warm=max(warm, accounts))
        try:
            before = private_kilobytes(server)
            report = run.go()
            return (private_kilobytes(server) - before) / connections, report
        finally:
            run.end()



