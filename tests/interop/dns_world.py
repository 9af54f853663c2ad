"""A small Internet of names on loopback: a root and a signed "example." below it on Knot, children on BIND and on another Knot, some
with a twin that a third one serves, Unbound as the cache.

    with World() as world:
        world.cache                    # "127.0.7.9:PORT" for --dns and dns.source: every server listens at that port
            world.update("bind", ["update add a.bsigned.example 60 A 127.0.7.1"])
        world.flush()                  # the cache forgets

Every zone of CHILDREN is served as its row says; the parent refers to it with glue, and with a DS record where it is signed.
"""
import re
import socket
import struct
from contextlib import ExitStack

from jail import Jail, free_port_on

PARENT, KNOT, TWIN, SILENT, CACHE = (f"127.0.7.{last}" for last in (1, 3, 4, 5, 9))
MX = "127.0.7.20"      # where the world's mail goes
BIND = "127.0.0.1"     # it serves no address that no interface has
KEY, SECRET = "update.key", "pRP5FapFoJ95JEL06sv4PQzXwJgg0iz1n8y1wbYnxuY="
READY_SECONDS = 30
# Right, for somebody's domain.
MAIL = ["{zone}. MX 10 mail.{zone}.", "mail.{zone}. A " + MX, '{zone}. TXT "v=spf1 mx ~all"',
        '_dmarc.{zone}. TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@{zone}"']
# What nobody asks for by name.
RETIRED = ['{zone}. TYPE99 \\# 12 0b763d73706631202d616c6c', "shop.{zone}. CNAME gone.{zone}."]


class Child:
    """A zone of the world. servers: those that the parent and the zone name; where: who loads it."""

    def __init__(self, name, servers, where=None, records=(), signed=False, dynamic=False, wrong_ds=False, expires_in_days=None, twin=None,
                 listed=True):
        self.name, self.servers, self.where = name, servers, where or servers
        self.records, self.signed, self.dynamic = list(records), signed, dynamic
        self.wrong_ds, self.expires_in_days, self.twin = wrong_ds, expires_in_days, twin
        self.listed = listed  # it may be transferred
        self.ds = None

    def text(self, records=None, serial=1):
        lines = ["$TTL 300", f"{self.name}. SOA ns1.{self.name}. hostmaster.{self.name}. {serial} 3600 600 86400 60"]
        for number, server in enumerate(self.servers, 1):
            lines += [f"{self.name}. NS ns{number}.{self.name}.", f"ns{number}.{self.name}. A {server}"]
        return "\n".join(lines + [line.format(zone=self.name) for line in (self.records if records is None else records)]) + "\n"

    def delegation(self):
        lines = [line for number, server in enumerate(self.servers, 1)
                 for line in (f"{self.name}. NS ns{number}.{self.name}.", f"ns{number}.{self.name}. A {server}")]
        return lines + ([self.ds] if self.ds else [])


CHILDREN = {
    "bsigned": {"servers": [BIND], "signed": True, "dynamic": True},
    "bplain": {"servers": [BIND], "dynamic": True},
    "ksigned": {"servers": [KNOT], "signed": True, "dynamic": True},
    "kplain": {"servers": [KNOT], "dynamic": True},
    "bparked": {"servers": [BIND], "dynamic": True},
    "kparked": {"servers": [KNOT], "dynamic": True},
    "twins": {"servers": [BIND, TWIN], "records": MAIL, "twin": [MAIL[0].replace("mail", "old"), "old.{zone}. A 127.0.7.21", *MAIL[1:]]},
    "lame": {"servers": [BIND, TWIN], "where": [BIND], "records": MAIL},
    "silent": {"servers": [BIND, SILENT], "where": [BIND], "records": MAIL},
    "bogus": {"servers": [BIND], "records": MAIL, "signed": True, "wrong_ds": True},
    "expiring": {"servers": [BIND], "records": MAIL, "signed": True, "expires_in_days": 2},
    "delegated": {"servers": [BIND], "records": [*MAIL[:3], "_dmarc.{zone}. NS ns.supplier.example."]},
    "changing": {"servers": [BIND], "records": MAIL, "dynamic": True},
    "blisted": {"servers": [BIND], "records": [*MAIL, *RETIRED]},
    "bclosed": {"servers": [BIND], "records": [*MAIL, *RETIRED], "listed": False},
    "klisted": {"servers": [KNOT], "records": [*MAIL, *RETIRED]},
    "kclosed": {"servers": [KNOT], "records": [*MAIL, *RETIRED], "listed": False},
}


