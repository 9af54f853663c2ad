"""The peers of the trust benchmarks: libopendkim and libspf2 as small programs, rspamd as a server; and one message with its records
that all of them judge."""
import re
import subprocess
import tempfile
import time
from pathlib import Path

from dns_peers import Bind, Knot, Rspamd
from measure import cpu_seconds
from unpack import PEERS, environment, unpacked

HERE = Path(__file__).resolve().parent
RATES = HERE.parent / "build" / "release" / "benchmarks" / "bench_trust_rates"
FACTS = {"ip": "192.0.2.77", "mail_from": "ann@alpha.example", "helo": "mx.alpha.example"}
RESOLVER = "127.0.53.53"       # libspf2 reads resolv.conf, which knows no ports


def figures(*words):
    """What bench_trust_rates prints: {name: (ours, bare)} in microseconds."""
    lines = subprocess.run([str(RATES), *map(str, words)], check=True, capture_output=True, text=True).stdout.splitlines()
    found = {}
    for line in lines:
        name, numbers = line.split()[0], [float(number) for number in re.findall(r"([\d.]+) us", line)]
        found[name] = (numbers[0], numbers[1] if len(numbers) > 1 else None)
    return found


class Sample:
    """message.eml, signed, and the records under which it passes everything."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="posthorn-bench-trust-")
        self.folder = Path(self._folder.name)
        subprocess.run([str(RATES), "write", str(self.folder)], check=True)
        self.file = self.folder / "message.eml"
        self.message = self.file.read_bytes()
        self.records = (self.folder / "zone.txt").read_text().splitlines()
        key = next(line for line in self.records if "_domainkey" in line)
        self.key_file = self.folder / "key.txt"
        self.key_file.write_text("".join(re.findall(r'"([^"]*)"', key)))


def peer_program(name, package, library):
    """Compiles benchmarks/NAME.cpp against the unpacked library; once."""
    folder, program, source = unpacked(package), PEERS / name, HERE / f"{name}.cpp"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["clang++-19", "-O2", "-isystem", str(folder / "usr/include"), "-o", str(program), str(source),
                        f"-L{folder}/usr/lib/x86_64-linux-gnu", f"-L{folder}/usr/lib", f"-l{library}", "-Wl,--allow-shlib-undefined"],
                       check=True, capture_output=True)
    return [str(program)], environment(folder)


def libopendkim_micros(sample, rounds):
    command, env = peer_program("peer_dkim", "libopendkim", "opendkim")
    done = subprocess.run([*command, str(sample.file), str(sample.key_file), str(rounds)], env=env, check=True, capture_output=True, text=True)
    return float(done.stdout)


def libspf2_micros(sample, rounds):
    """In a mount name space of its own, where resolv.conf leads to our name server."""
    command, env = peer_program("peer_spf", "libspf2", "spf2")
    resolv = sample.folder / "resolv.conf"
    resolv.write_text(f"nameserver {RESOLVER}\n")
    words = [*command, FACTS["ip"], FACTS["helo"], FACTS["mail_from"], str(rounds)]
    done = subprocess.run(["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(resolv), *words], env=env,
                          check=True, capture_output=True, text=True)
    return float(done.stdout)


def name_server(sample, ttl):
    return Bind([f"$TTL {ttl}", *sample.records])


def name_server_of_resolv_conf(sample, ttl):
    """Knot, since BIND listens only where an interface has the address."""
    knot = Knot([f"$TTL {ttl}", *sample.records])
    knot.address, knot.port, knot.source = RESOLVER, 53, f"{RESOLVER}:53"
    return knot


def rspamd_micros(sample, source, messages):
    """CPU of the whole server a message, and the time a message takes from outside."""
    with Rspamd(source) as rspamd:
        found = rspamd.check(sample.message, **FACTS)["symbols"]
        if not {"R_SPF_ALLOW", "R_DKIM_ALLOW", "DMARC_POLICY_ALLOW"} <= set(found):
            raise RuntimeError(f"rspamd finds {sorted(found)}")
        for _ in range(20):
            rspamd.check(sample.message, **FACTS)
        before = cpu_seconds(rspamd.session)
        started = time.monotonic()
        for _ in range(messages):
            rspamd.check(sample.message, **FACTS)
        return 1e6 * (cpu_seconds(rspamd.session) - before) / messages, 1e6 * (time.monotonic() - started) / messages
