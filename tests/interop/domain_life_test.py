"""A domain's life on real name servers: BIND and Knot take our signed updates, keep what others own, and refuse a wrong key; two
administrators at once; everything handed over."""
import json
import smtplib
import socket
import subprocess
import tempfile
import time
import unittest
from contextlib import ExitStack
from pathlib import Path

import bed  # noqa: F401  (finds `cases` too)
import cases
from dns_peers import Bind, Knot
from jail import free_port, wait_until
from posthorn import BINARY, Posthorn, Zone
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


class ClosedBind(UpdatedBind):
    """Nobody may transfer its zone (BIND lets everybody unless told)."""

    def configure(self):
        super().configure()
        path = self.jail.inside("/etc/named.conf")
        path.write_text(path.read_text().replace("type primary;", "type primary; allow-transfer { none; };"))


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
        asked = json.loads(self.run_verb("dns", "query", "MX", DOMAIN, "--dns", server.source, "--json").stdout)
        self.assertEqual([(a["server"], a["authoritative"], a["cached"]) for a in asked["answers"]], [(server.source, True, False)])
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
        # New keys: their records are published, and apply drives them on as far as they can go now.
        self.run_verb("domain", "rotate", DOMAIN, *config)
        rolled = json.loads(self.apply(config, server.source, "key", "--publish", "--json").stdout)
        self.assertEqual([step["id"] for step in rolled["done"]], ["sending"])
        self.assertEqual(sorted(key["state"] for key in rolled["keys"]), ["published", "published", "signing", "signing"])
        self.assertEqual({step["kind"] for step in again["left"]} - {"by-others", "wait"}, set())

    def test_the_second_administrator_is_told_and_a_crash_releases_the_domain(self):
        try:
            server = self.stack.enter_context(UpdatedBind(BEFORE))
        except Unavailable as why:
            self.skipTest(str(why))
        config = self.site(server.source)
        # A server that takes questions and never answers: the first administrator's run hangs there.
        silent = self.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind(("127.0.0.1", 0))
        first = subprocess.Popen([BINARY, "domain", "apply", DOMAIN, *config, "--dns", server.source, "--server",
                                  f"127.0.0.1:{silent.getsockname()[1]}", "--key-name", KEY, "--key-file", self.dir / "key", "--publish"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(first.wait)
        self.addCleanup(first.kill)
        silent.recv(512)  # it holds the lease now
        second = self.apply(config, server.source, "key", "--publish", status=3)
        self.assertIn("somebody else is at work on it: domain apply", second.stderr)
        self.assertIn(f"process {first.pid}", second.stderr)
        for words in (["set", DOMAIN, "--caa", "letsencrypt.org"], ["rollout", DOMAIN, "testing"], ["leave", DOMAIN], ["park", DOMAIN]):
            self.assertIn("somebody else is at work", self.run_verb("domain", *words, *config, status=3).stderr)
        self.assertEqual(self.texts(server.source, DOMAIN, "MX"), [f"10 old.{DOMAIN}."])
        self.assertIsNone(first.poll())
        first.kill()
        first.wait()
        done = json.loads(self.apply(config, server.source, "key", "--publish", "--json").stdout)
        self.assertIsNone(done["problem"])
        self.assertEqual(self.texts(server.source, DOMAIN, "MX"), [f"10 mail.{DOMAIN}."])

    def test_everything_is_handed_over_whether_the_zone_may_be_transferred_or_not(self):
        try:
            closed = self.stack.enter_context(ClosedBind(BEFORE))
            open_to_all = self.stack.enter_context(Bind([*BEFORE, f"shop.{DOMAIN}. CNAME shops.example.net."]))
        except Unavailable as why:
            self.skipTest(str(why))
        config = self.site(closed.source)
        bundle = self.dir / "bundle.json"
        told = json.loads(self.run_verb("domain", "export", DOMAIN, *config, "--dns", open_to_all.source, "--to", bundle, "--json").stdout)
        self.assertTrue(told["whole"])
        records = {(r["name"], r["type"], r["data"]) for r in json.loads(bundle.read_text())["records"]}
        self.assertIn((f"shop.{DOMAIN}", "CNAME", "shops.example.net."), records)
        self.assertIn((f"old.{DOMAIN}", "A", "192.0.2.1"), records)

        self.run_verb("domain", "set", DOMAIN, *config, "--watch", f"old.{DOMAIN}")
        told = json.loads(self.run_verb("domain", "export", DOMAIN, *config, "--dns", closed.source, "--to", bundle, "--json").stdout)
        self.assertFalse(told["whole"])
        records = {(r["name"], r["type"], r["data"]) for r in json.loads(bundle.read_text())["records"]}
        self.assertIn((DOMAIN, "MX", f"10 old.{DOMAIN}."), records)
        self.assertIn((f"old.{DOMAIN}", "A", "192.0.2.1"), records)
        self.run_verb("domain", "import", DOMAIN, bundle, *config, "--dns", closed.source)

        differ = json.loads(self.run_verb("domain", "compare", DOMAIN, "--a", closed.source, "--b", open_to_all.source, *config, "--json",
                                          status=1).stdout)
        self.assertEqual([(d["name"], d["type"], d["a"]) for d in differ["differences"]], [(f"shop.{DOMAIN}", "CNAME", [])])
        self.assertEqual((differ["whole_a"], differ["whole_b"]), (False, True))

    def test_bind_takes_our_updates(self):
        self.check(UpdatedBind)

    def test_knot_takes_our_updates(self):
        self.check(UpdatedKnot)


class Leaving(unittest.TestCase):
    TTL = 3

    def zone(self, host):
        return Zone(self.TTL).mx(DOMAIN, host).host(f"mail.{DOMAIN}", "127.0.0.1").host("mail.theirs.example", "127.0.0.9")

    def refused(self, *words):
        done = self.site.run(*words)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(f"--override {DOMAIN}", done.stderr)
        return done.stderr

    def takes_mail(self):
        with smtplib.SMTP(self.site.address, self.site.port("smtp"), timeout=30) as client:
            client.ehlo("sender.example")
            client.mail("somebody@sender.example")
            return client.rcpt(f"bob@{DOMAIN}")[0] == 250

    def test_a_migrated_domain_is_served_for_as_long_as_caches_lead_mail_to_it(self):
        with ExitStack() as stack:
            try:
                self.site = stack.enter_context(Posthorn(DOMAIN, zone=self.zone(f"mail.{DOMAIN}"), listen=("smtp",)))
            except Unavailable as why:
                self.skipTest(str(why))
            for account in ("postmaster", "ann"):
                if f"{account}@{DOMAIN}" in self.site.ok("account", "list"):
                    self.site.ok("account", "remove", f"{account}@{DOMAIN}")
            wait_until(lambda: self.site.json("domain", "leave", DOMAIN)["state"] == "migrated", 60, "the domain has left")
            # Its MX leads here: nothing goes, nor does a restart forget it.
            self.assertIn("its MX records still led here", self.refused("account", "remove", f"bob@{DOMAIN}"))
            self.site.restart()
            self.assertIn("its MX records still led here", self.refused("domain", "remove", DOMAIN))
            self.assertIn("has migrated", self.refused("domain", "set", DOMAIN, "--inbound", "google"))
            self.assertTrue(self.takes_mail())
            # The new owner leads it elsewhere: from when that is seen, the old record's TTL.
            self.site.set_zone(self.zone("mail.theirs.example"))
            began = time.monotonic()
            done = self.site.run("domain", "remove", DOMAIN)
            self.assertEqual(done.returncode, 1, done.stdout)
            if time.monotonic() - began < self.TTL:  # else it was over before we were done
                self.assertRegex(done.stderr, r"caches may hold its old MX records until 20\d\d-.*wait until 20\d\d-")
            self.assertTrue(self.takes_mail())
            wait_until(lambda: self.site.run("account", "remove", f"bob@{DOMAIN}").returncode == 0, 60, "the last account may go")
            self.site.ok("domain", "remove", DOMAIN)

    def test_the_domains_name_typed_again_removes_it_at_once(self):
        with ExitStack() as stack:
            try:
                zone = self.zone(f"mail.{DOMAIN}").mx("second.example", f"mail.{DOMAIN}")
                self.site = stack.enter_context(Posthorn(DOMAIN, zone=zone, listen=("smtp",)))
            except Unavailable as why:
                self.skipTest(str(why))
            self.site.ok("domain", "add", "second.example")
            self.site.ok("domain", "leave", "second.example")
            wait_until(lambda: self.site.json("domain", "leave", "second.example")["state"] == "migrated", 60, "the domain has left")
            done = self.site.run("domain", "remove", "second.example", "--override", "other.example")
            self.assertEqual(done.returncode, 1, done.stdout)
            self.site.ok("domain", "remove", "second.example", "--override", "second.example")


if __name__ == "__main__":
    cases.main()
