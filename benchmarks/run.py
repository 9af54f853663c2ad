"""Measures Posthorn beside Postfix, Dovecot and others, in one run on one file system, both syncing before they acknowledge.

`./bench [NAME …] [--quick] [--json]`; a NAME may be the beginning of one ("accept"). Each row says what was
measured on both sides, the ratio, CPU per message of the whole server, and the settings that decide. The two sides
take turns, a few rounds each, and the median counts: what else the machine does then falls on both alike.
Beside them stands smtp-sink, which answers and keeps nothing: what the load generator and the machine allow.
"""
import argparse
import base64
import json
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "interop"), str(ROOT / "tests" / "conformance"), str(ROOT / "benchmarks")]
from ground import Ground  # noqa: E402
import imap_rates  # noqa: E402
from jail import Process, accepts, free_port, wait_until  # noqa: E402
from measure import SyncCounter, cpu_seconds, memory_kilobytes  # noqa: E402
from peers import Postfix  # noqa: E402
from posthorn import Posthorn, Zone  # noqa: E402
from trust_peers import (Sample, figures, libopendkim_micros, libspf2_micros, name_server, name_server_of_resolv_conf,  # noqa: E402
                         rspamd_micros)
from unpack import Unavailable, environment, unpacked  # noqa: E402

LOADGEN = ROOT / "build" / "release" / "benchmarks" / "loadgen"
STORE_RATES = ROOT / "build" / "release" / "benchmarks" / "bench_store_rates"
DOMAIN, FAR, DEAD = "bench.example", "far.example", "dead.example"
EACH = 20                 # messages a connection, as usual MTAs do
ROUNDS = 3
# Before anything is measured, to both: so that the write-ahead log of 64 MB has come round once and every file and cache
# has the size it keeps. A new store's first messages cost a sixth to a quarter more.
WARM = 2500
SPF_TURNS = 9
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

    def __init__(self, ground, sink_port=None, verified=None, signs=False):
        """verified: a Sample whose records are served, so that mail is checked; else nothing is, as with the peer. signs: with the
        domain's keys, as after `domain add`; else they are revoked, since the peer does not sign either."""
        # Loopback shares its one address among all "hosts", so the limits an address has are lifted.
        settings = {"relay.allow_private": True, "relay.mx_port": sink_port or 25,
                    "verification.enabled": verified is not None, **{f"limits.{name}": RATE_WITHOUT_LIMIT for name in LIFTED_LIMITS}}
        zone = Zone().mx(FAR, f"mx.{FAR}").host(f"mx.{FAR}", "127.0.0.1").mx(DEAD, f"mx.{DEAD}").host(f"mx.{DEAD}", "127.0.0.99")
        zone.lines += verified.records if verified else []
        self.server = Posthorn(DOMAIN, zone=zone, accounts={"bob": "a password of the benchmark"}, settings=settings,
                               parent=ground.folder, listen=("smtp", "submissions"))
        self.address, self.relaying, self.signs = self.server.address, sink_port is not None, signs

    def __enter__(self):
        self.server.__enter__()
        if self.relaying:
            for key in () if self.signs else self.server.json("domain", "keys", DOMAIN):
                self.server.json("domain", "revoke", DOMAIN, key["selector"])
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
        """What is for the living destination; the backlog of the dead one stays where it is."""
        return len(self.server.json("queue", "list", FAR))


class Theirs:
    """Postfix under measure. Mail to its domain is put on hold: accepted and synced, no work of delivery after it,
    which is the least it can do."""
    label = "Postfix 3.7"

    def __init__(self, ground, sink_port=None, more=()):
        settings = {"smtpd_recipient_restrictions": "check_recipient_access static:HOLD permit_mynetworks"} if sink_port is None else dict(more)
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


