"""Name servers and rspamd as private instances (jail.py).

    with Bind(records) as bind:      # or Knot; records: lines of master-file text, absolute names under "example."
        bind.source                  # "127.0.0.1:PORT", for --dns and dns.source
    with Rspamd(bind.source) as rspamd:
        rspamd.check(message, ip=…, mail_from=…, helo=…)["symbols"]
"""
import json
import socket
import struct
import urllib.request

from jail import Jail, accepts, free_port

READY_SECONDS = 60     # rspamd compiles its list of top-level domains when it starts
ZONE = "example"


def master_file(records):
    """The whole of "example." as one zone: what a test lists, and what a zone must have."""
    head = ["$TTL 300", f"{ZONE}. SOA ns.{ZONE}. hostmaster.{ZONE}. 1 3600 600 86400 60", f"{ZONE}. NS ns.{ZONE}.",
            f"ns.{ZONE}. A 127.0.0.1"]
    return "\n".join(head + list(records)) + "\n"


def answers(address, port):
    """Whether the server answers for the zone by now."""
    question = struct.pack(">6H", 7, 0, 1, 0, 0, 0) + bytes([len(ZONE)]) + ZONE.encode() + struct.pack(">BHH", 0, 6, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        try:
            probe.sendto(question, (address, port))
            reply = probe.recv(512)
        except OSError:
            return False
    return reply[3] & 15 == 0 and struct.unpack(">H", reply[6:8])[0] > 0


class Server:
    package = ""

    def __init__(self, parent=None):
        self.address, self.port = "127.0.0.1", free_port()
        self.source = f"{self.address}:{self.port}"
        self.jail, self.process = Jail(self.package, parent), None

    def ready(self):
        return accepts(self.address, self.port)

    def __enter__(self):
        try:
            self.configure()
            self.process = self.jail.start(self.command())
            self.process.wait_for(self.ready, READY_SECONDS, f"{self.package} is ready")
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if self.process:
            self.process.stop()
        self.jail.remove()

    @property
    def session(self):
        return self.process.pid


class NameServer(Server):
    def __init__(self, records, parent=None):
        super().__init__(parent)
        self.jail.write("/zones/example.zone", master_file(records))

    def ready(self):
        return answers(self.address, self.port)


class Bind(NameServer):
    package = "bind"

    def configure(self):
        self.jail.folder("/var/cache/bind")
        self.jail.write("/etc/named.conf", f"""
            options {{ directory "/var/cache/bind"; pid-file none; session-keyfile none; recursion no; dnssec-validation no;
                       listen-on port {self.port} {{ {self.address}; }}; listen-on-v6 {{ none; }}; minimal-responses yes; }};
            controls {{ }};
            zone "{ZONE}" {{ type primary; file "/zones/example.zone"; }};
        """)

    def command(self):
        return ["/usr/sbin/named", "-g", "-n", "1", "-c", "/etc/named.conf"]


class Knot(NameServer):
    package = "knot"

    def configure(self):
        for folder in ("/run/knot", "/var/lib/knot"):
            self.jail.folder(folder)
        self.jail.write("/etc/knot.conf", f"""
server:
    rundir: /run/knot
    listen: {self.address}@{self.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: /var/lib/knot
zone:
  - domain: {ZONE}
    storage: /zones
    file: example.zone
""")

    def command(self):
        return ["/usr/sbin/knotd", "-c", "/etc/knot.conf"]


class Rspamd(Server):
    """Only what it knows of trust: SPF, DKIM, ARC, DMARC; with a key, it signs for alpha.example."""
    package = "rspamd"

    def __init__(self, dns_source, key=None, selector="r1", domain="alpha.example", parent=None):
        super().__init__(parent)
        self.dns_address, self.dns_port = dns_source.rsplit(":", 1)
        self.key, self.selector, self.domain = key, selector, domain

    def configure(self):
        for folder in ("/run/rspamd", "/var/lib/rspamd"):
            self.jail.folder(folder)
        signing = ""
        if self.key:
            self.jail.write("/etc/rspamd/key.pem", self.key)
            signing = f"""dkim_signing {{ enabled = true; sign_authenticated = true; use_domain = "header"; allow_username_mismatch = true;
                domain {{ "{self.domain}" {{ path = "/etc/rspamd/key.pem"; selector = "{self.selector}"; }} }} }}"""
        self.jail.write("/etc/rspamd/rspamd.conf", f"""
            options {{ pidfile = false; tempdir = "/tmp"; filters = "spf,dkim"; local_addrs = []; hs_cache_dir = "/tmp";
                       dns {{ nameserver = "{self.dns_address}:{self.dns_port}"; timeout = 2s; retransmits = 2; }} }}
            logging {{ type = "console"; level = "error"; }}
            modules {{ path = "/usr/share/rspamd/plugins/"; }}
            worker "normal" {{ bind_socket = "{self.address}:{self.port}"; count = 1; enabled = true; task_timeout = 8s; }}
            spf {{ spf_cache_size = 2k; }}
            dkim {{ dkim_cache_size = 2k; }}
            dmarc {{ actions {{ }} }}
            arc {{ sign_networks = []; }}
            {signing}
        """)

    def command(self):
        return ["/usr/bin/rspamd", "-f", "-i", "-c", "/etc/rspamd/rspamd.conf"]

    def check(self, message, *, ip, mail_from, helo="mx.alpha.example", user=None):
        headers = {"IP": ip, "From": mail_from, "Helo": helo, **({"User": user} if user else {})}
        request = urllib.request.Request(f"http://{self.source}/checkv2", data=message, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())