# What each of many domains publishes: right, and alike.
MANY = """$TTL 300
@ SOA nsa.example. hostmaster.example. 1 3600 600 86400 60
@ NS nsa.example.
@ NS nsb.example.
@ MX 10 mx.example.
@ TXT "v=spf1 mx ~all"
_dmarc TXT "v=DMARC1; p=quarantine"
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:reports@example"
"""


def name_of(number):
    return f"d{number:05}.example"


def question(name, kind, number=7):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.strip(".").split(".") if label) + b"\0"
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">HH", kind, 1)


def knows(address, port, zone):
    """Whether the server gives an authoritative SOA record of the zone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.3)
        try:
            probe.sendto(question(zone, 6), (address, port))
            reply = probe.recv(4096)
        except OSError:
            return False
    return reply[3] & 15 == 0 and struct.unpack(">H", reply[6:8])[0] > 0


class BindServer:
    def __init__(self, world, address):
        self.world, self.address, self.zones, self.process = world, address, [], None
        self.jail = Jail("bind")
        self.jail.folder("/var/cache/bind")
        self.jail.folder("/keys")
        self.jail.folder("/zones")

    def key(self, zone):
        made = self.jail.run(["/usr/bin/dnssec-keygen", "-k", "default", "-K", "/keys", zone + "."])
        return made.stdout.split()[-1]

    def ds(self, key):
        return self.jail.run(["/usr/bin/dnssec-dsfromkey", "-2", f"/keys/{key}.key"]).stdout.strip()

    def load(self, zone, text, options=""):
        file = f"/zones/{zone or 'root'}.zone"
        self.jail.write(file, text)
        self.zones.append(f'zone "{zone or "."}" {{ type primary; file "{file}"; {options} }};')

    def sign(self, zone, text, key, expires_in_days=None):
        """A zone signed once and for all."""
        file = f"/zones/{zone or 'root'}.zone"
        self.jail.write(file + ".plain", text + f"$INCLUDE /keys/{key}.key\n")
        until = ["-e", f"now+{expires_in_days * 86400}"] if expires_in_days else []
        self.jail.run(["/usr/bin/dnssec-signzone", "-z", "-K", "/keys", "-o", zone + ".", "-f", file, *until, file + ".plain", f"/keys/{key}"])
        self.zones.append(f'zone "{zone or "."}" {{ type primary; file "{file}"; }};')

    def start(self):
        self.jail.write("/etc/named.conf", f"""
            key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};
            options {{ directory "/var/cache/bind"; pid-file none; session-keyfile none; recursion no; dnssec-validation no; notify no;
                       key-directory "/keys"; listen-on port {self.world.port} {{ {self.address}; }}; listen-on-v6 {{ none; }}; minimal-responses yes;
                       querylog yes; }};
            logging {{ channel out {{ stderr; severity info; }}; category queries {{ out; }}; category default {{ out; }}; }};
            controls {{ }};
            """ + "\n".join(self.zones) + "\n")
        self.process = self.jail.start(["/usr/sbin/named", "-g", "-n", "1", "-c", "/etc/named.conf"])

    def questions(self):
        """What it was asked since it runs: (name, type), as its query log says."""
        return re.findall(r"query: (\S+) IN (\S+) ", self.process.log.read_text(errors="replace"))


class KnotServer:
    def __init__(self, world, address):
        self.world, self.address, self.zones, self.process = world, address, [], None
        self.jail = Jail("knot")
        for folder in ("/run/knot", "/var/lib/knot", "/zones"):
            self.jail.folder(folder)

    def load(self, zone, text, signed, acl="updates"):
        self.jail.write(f"/zones/{zone or 'root'}.zone", text)
        self.zones.append(f"  - domain: {zone or '.'}\n    file: {zone or 'root'}.zone\n    acl: [{acl}]\n    zonefile-load: difference\n    zonefile-sync: -1\n"
                          "    journal-content: all\n" + ("    dnssec-signing: on\n    dnssec-policy: one\n" if signed else ""))

    def load_many(self, count):
        """One file for all of them: its names are relative."""
        self.jail.write("/zones/many.zone", MANY)
        self.zones += [f"  - domain: {name_of(i)}\n    file: many.zone\n" for i in range(count)]

    def configure(self):
        self.jail.write("/etc/knot.conf", f"""
