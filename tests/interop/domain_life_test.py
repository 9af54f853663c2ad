"""`domain apply` on real name servers: BIND and Knot take our signed updates, keep what others own, and refuse a wrong key."""
import json
import subprocess
import tempfile
import unittest
from contextlib import ExitStack
from pathlib import Path

import bed  # noqa: F401  (finds `cases` too)
import cases
from dns_peers import Bind, Knot
from jail import free_port
from posthorn import BINARY
from unpack import Unavailable

DOMAIN, ZONE, KEY = "alpha.example", "example", "update.key"
SECRET = "pRP5FapFoJ95JEL06sv4PQzXwJgg0iz1n8y1wbYnxuY="
BEFORE = [f'{DOMAIN}. TXT "google-site-verification=abc"', f'{DOMAIN}. TXT "v=spf1 include:_spf.{DOMAIN} ~all"',
          f'_spf.{DOMAIN}. TXT "v=spf1 ip4:192.0.2.0/24 ~all"', f"{DOMAIN}. MX 10 old.{DOMAIN}.", f"old.{DOMAIN}. A 192.0.2.1"]


class UpdatedBind(Bind):
    def configure(self):
        super().configure()
        path = self.jail.inside("/etc/named.conf")
        path.write_text(path.read_text().replace('file "/zones/example.zone";',
                                                 f'file "/zones/example.zone"; update-policy {{ grant {KEY} zonesub ANY; }};')
                        + f'key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n')


class UpdatedKnot(Knot):
    def configure(self):
        super().configure()
        path = self.jail.inside("/etc/knot.conf")
        sections = f"key:\n  - id: {KEY}\n    algorithm: hmac-sha256\n    secret: {SECRET}\n" \
                   f"acl:\n  - id: updates\n    key: {KEY}\n    action: update\n"
        path.write_text(path.read_text().replace("zone:\n", sections + "zone:\n", 1) + "    acl: updates\n    zonefile-load: difference\n")


class Applying(unittest.TestCase):
    def setUp(self):
        if not BINARY.exists():
            raise unittest.SkipTest(f"{BINARY} is not built")
        self.stack = ExitStack()
        self.addCleanup(self.stack.close)
        self.dir = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="posthorn-domain-life-")))
        (self.dir / "password").write_text("correct horse\n")
        (self.dir / "key").write_text(SECRET + "\n")
        (self.dir / "wrong").write_text("AAAA" + SECRET[4:] + "\n")

    def run_verb(self, *words, status=0):
        done = subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done

    def site(self, source):
        listen = f"smtp=127.0.0.1:{free_port('127.0.0.1')},submission=127.0.0.1:{free_port('127.0.0.1')}"
        self.run_verb("quickstart", DOMAIN, "--dir", self.dir / "site", "--listen", listen, "--dns", source, "--account", "ann",
                      "--password-file", self.dir / "password")
        return ["--config", str(self.dir / "site" / "posthorn.toml")]

    def apply(self, config, source, key, *more, status=0):
        return self.run_verb("domain", "apply", DOMAIN, *config, "--dns", source, "--server", source, "--zone", ZONE, "--key-name", KEY,
                             "--key-file", self.dir / key, *more, status=status)

    def texts(self, source, name, kind="TXT"):
        document = json.loads(self.run_verb("dns", "query", kind, name, "--dns", source, "--json").stdout)
        return sorted(answer["data"] for answer in document["answers"])

    def check(self, kind):
        try:
            server = self.stack.enter_context(kind(BEFORE))
        except Unavailable as why:
            self.skipTest(str(why))
        config = self.site(server.source)
        dry = json.loads(self.apply(config, server.source, "key", "--json").stdout)
        self.assertTrue(dry["dry_run"])
        self.assertEqual(dry["done"], [])
        wrong = self.apply(config, server.source, "wrong", "--publish", status=1)
        self.assertIn("secrets differ", wrong.stderr)
        self.assertEqual(self.texts(server.source, DOMAIN, "MX"), [f"10 old.{DOMAIN}."])

        done = json.loads(self.apply(config, server.source, "key", "--publish", "--json").stdout)
        self.assertIsNone(done["problem"])
        self.assertEqual(done["done"][-1]["id"], "mx")
        texts = self.texts(server.source, DOMAIN)
        self.assertIn('"google-site-verification=abc"', texts)
        self.assertIn(f'"v=spf1 include:_spf.{DOMAIN} mx ~all"', texts)
        self.assertEqual(len(texts), 2)
        self.assertEqual(self.texts(server.source, DOMAIN, "MX"), [f"10 mail.{DOMAIN}."])
        again = json.loads(self.apply(config, server.source, "key", "--publish", "--json").stdout)
        self.assertEqual(again["done"], [])
        self.assertEqual({step["kind"] for step in again["left"]} - {"by-others", "wait"}, set())

    def test_bind_takes_our_updates(self):
        self.check(UpdatedBind)

    def test_knot_takes_our_updates(self):
        self.check(UpdatedKnot)


if __name__ == "__main__":
    cases.main()
