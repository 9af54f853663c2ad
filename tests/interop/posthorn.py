"""Posthorn as a test sees it: the binary, its command line and its listeners; nothing from inside.

    zone = Zone().host("mail.posthorn.example", "127.0.0.1").mx("sink.example", "mx.sink.example") …
    with Posthorn("posthorn.example", zone=zone, accounts={"bob": "secret"}, settings={"relay.mx_port": 2525}) as posthorn:
        posthorn.port("smtp"), posthorn.json("queue", "list"), posthorn.messages("bob@posthorn.example")
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import tomllib
from pathlib import Path

from jail import Process, accepts, free_port, wait_until
from unpack import ROOT, Unavailable

BINARY = Path(os.environ.get("POSTHORN_BINARY", ROOT / "build" / "release" / "posthorn"))
READY_SECONDS = 30


class Zone:
    """A zone file for `--dns zone:FILE` (docs/operator/configuration.md says how it is read)."""

    def __init__(self, ttl=60):
        self.lines = [f"$TTL {ttl}"]

    def host(self, name, *addresses):
        self.lines += [f"{name}. IN {'AAAA' if ':' in address else 'A'} {address}" for address in addresses]
        return self

    def mx(self, domain, *hosts):
        """Hosts in order of preference; a tuple (preference, host) sets it; "." is the null MX of RFC 7505."""
        for number, host in enumerate(hosts):
            preference, name = host if isinstance(host, tuple) else (0 if host == "." else 10 * (number + 1), host)
            self.lines.append(f"{domain}. IN MX {preference} {name.rstrip('.')}.")
        return self

    def steer(self, what, name, kind=""):
        """Failures: "timeout", "servfail" or "bogus" for a name, or one type of it."""
        self.lines.append(f";; {what} {name} {kind}".rstrip())
        return self

    def text(self):
        return "\n".join(self.lines) + "\n"


def toml_text(tree, prefix=""):
    """A nested dict as TOML: scalars first, then tables; lists of tables are written inline."""
    lines = [f"{key} = {_toml_value(value)}" for key, value in tree.items() if not isinstance(value, dict)]
    for key, value in tree.items():
        if isinstance(value, dict):
            lines += ["", f"[{prefix}{key}]", toml_text(value, f"{prefix}{key}.")]
    return "\n".join(lines)


def _toml_value(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    return json.dumps(value)


class Posthorn:
    def __init__(self, domain, *, zone=None, accounts=None, settings=None, listen=("smtp", "submission", "submissions"),
                 address="127.0.0.1", parent=None, host_name=None):
        if not BINARY.exists():
            raise Unavailable(f"{BINARY} is not built")
        self.domain, self.address, self.host_name = domain, address, host_name or f"mail.{domain}"
        self.accounts = accounts if accounts is not None else {"bob": "correct horse battery"}
        self.settings = settings or {}
        self.folder = Path(tempfile.mkdtemp(prefix="posthorn-", dir=parent))
        self.zone_file = self.folder / "zone.txt"
        self.set_zone(zone or Zone())
        self.ports = {service: free_port(address) for service in listen}
        self.process = None

    # ---- life

    def create(self):
        """`posthorn quickstart`, then the accounts that it did not make and the settings of the test."""
        names = list(self.accounts)
        done = self.run("quickstart", self.domain, "--dir", self.folder / "site", "--host-name", self.host_name,
                        "--listen", ",".join(f"{service}={self.address}:{port}" for service, port in self.ports.items()),
                        "--dns", f"zone:{self.zone_file}", "--account", names[0],
                        "--password-file", self.secret_file(self.accounts[names[0]]), "--json", config=False)
        if done.returncode:
            raise RuntimeError(f"quickstart: exit {done.returncode}: {done.stderr}")
        self.made = json.loads(done.stdout)
        self.config = Path(self.made["config"])
        self._change_config()
        for name in names[1:]:
            self.ok("account", "add", f"{name}@{self.domain}", "--password-file", self.secret_file(self.accounts[name]))

    def serve(self, env=None):
        self.process = Process([str(BINARY), "serve", "--config", str(self.config)], self.folder / "serve.log", env=env)
        self.process.wait_for(lambda: "ready" in self.log().splitlines() and all(accepts(self.address, port) for port in self.ports.values()),
                              READY_SECONDS, "posthorn is ready")

    def stop(self):
        """SIGTERM; returns the exit status, which is 0 for an orderly end."""
        return self.process.stop() if self.process else None

    def kill(self):
        self.process.signal(signal.SIGKILL)
        self.process.kill()

    def restart(self):
        self.stop()
        self.serve()

    def __enter__(self):
        try:
            self.create()
            self.serve()
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.stop()
        if os.environ.get("POSTHORN_KEEP"):
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- the command line

    def run(self, *words, config=True, stdin=None):
        command = [str(BINARY), *map(str, words), *(["--config", str(self.config)] if config else [])]
        return subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=120)

    def ok(self, *words):
        done = self.run(*words)
        if done.returncode:
            raise AssertionError(f"posthorn {' '.join(map(str, words))}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def json(self, *words):
        return json.loads(self.ok(*words, "--json"))

    def octets(self, message_id):
        done = subprocess.run([str(BINARY), "message", "show", str(message_id), "--config", str(self.config)], capture_output=True, timeout=120)
        if done.returncode:
            raise AssertionError(f"message show {message_id}: {done.stderr.decode()}")
        return done.stdout.replace(b"\r\n", b"\n")

    # ---- questions the tests ask

    def made_certificate(self):
        """The certificate file that quickstart made."""
        named = tomllib.loads(self.config.read_text())["tls"]["certificate"]
        return self.config.parent / (named if isinstance(named, str) else named[0])

    def port(self, service):
        return self.ports[service]

    def log(self):
        return self.process.log.read_text(errors="replace") if self.process else ""

    def listed(self, account):
        return self.json("message", "list", account)

    def messages(self, account):
        """The octets of every message in the account's mailboxes, LF line ends."""
        return [self.octets(row["id"]) for row in self.listed(account)]

    def queue(self):
        return self.json("queue", "list")

    def wait_for_messages(self, account, count, seconds=30):
        def words():
            return f"{account} has {len(self.listed(account))} of {count} messages; the server said:\n{self.process.tail(30)}"
        wait_until(lambda: len(self.listed(account)) >= count, seconds, words)
        return self.messages(account)

    def wait_for_empty_queue(self, seconds=30):
        wait_until(lambda: not self.queue(), seconds, lambda: f"still queued: {json.dumps(self.queue(), indent=1)}")

    def secret_file(self, secret):
        with tempfile.NamedTemporaryFile("w", dir=self.folder, delete=False) as file:
            file.write(secret + "\n")
        return file.name

    def set_zone(self, zone):
        self.zone_file.write_text(zone.text())

    def _change_config(self):
        tree = tomllib.loads(self.config.read_text())
        for key, value in self.settings.items():
            *tables, last = key.split(".")
            place = tree
            for table in tables:
                place = place.setdefault(table, {})
            place[last] = value
        self.config.write_text(toml_text(tree) + "\n")