class OpenDkim:
    """The milter with which Postfix signs, as most of its hosts do: one RSA-2048 key."""

    def __init__(self, ground):
        self.port, self.folder = free_port(), ground.folder / "opendkim"
        self.folder.mkdir()

    def __enter__(self):
        package, key, settings = unpacked("opendkim"), self.folder / "key.pem", self.folder / "opendkim.conf"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(key)], check=True, capture_output=True)
        key.chmod(0o600)
        settings.write_text(f"Mode s\nDomain {DOMAIN}\nSelector bench\nKeyFile {key}\nSocket inet:{self.port}@127.0.0.1\nCanonicalization relaxed/relaxed\n"
                            "InternalHosts 127.0.0.0/8\nBackground no\nSyslog no\n")
        self.process = Process([str(package / "usr/sbin/opendkim"), "-f", "-x", str(settings)], self.folder / "log", env=environment(package))
        self.process.wait_for(lambda: accepts("127.0.0.1", self.port), 10, "opendkim listens")
        return self

    def __exit__(self, *_):
        self.process.stop()


class TheirsSigned(Theirs):
    label = "Postfix 3.7 with OpenDKIM 2.11"

    def __init__(self, ground, sink_port):
        self.milter = OpenDkim(ground)
        super().__init__(ground, sink_port, {"smtpd_milters": f"inet:127.0.0.1:{self.milter.port}", "milter_default_action": "tempfail"})

    def __enter__(self):
        self.milter.__enter__()
        return super().__enter__()

    def __exit__(self, *reason):
        super().__exit__(*reason)
        self.milter.__exit__(*reason)

    @property
    def session(self):
        return self.server.process.pid, self.milter.process.pid


class NoStore:
    """Postfix's smtp-sink: takes everything, keeps nothing."""
    label = "smtp-sink"

    def __init__(self, ground):
        self.address, self.smtp_port, self.way_in = "127.0.0.1", free_port(), {}
        self.log = ground.folder / "smtp-sink.log"

    def __enter__(self):
        folder = unpacked("postfix")
        command = [str(folder / "usr/sbin/smtp-sink"), "-u", "nobody", f"{self.address}:{self.smtp_port}", "1000"]
        self.process = Process(command, self.log, env=environment(folder))
        self.process.wait_for(lambda: accepts(self.address, self.smtp_port), 10, "smtp-sink listens")
        return self

    def __exit__(self, *_):
        self.process.stop()

    @property
    def session(self):
        return self.process.pid


# Set so high that the load generator, one address and one login, never meets them.
LIFTED_LIMITS = ("connections", "connections_per_address", "messages_per_hour", "recipients_per_hour")


def take_turns(servers, messages, one_round):
    """`one_round(server, messages)` gives a rate; returns each server's median rate and CPU per message."""
    rates, cpu = {server: [] for server in servers}, dict.fromkeys(servers, 0)
    for _ in range(ROUNDS):
        for server in servers:
            before = cpu_seconds(server.session)
            rates[server].append(one_round(server, messages[server]))
            cpu[server] += cpu_seconds(server.session) - before
    return [Measured(statistics.median(rates[server]), 1000 * cpu[server] / ROUNDS / messages[server]) for server in servers]


def syncs_per_message(server, connections, size, messages=200):
    with SyncCounter(server.session) as syncs:
        send(server, messages, connections, size, **server.way_in)
    return syncs.count / messages


def seconds_of(work):
    started = time.monotonic()
    work()
    return time.monotonic() - started


def relay_syncs(server, sink_port, messages=200):
    with SyncCounter(server.session) as syncs:
        relay_round(server, sink_port, messages)
    return syncs.count / messages


def relay_round(server, sink_port, messages, connections=10, size=4096):
    """From the first connection until the sink has the last message, then until the queue is as it was."""
    backlog = server.queued()
    sink = loadgen("sink", "127.0.0.1", sink_port, expect=messages)
    assert sink.stdout.readline() == "ready\n"
    started = time.monotonic()
    send(server, messages, connections, size, **{**server.way_in, "to": f"rcpt@{FAR}"})
    report = json.loads(sink.communicate()[0])
    seconds = time.monotonic() - started
    if report["received"] < messages:
        raise RuntimeError(f"{server.label}: the sink received {report['received']} of {messages}")
    wait_until(lambda: server.queued() <= backlog, 60, lambda: f"{server.queued()} in the queue, {backlog} before")
    return messages / seconds


