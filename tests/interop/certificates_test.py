"""Certificates by dns-01: Pebble asks a real BIND, whose zone Posthorn updates; what a crash leaves is cleaned up; the key of a
mail host with TLSA records changes only when they name the next one."""
import json
import subprocess
import tempfile
import unittest
from contextlib import ExitStack
from pathlib import Path

from acme_authority import AUTHORITY, SECONDS, Pebble, issuer_of
from bed import DOMAIN  # (finds `cases` too)
import cases
from domain_life_test import KEY, SECRET, UpdatedBind
from jail import wait_until
from names import SignedBind
from posthorn import BINARY, Posthorn, Zone
from unpack import Unavailable

HOST = f"mail.{DOMAIN}"
RECORDS = [f"{HOST}. A 127.0.0.1", f"{DOMAIN}. MX 10 {HOST}.", f"{AUTHORITY}. A 127.0.0.1", f"imap.{DOMAIN}. A 127.0.0.1"]


class OpenBind(UpdatedBind):
    """Takes updates of this machine without a key, too: the administrator's hand."""

    def configure(self):
        super().configure()
        path = self.jail.inside("/etc/named.conf")
        path.write_text(path.read_text().replace(f"update-policy {{ grant {KEY} zonesub ANY; }}", f"allow-update {{ key {KEY}; 127.0.0.1; }}"))

    add = SignedBind.add


class ByDns(unittest.TestCase):
    def setUp(self):
        if not BINARY.exists():
            raise unittest.SkipTest(f"{BINARY} is not built")
        self.stack = ExitStack()
        self.addCleanup(self.stack.close)
        self.dir = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="posthorn-certificates-")))
        (self.dir / "key").write_text(SECRET + "\n")

    def open(self, slow=False, **settings):
        try:
            self.bind = self.stack.enter_context(OpenBind(RECORDS))
            self.pebble = Pebble(dns=self.bind.source, slow=slow)
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(self.pebble.stop)
        self.posthorn = Posthorn(DOMAIN, zone=Zone(), settings={
            "dns.source": self.bind.source, "relay.allow_private": True, "acme.directory": f"https://{AUTHORITY}:{self.pebble.port}/dir",
            "acme.challenge": "dns-01", "tls.ca_file": str(self.pebble.certificate), **settings}, listen=("smtp", "submissions"))
        self.posthorn.create()
        self.addCleanup(self.posthorn.__exit__)
        self.posthorn.ok("domain", "set", DOMAIN, "--update-server", self.bind.source, "--update-zone", "example", "--update-key", KEY,
                         "--update-key-file", self.dir / "key")
        self.posthorn.serve()
        return self.posthorn

    def answers(self, name, kind):
        """What BIND has: the data of the records, as presentation text."""
        done = subprocess.run([BINARY, "dns", "query", kind, name, "--dns", self.bind.source, "--json"], capture_output=True, text=True, timeout=60)
        return sorted(row["data"] for row in json.loads(done.stdout)["answers"]) if done.returncode == 0 else []

    def is_issued(self):
        return "Pebble" in issuer_of(self.posthorn.port("submissions"), HOST)

    def wait_for_certificate(self):
        wait_until(self.is_issued, SECONDS, lambda: f"no certificate came:\n{self.posthorn.process.tail(20)}\n{self.pebble.process.tail(20)}")

    def listed(self, state):
        rows = [row for row in self.posthorn.json("certificate", "list") if row["source"] == "authority" and row["state"] == state]
        return rows[0] if rows else None

    def test_a_certificate_comes_without_a_web_listener_and_the_zone_is_as_before(self):
        self.open(**{"acme.names": [f"imap.{DOMAIN}"]})
        self.wait_for_certificate()
        for name in (HOST, f"imap.{DOMAIN}"):
            self.assertIn(f"DNS:{name}", issuer_of(self.posthorn.port("submissions"), name))
            self.assertEqual(self.answers(f"_acme-challenge.{name}", "TXT"), [])
        live = self.listed("live")
        self.assertEqual(live["name"], HOST)
        self.assertRegex(live["tlsa"], "^3 1 1 [0-9a-f]{64}$")

    def test_a_proof_that_a_kill_left_behind_is_removed_by_the_next_run(self):
        self.open(slow=True)
        wait_until(lambda: self.answers(f"_acme-challenge.{HOST}", "TXT"), SECONDS, "no proof was placed")
        self.posthorn.kill()
        self.assertEqual(len(self.answers(f"_acme-challenge.{HOST}", "TXT")), 1, "the kill came too late: it was removed before")
        self.posthorn.serve()
        self.wait_for_certificate()
        wait_until(lambda: not self.answers(f"_acme-challenge.{HOST}", "TXT"), SECONDS, "the proof of the run that was killed still stands")

    def test_a_key_that_tlsa_records_name_changes_only_when_they_name_the_next(self):
        self.open()
        self.wait_for_certificate()
        first = self.listed("live")
        self.bind.add(f"_25._tcp.{HOST}", "TLSA", first["tlsa"])
        # The next key is made at the look after the first certificate; the change asks for it at once.
        waits = self.posthorn.json("certificate", "change-key", HOST)
        self.assertFalse(waits["changed"])
        following = self.listed("next")
        self.assertEqual(self.answers(f"_25._tcp.{HOST}", "TLSA"), sorted([first["tlsa"], following["tlsa"]]), "published beside the present one's")
        again = self.posthorn.json("certificate", "change-key", HOST)
        self.assertFalse(again["changed"])
        self.assertEqual(self.listed("live")["tlsa"], first["tlsa"])
        self.posthorn.restart()
        self.assertEqual(self.listed("live")["tlsa"], first["tlsa"])
        forced = self.posthorn.json("certificate", "change-key", HOST, "--force")
        self.assertTrue(forced["changed"])
        self.assertEqual(self.listed("live")["tlsa"], following["tlsa"])
        self.assertEqual(self.listed("retiring")["tlsa"], first["tlsa"])

    def test_a_renewal_keeps_the_key(self):
        self.open()
        self.wait_for_certificate()
        first = self.listed("live")
        self.assertTrue(self.posthorn.json("certificate", "renew", HOST)["renewed"])
        self.assertEqual(self.listed("live")["tlsa"], first["tlsa"])
        self.assertEqual(self.posthorn.run("certificate", "renew", "mx.elsewhere.example").returncode, 1)


if __name__ == "__main__":
    cases.main()
