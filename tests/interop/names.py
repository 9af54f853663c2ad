"""A signed part of the DNS, and who validates it: BIND signs "example." and holds children that are not signed or whose DS is
wrong; Unbound validates for those who ask at port 53 of a loopback address (a mail server reads no port in resolv.conf).

    with SignedBind(records) as bind, Unbound("127.0.9.54", bind) as unbound: …
        bind.anchor                 # DNSKEY records to trust
        unbound.address             # for resolv.conf
"""
import socket
import struct

from dns_peers import ZONE, Bind, Server
from jail import wait_until
from tls_world import TYPES, wire_data, wire_name

SIGNING_SECONDS = 30
KEY, SECRET = "update.key", "pRP5FapFoJ95JEL06sv4PQzXwJgg0iz1n8y1wbYnxuY="


def child(name, records):
    lines = ["$TTL 300", f"{name}. SOA ns.{ZONE}. hostmaster.{ZONE}. 1 3600 600 86400 60", f"{name}. NS ns.{ZONE}.", *records]
    return "\n".join(lines) + "\n"


class SignedBind(Bind):
    """`unsigned`, `bogus`: {child zone: records}. It takes updates from this machine, and with KEY."""

    def __init__(self, records, unsigned=None, bogus=None, parent=None):
        self.children = {**(unsigned or {}), **(bogus or {})}
        delegations = [f"{name}. NS ns.{ZONE}." for name in self.children]
        delegations += [f"{name}. DS 12345 13 2 {'ab' * 32}" for name in bogus or {}]
        super().__init__([*records, *delegations], parent)

    def configure(self):
        super().configure()
        for folder in ("/keys", "/zones"):
            self.jail.folder(folder)
        path = self.jail.inside("/etc/named.conf")
        signing = 'file "/zones/example.zone"; dnssec-policy default; inline-signing yes; key-directory "/keys"; allow-update { 127.0.0.1; key "%s"; };' % KEY
        text = path.read_text().replace('file "/zones/example.zone";', signing)
        for name, records in self.children.items():
            self.jail.write(f"/zones/{name}", child(name, records))
            text += f'zone "{name}" {{ type primary; file "/zones/{name}"; }};\n'
        path.write_text(text + f'key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n')

    def __enter__(self):
        super().__enter__()
        try:
            wait_until(self.is_signed, SIGNING_SECONDS, lambda: f"the zone is not signed:\n{self.process.tail(20)}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def is_signed(self):
        """The zone's SOA comes with a signature."""
        question = struct.pack(">6H", 7, 0, 1, 0, 0, 1) + wire_name(ZONE) + struct.pack(">HH", 6, 1)
        question += b"\0" + struct.pack(">HHIH", 41, 1232, 1 << 15, 0)  # RFC 6891, DO
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(1)
            asking.sendto(question, (self.address, self.port))
            try:
                return struct.unpack(">H", asking.recv(4096)[6:8])[0] > 1
            except OSError:
                return False

    @property
    def anchor(self):
        """The zone's public keys in zone-file form."""
        texts = [path.read_text() for path in self.jail.inside("/keys").glob("K*.key")]
        return "\n".join(line for text in texts for line in text.splitlines() if line and not line.startswith(";")) + "\n"

    def add(self, name, kind, data, ttl=60):
        """RFC 2136: one record, unsigned, over UDP."""
        rdata = bytes([len(data)]) + data.encode() if kind == "TXT" else wire_data(kind, data)
        message = struct.pack(">6H", 9, 5 << 11, 1, 0, 1, 0) + wire_name(ZONE) + struct.pack(">HH", 6, 1)
        message += wire_name(name) + struct.pack(">HHIH", TYPES[kind], 1, ttl, len(rdata)) + rdata
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(5)
            asking.sendto(message, (self.address, self.port))
            reply = asking.recv(512)
        if reply[3] & 15:
            raise AssertionError(f"the update was refused: rcode {reply[3] & 15}")


class Unbound(Server):
    """A validating cache for one name server's zones; needs port 53 of its address."""
    package = "unbound"

    def __init__(self, address, bind, parent=None):
        super().__init__(parent)
        self.address, self.port, self.bind = address, 53, bind
        self.source = f"{address}:53"

    def ready(self):
        """It answers a question for the zone, which it asks BIND for and validates."""
        question = struct.pack(">6H", 7, 1 << 8, 1, 0, 0, 0) + wire_name(ZONE) + struct.pack(">HH", 6, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(1)
            try:
                asking.sendto(question, (self.address, self.port))
                reply = asking.recv(4096)
            except OSError:
                return False
        return reply[3] & 15 == 0 and struct.unpack(">H", reply[6:8])[0] > 0

    def configure(self):
        self.jail.write("/etc/unbound/anchor.key", self.bind.anchor)
        self.jail.write("/etc/unbound/unbound.conf", f"""
server:
    interface: {self.address}
    port: 53
    do-ip6: no
    do-daemonize: no
    use-syslog: no
    logfile: ""
    verbosity: 1
    chroot: ""
    username: ""
    directory: "/etc/unbound"
    pidfile: ""
    num-threads: 1
    do-not-query-localhost: no
    module-config: "validator iterator"
    trust-anchor-file: "/etc/unbound/anchor.key"
    local-zone: "{ZONE}." nodefault
remote-control:
    control-enable: no
forward-zone:
    name: "{ZONE}."
    forward-addr: {self.bind.address}@{self.bind.port}
""")

    def command(self):
        return ["/usr/sbin/unbound", "-d", "-c", "/etc/unbound/unbound.conf"]