server:
    rundir: /run/knot
    listen: {self.address}@{self.world.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: /var/lib/knot
key:
  - id: {KEY}
    algorithm: hmac-sha256
    secret: {SECRET}
acl:
  - id: updates
    key: {KEY}
    action: update
  - id: transfers
    address: 127.0.0.0/8
    action: transfer
mod-stats:
  - id: types
    query-type: on
policy:
  - id: one
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: /zones
    global-module: mod-stats/types
zone:
""" + "".join(self.zones))

    def questions(self):
        """How many it was asked since it runs, of each type, as it counts them itself."""
        told = self.jail.run(["/usr/sbin/knotc", "-c", "/etc/knot.conf", "-s", "/run/knot/knot.sock", "stats", "mod-stats.query-type"]).stdout
        return {kind: int(count) for kind, count in re.findall(r"query-type\[(\S+)\] = (\d+)", told)}

    def key(self, zone):
        """Makes the zone's key and says its DS record."""
        keymgr = ["/usr/sbin/keymgr", "-c", "/etc/knot.conf", zone + "."]
        self.jail.run([*keymgr, "generate", "algorithm=ECDSAP256SHA256", "ksk=yes", "zsk=yes"])
        rows = self.jail.run([*keymgr, "ds"]).stdout.strip().splitlines()
        return next(row for row in rows if row.split()[4] == "2")

    def start(self):
        self.process = self.jail.start(["/usr/sbin/knotd", "-c", "/etc/knot.conf"])


class World:
    """`many`: that many further domains (name_of(i)), all alike, on both Knots."""

    def __init__(self, more=None, many=0):
        self.stack, self.many = ExitStack(), many
        self.children = {name: Child(f"{name}.example", **row) for name, row in {**CHILDREN, **(more or {})}.items()}

    def __enter__(self):
        try:
            self.open()
            return self
        except BaseException:
            self.stack.close()
            raise

    def __exit__(self, *_):
        self.stack.close()

    def open(self):
        self.port = free_port_on([PARENT, BIND, KNOT, TWIN, SILENT, CACHE])
        self.bind = BindServer(self, BIND)
        self.parent, self.twin, self.knot = (KnotServer(self, address) for address in (PARENT, TWIN, KNOT))
        self.unbound = Jail("unbound")
        for jail in (self.parent.jail, self.bind.jail, self.twin.jail, self.knot.jail, self.unbound):
            self.stack.callback(jail.remove)
        self.lay_children()
        self.lay_parents()
        for server in (self.parent, self.bind, self.twin, self.knot):
            server.start()
            self.stack.callback(server.process.stop)
        for child in self.children.values():
            server = self.bind if BIND in child.where else self.knot
            server.process.wait_for(lambda: knows(server.address, self.port, child.name), READY_SECONDS, f"{child.name} is loaded")
        self.parent.process.wait_for(lambda: knows(PARENT, self.port, "example"), READY_SECONDS, "the parent answers")
        self.start_cache()

    def lay_children(self):
        for child in self.children.values():
            if KNOT in child.where:
                self.knot.load(child.name, child.text(), child.signed, "updates, transfers" if child.listed else "updates")
        for server in (self.knot, self.twin) if self.many else ():
            server.load_many(self.many)
        self.knot.configure()
        for child in self.children.values():
            if KNOT in child.where:
                child.ds = self.knot.key(child.name) if child.signed else None
                continue
            self.lay_on_bind(child)
            if TWIN in child.where:
                self.twin.load(child.name, child.text(child.twin), False)
        self.twin.configure()

    def lay_on_bind(self, child):
        updates = f"update-policy {{ grant {KEY} zonesub ANY; }};" if child.dynamic else ""
        updates += "" if child.listed else " allow-transfer { none; };"
        if not child.signed:
            self.bind.load(child.name, child.text(), updates)
            return
        key = self.bind.key(child.name)
        child.ds = self.bind.ds(key)
        if child.wrong_ds:
            child.ds = re.sub(r"[0-9A-F]{64}$", "A" * 64, child.ds)
        if child.dynamic:
            self.bind.load(child.name, child.text(), updates + " dnssec-policy default;")
        else:
            self.bind.sign(child.name, child.text(), key, child.expires_in_days)

    def lay_parents(self):
        delegations = [line for child in self.children.values() for line in child.delegation()]
        if self.many:
            delegations += [f"nsa.example. A {KNOT}", f"nsb.example. A {TWIN}", f"mx.example. A {MX}"]
            delegations += [f"{name_of(i)}. NS {host}.example." for i in range(self.many) for host in ("nsa", "nsb")]
        head = "$TTL 300\n{0}. SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n{0}. NS ns.example.\n" + f"ns.example. A {PARENT}\n"
        self.parent.load("example", head.format("example") + "\n".join(delegations) + "\n", True)
        # The root is not signed: the cache knows the anchor, and who is given it (dns.trust_anchor_file).
        self.parent.load("", head.format("") + "example. NS ns.example.\n", False)
        self.parent.configure()
        self.anchor = self.parent.key("example")

    def start_cache(self):
        """Each zone is named with its servers: a cache would ask at port 53 otherwise."""
        stubs = {".": [PARENT], "example": [PARENT], **{child.name: child.where for child in self.children.values()}}
        text = f"""server:
    interface: {CACHE}
    port: {self.port}
    username: ""
    chroot: ""
    directory: "/"
    pidfile: ""
    use-syslog: no
    do-daemonize: no
    do-not-query-localhost: no
    do-ip6: no
    access-control: 127.0.0.0/8 allow
    trust-anchor: "{self.anchor}"
    module-config: "validator iterator"
    log-queries: yes
    num-threads: 1
remote-control:
    control-enable: yes
    control-interface: /control
    control-use-cert: no
"""
        for zone, servers in stubs.items():
            text += f'stub-zone:\n    name: "{zone}"\n    stub-prime: no\n' + "".join(f"    stub-addr: {server}@{self.port}\n" for server in servers)
        self.unbound.write("/etc/unbound.conf", text)
        self.cache_process = self.unbound.start(["/usr/sbin/unbound", "-d", "-p", "-c", "/etc/unbound.conf"])
        self.stack.callback(self.cache_process.stop)
        self.cache_process.wait_for(lambda: knows(CACHE, self.port, "example"), READY_SECONDS, "the cache answers")
        self.cache = f"{CACHE}:{self.port}"

    def flush(self):
        self.unbound.run(["/usr/sbin/unbound-control", "-c", "/etc/unbound.conf", "flush_zone", "."])

    def questions_at_cache(self):
        """(name, type) of every question so far, but for the keys that whoever validates fetches (once a zone)."""
        asked = re.findall(r"info: \S+ (\S+)\. (\S+) IN", self.cache_process.log.read_text(errors="replace"))
        return [(name, kind) for name, kind in asked if kind not in ("DS", "DNSKEY")]

    def update(self, lines, server=BIND):
        """nsupdate's own lines, in one signed update."""
        self.bind.jail.write("/update", "\n".join([f"server {server} {self.port}", f"key hmac-sha256:{KEY} {SECRET}", *lines, "send", ""]))
        done = self.bind.jail.run(["/usr/bin/nsupdate", "/update"], check=False)
        if done.returncode:
            raise RuntimeError(f"nsupdate: {done.stdout}{done.stderr}")
