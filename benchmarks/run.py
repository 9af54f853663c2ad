"""Measures Posthorn beside Postfix, in one run on one file system, both syncing before they acknowledge.

`./bench [NAME …] [--quick] [--json]`; a NAME may be the beginning of one ("accept"). Each row says what was
measured on both sides, the ratio, CPU per message of the whole server, and the settings that decide.
"""
import argparse
import base64
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "interop"), str(ROOT / "benchmarks")]
from ground import Ground  # noqa: E402
from jail import free_port, wait_until  # noqa: E402
from measure import SyncCounter, cpu_seconds, memory_kilobytes  # noqa: E402
from peers import Postfix  # noqa: E402
from posthorn import Posthorn, Zone  # noqa: E402
from unpack import Unavailable  # noqa: E402

LOADGEN = ROOT / "build" / "release" / "benchmarks" / "loadgen"
DOMAIN, FAR, DEAD = "bench.example", "far.example", "dead.example"
EACH = 20                 # messages a connection, as usual MTAs do
RATE_WITHOUT_LIMIT = 1_000_000    # the largest that every one of the limits takes


@dataclass
class Row:
    name: str
    ours: float = None
    peer: float = None
    peer_name: str = ""
    ratio: float = None
    cpu_ours: float = None    # milliseconds a message
    cpu_peer: float = None
    unit: str = "messages/s"
    settings: str = ""

    def finish(self):
        if self.ours and self.peer:
            self.ratio = round(self.ours / self.peer, 2)
        return self

    def text(self):
        show = lambda value, unit="": "-" if value is None else f"{value:,.4g}{unit}" if value < 100 else f"{value:,.0f}{unit}"
        return (f"{self.name:20} {show(self.ours):>9} {show(self.peer):>9} {self.unit:11} {show(self.ratio, 'x'):>7}"
                f"  cpu {show(self.cpu_ours)} / {show(self.cpu_peer)} ms   {self.peer_name}; {self.settings}")


@dataclass
class Measured:
    rate: float
    cpu_ms: float
    syncs: float = None
    p50_ms: float = None
    p99_ms: float = None

    def words(self):
        parts = [f"p50 {self.p50_ms:.1f} p99 {self.p99_ms:.1f} ms"] if self.p50_ms is not None else []
        parts += [f"{self.syncs:.2f} syncs/message"] if self.syncs is not None else []
        return ", ".join(parts)


def loadgen(mode, address, port, **options):
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return subprocess.Popen([str(LOADGEN), mode, f"{address}:{port}", *words], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)


def send(server, messages, connections, size, **more):
    """Sends and returns loadgen's report; a refused message makes the whole measurement void."""
    process = loadgen("send", server.address, server.smtp_port, messages=messages, connections=connections, size=size, each=EACH, **more)
    report = json.loads(process.communicate()[0])
    if report["refused"] or report["acknowledged"] != messages:
        raise RuntimeError(f"{type(server).__name__} acknowledged {report['acknowledged']} of {messages}: {report['last_refusal']}")
    return report


class Ours:
    """Posthorn under measure: one account that receives, one application login that relays."""
    label = "posthorn"
    account = f"bob@{DOMAIN}"

    def __init__(self, ground, sink_port=None):
        # Loopback shares its one address among all "hosts", so the limits an address has are lifted.
        settings = {"relay.allow_private": True, "relay.mx_port": sink_port or 25,
                    **{f"limits.{name}": RATE_WITHOUT_LIMIT for name in LIFTED_LIMITS}}
        zone = Zone().mx(FAR, f"mx.{FAR}").host(f"mx.{FAR}", "127.0.0.1").mx(DEAD, f"mx.{DEAD}").host(f"mx.{DEAD}", "127.0.0.99")
        self.server = Posthorn(DOMAIN, zone=zone, accounts={"bob": "a password of the benchmark"}, settings=settings,
                               parent=ground.folder, listen=("smtp", "submissions"))
        self.address, self.relaying = self.server.address, sink_port is not None

    def __enter__(self):
        self.server.__enter__()
        if self.relaying:
            login = self.server.json("login", "add", self.account, "bench", "--scope", "smtp")
            plain = base64.b64encode(f"\0{login['login']}\0{login['secret']}".encode()).decode()
            self.way_in = {"tls": "implicit", "auth_plain": plain, "from": self.account}
        else:
            self.way_in = {"to": self.account}
        return self

    def __exit__(self, *reason):
        self.server.__exit__(*reason)

    @property
    def smtp_port(self):
        return self.server.port("submissions" if self.relaying else "smtp")

    @property
    def session(self):
        return self.server.process.pid

    def queued(self):
        return len(self.server.queue())