class Bench:
    def __init__(self, ground, quick):
        self.ground, self.quick = ground, quick

    def count(self, whole):
        return whole // 10 if self.quick else whole

    def accept(self, name, connections, size, ours, theirs):
        with ExitStack() as stack:
            servers = [stack.enter_context(kind(self.ground)) for kind in (Ours, Theirs, NoStore)]
            messages = dict(zip(servers, (self.count(ours) // ROUNDS, self.count(theirs) // ROUNDS, self.count(ours) // ROUNDS)))
            reports = {}

            def one_round(server, count):
                reports[server] = send(server, count, connections, size, **server.way_in)
                return reports[server]["rate"]

            for server in servers[:2]:
                send(server, self.count(WARM), connections, size, **server.way_in)
            mine, peer, sink = take_turns(servers, messages, one_round)
            for measured, server in ((mine, servers[0]), (peer, servers[1])):
                measured.p50_ms, measured.p99_ms = reports[server]["p50_ms"], reports[server]["p99_ms"]
                measured.syncs = syncs_per_message(server, connections, size)
        row = Row(name, mine.rate, peer.rate, Theirs.label, cpu_ours=mine.cpu_ms, cpu_peer=peer.cpu_ms)
        row.settings = (f"{size} octets, {connections} connections, {EACH} messages a connection, no TLS, nothing verified, synced before 250, after {self.count(WARM):,} messages; ours {mine.words()}; "
                        f"theirs {peer.words()}, mail held; smtp-sink {sink.rate:,.0f} /s; {self.ground.words}")
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
        yield self.relay("relay-4k-10", Ours, Theirs, "nobody signs")

    def relay_signed_4k_10(self):
        """What leaves bears a signature of each of our keys, RSA-2048 and Ed25519, and one of theirs."""
        yield self.relay("relay-signed-4k-10", partial(Ours, signs=True), TheirsSigned, "ours signs twice (RSA-2048, Ed25519), theirs once (RSA-2048)")

    def relay(self, name, ours, theirs, signing):
        ports = [free_port(), free_port()]
        with ExitStack() as stack:
            servers = [stack.enter_context(kind(self.ground, sink_port=port)) for kind, port in zip((ours, theirs), ports)]
            sinks = dict(zip(servers, ports))
            messages = dict(zip(servers, (self.count(10_000) // ROUNDS, self.count(4_000) // ROUNDS)))
            mine, peer = take_turns(servers, messages, lambda server, count: relay_round(server, sinks[server], count))
            for measured, server in ((mine, servers[0]), (peer, servers[1])):
                measured.syncs = relay_syncs(server, sinks[server])
        row = Row(name, mine.rate, peer.rate, theirs.label, cpu_ours=mine.cpu_ms, cpu_peer=peer.cpu_ms)
        row.settings = ("4096 octets, 10 connections in, until the sink has all of it; ours submitted over TLS with a password, theirs in clear without; "
                        f"{signing}; to the sink in clear; ours {mine.words()}; theirs {peer.words()}; {self.ground.words}")
        return row.finish()

    def relay_backlog(self):
        """Our own relay rate with messages queued for a dead destination, against the one without."""
        ports, backlog = [free_port(), free_port()], self.count(100_000)
        with ExitStack() as stack:
            servers = [stack.enter_context(Ours(self.ground, port)) for port in ports]
            sinks = dict(zip(servers, ports))
            send(servers[0], backlog, 100, 512, **{**servers[0].way_in, "to": f"rcpt@{DEAD}"})
            messages = dict.fromkeys(servers, self.count(10_000) // ROUNDS)
            full, empty = take_turns(servers, messages, lambda server, count: relay_round(server, sinks[server], count))
            for measured, server in ((full, servers[0]), (empty, servers[1])):
                measured.syncs = relay_syncs(server, sinks[server])
        row = Row("relay-backlog", full.rate, empty.rate, "posthorn, empty queue", cpu_ours=full.cpu_ms, cpu_peer=empty.cpu_ms)
        row.settings = f"{backlog} messages queued for a host that refuses connections; as relay-4k-10; {full.words()} with them, {empty.words()} without; {self.ground.words}"
        yield row.finish()

    # ---- trust

    def trust_dkim(self):
        sample, rounds = Sample(), self.count(2000)
        found, theirs = figures(), libopendkim_micros(sample, rounds)
        (verify, bare), (sign, bare_sign) = found["dkim_verify_rsa2048_4k"], found["dkim_sign_rsa2048_4k"]
        row = Row("trust-dkim-verify", 1e6 / verify, 1e6 / theirs, "libopendkim 2.11", cpu_ours=verify / 1000, cpu_peer=theirs / 1000)
        row.unit, row.settings = "messages/s a core", "RSA-2048, 4 KB, relaxed/relaxed, keys at hand"
        yield row.finish()
        for name, ours, alone, what in (("trust-dkim-bare", verify, bare, "hash and verify"), ("trust-dkim-sign", sign, bare_sign, "RSA signature")):
            row = Row(name, ours, alone, f"bare OpenSSL: {what}", unit="us a message", settings="CPU time, the less the better; RSA-2048, 4 KB")
            yield row.finish()

    def trust_spf(self):
        sample, rounds = Sample(), self.count(2000)
        with name_server_of_resolv_conf(sample, ttl=0) as names:
            # In turns, since what it costs to sleep and to be woken changes from one second to the next.
            turns = [(figures("dns", names.source, sample.file)["spf_nested_uncached"][0], libspf2_micros(sample, rounds)) for _ in range(SPF_TURNS)]
        ours, theirs = (statistics.median(side) for side in zip(*turns))
        settings = "CPU time, the less the better; two includes, one within, an a: term; Knot on loopback"
        yield Row("trust-spf", ours, theirs, "libspf2 1.2.10", unit="us a check", settings=f"{settings}, nothing kept").finish()
        yield Row("trust-spf-cached", figures()["spf_nested_cached"][0], 10, "the bound set for it", unit="us a check", settings="the records at hand").finish()

    def trust_all(self):
        sample = Sample()
        with name_server(sample, ttl=300) as names:
            found = figures("dns", names.source, sample.file)
            theirs, elapsed = rspamd_micros(sample, names.source, self.count(2000))
        row = Row("trust-all", found["all_cached"][0], theirs, "rspamd 3.4", unit="us a message")
        row.settings = (f"CPU time, the less the better; SPF, DKIM, ARC, DMARC of a signed 4 KB message, BIND on loopback, records with 300 s to live; "
                        f"rspamd with these modules only, by HTTP, {elapsed:,.0f} us from outside")
        yield row.finish()

    def trust_accept(self):
        sample = Sample()
        sender = {"from": "ann@alpha.example", "file": sample.file}
        with ExitStack() as stack:
            servers = [stack.enter_context(Ours(self.ground, verified=verified)) for verified in (sample, None)]
            messages = dict.fromkeys(servers, self.count(20_000) // ROUNDS)
            for server in servers:
                send(server, 200, 10, 4096, **{**server.way_in, **sender})
            checked, plain = take_turns(servers, messages, lambda server, count: send(server, count, 10, 4096, **{**server.way_in, **sender})["rate"])
        row = Row("trust-accept", checked.rate, plain.rate, "posthorn, nothing checked", cpu_ours=checked.cpu_ms, cpu_peer=plain.cpu_ms)
        row.settings = f"4 KB signed with RSA-2048, records at hand, 10 connections, {EACH} messages a connection, synced before 250; {self.ground.words}"
        yield row.finish()

    # ---- reading mail

    def imap_rate(self, name, measured, settings):
        ours, theirs = measured
        row = Row(name, ours["rate"], theirs["rate"], imap_rates.Dovecot.label, cpu_ours=ours["cpu_ms"], cpu_peer=theirs["cpu_ms"], unit="commands/s")
        row.settings = (f"{settings}, TLS on both; ours p50 {ours['p50_ms']:.1f} p99 {ours['p99_ms']:.1f} ms; theirs p50 {theirs['p50_ms']:.1f} "
                        f"p99 {theirs['p99_ms']:.1f} ms; {self.ground.words}")
        return row.finish()

    def imap_append(self):
        count = self.count(20_000)
        for name, users in (("imap-append", 10), ("imap-append-one", 1)):
            where = "an INBOX each" if users > 1 else "one INBOX"
            yield self.imap_rate(name, imap_rates.append(self.ground, users, count), f"APPEND of 4 KB, 10 connections, {where}, synced before OK")

    def imap_mixed(self):
        messages, commands = 1000, self.count(20_000)
        found = imap_rates.mixed(self.ground, messages, commands)
        yield self.imap_rate("imap-mixed", found, f"10 connections, {commands} commands on INBOXes of {messages}; the mix stands in imapload.cpp")

    def imap_reads(self):
        count = self.count(100_000)
        for name, (ours, theirs) in imap_rates.reads(self.ground, count, rounds=5):
            # The ratio says how many times faster we are, as for rates.
            row = Row(f"imap-{name}", ours["median_ms"], theirs["median_ms"], imap_rates.Dovecot.label,
                      ratio=round(theirs["median_ms"] / ours["median_ms"], 2), cpu_ours=ours["cpu_ms"], cpu_peer=theirs["cpu_ms"], unit="ms a command")
            row.settings = f"the less the better; {count} messages of 2 KB, asked again; TLS on both; {self.ground.words}"
            yield row

    def imap_idle(self):
        count, accounts = (1000, 20) if self.quick else (10_000, 100)
        ours, report = imap_rates.idle_kilobytes(imap_rates.Ours, self.ground, count, accounts)
        few = count // 50  # a process each
        theirs, _ = imap_rates.idle_kilobytes(imap_rates.Dovecot, self.ground, few, min(accounts, 20))
        row = Row("imap-idle", ours, theirs, imap_rates.Dovecot.label, ratio=round(theirs / ours, 1), unit="KB/conn")
        row.settings = (f"private memory; {count} TLS connections (theirs {few}) in IDLE on {accounts} INBOXes of 100 messages; ours connected and logged in "
                        f"within {report['seconds']:.0f} s")
        yield row

    def queue_million(self):
        """`serve` over a store in which so many recipients wait: until it is ready, and what `queue list` takes then."""
        recipients = self.count(1_000_000)
        settings = f"{recipients} recipients of 4 KB messages to 100 each, 5,000 destinations, due in an hour; {self.ground.words}"
        server = Ours(self.ground).server
        try:
            server.create()
            subprocess.run([str(STORE_RATES), str(server.config.parent / "store"), "fill", str(recipients)], check=True)
            rows = [("queue-start", "s", seconds_of(server.serve), "until ready")]
            rows.append(("queue-list-one", "s", seconds_of(lambda: server.json("queue", "list", "user77@d77.example")), "the entries of one recipient"))
            rows.append(("queue-list-domain", "s", seconds_of(lambda: server.json("queue", "list", "d77.example")), "of one destination"))
            rows.append(("queue-list-all", "s", seconds_of(lambda: server.ok("queue", "list", "--json")), "every entry as JSON"))
            rows.append(("queue-memory", "MB", memory_kilobytes(server.process.pid) / 1024, "the server's memory after these"))
            for name, unit, value, what in rows:
                yield Row(name, value, unit=unit, settings=f"{what}; {settings}")
        finally:
            server.__exit__()

    def imap_wake(self):
        report = imap_rates.wake(self.ground, 100 if self.quick else 1000)
        row = Row("imap-wake", report["p99_ms"], 100, "the bound set for it", unit="ms (p99)", ratio=round(100 / report["p99_ms"], 1))
        row.settings = (f"the less the better; from sending APPEND until each of {report['sessions']} sessions in IDLE was told, 20 times; p50 {report['p50_ms']:.1f} "
                        f"max {report['max_ms']:.1f} ms; CPU of the whole {report['cpu']:.2f} s; {self.ground.words}")
        yield row

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
           ("accept_4k_1", "accept_4k_10", "accept_4k_100", "accept_64k_10", "relay_4k_10", "relay_signed_4k_10", "relay_backlog", "queue_million", "idle_memory", "idle_tls",
            "trust_dkim", "trust_spf", "trust_all", "trust_accept", "imap_append", "imap_mixed", "imap_reads", "imap_idle", "imap_wake")}


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