class Theirs:
    """Postfix under measure. Mail to its domain is put on hold: accepted and synced, no work of delivery after it,
    which is the least it can do."""
    label = "Postfix 3.7"

    def __init__(self, ground, sink_port=None):
        settings = {"smtpd_recipient_restrictions": "check_recipient_access static:HOLD permit_mynetworks"} if sink_port is None else {}
        settings |= {"minimal_backoff_time": "300s", "maximal_backoff_time": "4000s", "queue_run_delay": "300s"}
        routes = {FAR: ("127.0.0.1", sink_port), DEAD: ("127.0.0.99", 25)} if sink_port else {}
        self.server = Postfix(DOMAIN, routes=routes, tls="none", settings=settings, parent=ground.folder)
        self.address = self.server.address
        self.way_in = {"to": f"bob@{DOMAIN}"} if sink_port is None else {"from": f"bob@{DOMAIN}"}

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *reason):
        self.server.__exit__(*reason)

    @property
    def smtp_port(self):
        return self.server.port

    @property
    def session(self):
        return self.server.process.pid

    def queued(self):
        return sum(1 for folder in ("incoming", "active", "deferred") for path in self.server.jail.inside(f"/var/spool/postfix/{folder}").rglob("*")
                   if path.is_file())


# Set so high that the load generator, one address and one login, never meets them.
LIFTED_LIMITS = ("connections", "connections_per_address", "messages_per_hour", "recipients_per_hour")


def measure_accept(server, messages, connections, size):
    send(server, min(messages, 200), connections, size, **server.way_in)  # warm
    before = cpu_seconds(server.session)
    report = send(server, messages, connections, size, **server.way_in)
    cpu_ms = 1000 * (cpu_seconds(server.session) - before) / messages
    with SyncCounter(server.session) as syncs:
        send(server, 200, connections, size, **server.way_in)
    return Measured(report["rate"], cpu_ms, syncs.count / 200, report["p50_ms"], report["p99_ms"])


def measure_relay(server, sink_port, messages, connections=10, size=4096):
    """From the first connection until the sink has the last message, then until the queue is as it was."""
    backlog = server.queued()
    sink = loadgen("sink", "127.0.0.1", sink_port, expect=messages)
    assert sink.stdout.readline() == "ready\n"
    before, started = cpu_seconds(server.session), time.monotonic()
    send(server, messages, connections, size, **{**server.way_in, "to": f"rcpt@{FAR}"})
    report = json.loads(sink.communicate()[0])
    seconds = time.monotonic() - started
    if report["received"] < messages:
        raise RuntimeError(f"{server.label}: the sink received {report['received']} of {messages}")
    wait_until(lambda: server.queued() <= backlog, 60, lambda: f"{server.queued()} in the queue, {backlog} before")
    cpu_ms = 1000 * (cpu_seconds(server.session) - before) / messages
    return Measured(messages / seconds, cpu_ms)


class Bench:
    def __init__(self, ground, quick):
        self.ground, self.quick = ground, quick

    def count(self, whole):
        return whole // 10 if self.quick else whole

    def accept(self, name, connections, size, ours, theirs):
        row = Row(name)
        with Ours(self.ground) as server:
            mine = measure_accept(server, self.count(ours), connections, size)
        with Theirs(self.ground) as server:
            peer = measure_accept(server, self.count(theirs), connections, size)
            row.peer_name = server.label
        row.ours, row.peer, row.cpu_ours, row.cpu_peer = mine.rate, peer.rate, mine.cpu_ms, peer.cpu_ms
        row.settings = (f"{size} octets, {connections} connections, {EACH} messages a connection, no TLS, synced before 250; ours {mine.words()}; "
                        f"theirs {peer.words()}, mail held; {self.ground.words}")
        yield row.finish()

    def accept_4k_1(self):
        yield from self.accept("accept-4k-1", 1, 4096, 4000, 2000)

    def accept_4k_10(self):
        yield from self.accept("accept-4k-10", 10, 4096, 20000, 5000)

    def accept_4k_100(self):
        yield from self.accept("accept-4k-100", 100, 4096, 40000, 5000)

    def accept_64k_10(self):
        yield from self.accept("accept-64k-10", 10, 65536, 5000, 2000)

    def relay_4k_10(self):
        row = Row("relay-4k-10", peer_name=Theirs.label)
        mine, row.cpu_ours = self.relay_rate(Ours, 10000)
        peer, row.cpu_peer = self.relay_rate(Theirs, 4000)
        row.ours, row.peer = mine, peer
        row.settings = ("4096 octets, 10 connections in, until the sink has all of it; ours submitted over TLS with a password, theirs in clear without; "
                        f"to the sink in clear; {self.ground.words}")
        yield row.finish()

    def relay_rate(self, kind, messages):
        sink_port = free_port()
        with kind(self.ground, sink_port) as server:
            result = measure_relay(server, sink_port, self.count(messages))
        return result.rate, result.cpu_ms

    def relay_backlog(self):
        """Our own relay rate with messages queued for a dead destination, against the one without."""
        sink_port, backlog = free_port(), self.count(100_000)
        row = Row("relay-backlog", peer_name="posthorn, empty queue")
        with Ours(self.ground, sink_port) as server:
            empty = measure_relay(server, sink_port, self.count(10000))
            send(server, backlog, 10, 512, **{**server.way_in, "to": f"rcpt@{DEAD}"})
            full = measure_relay(server, sink_port, self.count(10000))
        row.ours, row.peer, row.cpu_ours, row.cpu_peer = full.rate, empty.rate, full.cpu_ms, empty.cpu_ms
        row.settings = f"{backlog} messages queued for a host that refuses connections; as relay-4k-10; {self.ground.words}"
        yield row.finish()

    def idle_memory(self):
        row = Row("idle-memory", unit="MB", peer_name=Theirs.label, settings="proportional set size of all processes, just started")
        with Ours(self.ground) as server:
            row.ours = memory_kilobytes(server.session) / 1024
        with Theirs(self.ground) as server:
            row.peer = memory_kilobytes(server.session) / 1024
        yield row.finish()

    def idle_tls(self):
        """Kilobytes of the server for each TLS connection that stands and says nothing."""
        count = 1000 if self.quick else 9000
        row = Row("idle-tls", unit="KB/conn", settings=f"{count} connections over implicit TLS, handshake and greeting done")
        with Ours(self.ground, sink_port=25) as server:
            before = memory_kilobytes(server.session)
            holder = loadgen("idle", server.address, server.smtp_port, connections=count, tls="implicit")
            report = json.loads(holder.stdout.readline())
            row.ours = (memory_kilobytes(server.session) - before) / report["held"]
            holder.communicate()
        yield row.finish()


BENCHES = {name.replace("_", "-"): getattr(Bench, name) for name in
           ("accept_4k_1", "accept_4k_10", "accept_4k_100", "accept_64k_10", "relay_4k_10", "relay_backlog", "idle_memory", "idle_tls")}


def arguments():
    parser = argparse.ArgumentParser(prog="./bench", epilog=f"benchmarks: {' '.join(BENCHES)}")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    parser.add_argument("--json", action="store_true", help="one JSON list of rows")
    options = parser.parse_args()
    asked = [name for word in options.names for name in BENCHES if name == word or word not in BENCHES and name.startswith(word)]
    options.chosen = [name for name in BENCHES if name in asked or not options.names]
    if not options.chosen:
        parser.error(f"no such benchmark; there are: {' '.join(BENCHES)}")
    return options


def main():
    options = arguments()
    rows, failed = [], 0
    with Ground() as ground:
        print(f"== stores on: {ground.words}", file=sys.stderr)
        for name in options.chosen:
            try:
                for row in BENCHES[name](Bench(ground, options.quick)):
                    rows.append(asdict(row))
                    print(row.text(), file=sys.stderr if options.json else sys.stdout, flush=True)
            except (RuntimeError, TimeoutError, Unavailable, AssertionError) as error:
                failed += 1
                print(f"{name}: {error}", file=sys.stderr)
    if options.json:
        print(json.dumps(rows, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
