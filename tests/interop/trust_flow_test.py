"""Trust among real programs: BIND and Knot serve the records, rspamd checks what we sign and signs what we check, and what we sign
passes Postfix and Exim as relays and is verified at our port 25."""
import json
import smtplib
import sqlite3
import subprocess
import tempfile
import unittest
from base64 import b64encode
from contextlib import ExitStack, closing
from pathlib import Path

import bed  # noqa: F401  (finds `cases` too)
import cases
from dns_peers import Bind, Knot, Rspamd
from jail import wait_until
from peers import Exim, Postfix
from posthorn import BINARY, Posthorn, Zone
from unpack import Unavailable

DOMAIN, HERE = "alpha.example", "posthorn.example"
MESSAGE = (b"From: Ann <ann@alpha.example>\r\nTo: bob@posthorn.example\r\nSubject:  Hello   there\r\n\tyou\r\n"
           b"Date: Thu, 24 Dec 2026 08:00:00 +0000\r\nMessage-ID: <%s@alpha.example>\r\nMIME-Version: 1.0\r\n"
           b"Content-Type: text/plain; charset=us-ascii\r\n\r\nHello,  Bob. \r\n\r\n.dot\r\n")


def message(name):
    return MESSAGE % name.encode()


def quoted(text):
    return " ".join(f'"{text[at:at + 250]}"' for at in range(0, len(text), 250))


class Trusting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not BINARY.exists():
            raise unittest.SkipTest(f"{BINARY} is not built")
        cls.folder = tempfile.TemporaryDirectory(prefix="posthorn-trust-flow-")
        cls.dir = Path(cls.folder.name)
        keys = {"r1": ("rsa", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), "e1": ("ed25519", "-algorithm", "ed25519")}
        cls.records = [f'{DOMAIN}. TXT "v=spf1 include:_spf.{DOMAIN} -all"', f'_spf.{DOMAIN}. TXT "v=spf1 ip4:192.0.2.0/24 -all"',
                       f'_dmarc.{DOMAIN}. TXT "v=DMARC1; p=reject"', f"{DOMAIN}. MX 10 mx.{DOMAIN}.", f"mx.{DOMAIN}. A 192.0.2.1"]
        for selector, (kind, *options) in keys.items():
            cls.records.append(f"{selector}._domainkey.{DOMAIN}. TXT {quoted(cls.make_key(selector, kind, options))}")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def make_key(cls, selector, kind, options):
        pem = cls.dir / f"{selector}.pem"
        subprocess.run(["openssl", "genpkey", *options, "-out", pem], check=True, capture_output=True)
        public = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        return f"v=DKIM1; k={kind}; p={b64encode(public[-32:] if kind == 'ed25519' else public).decode()}"

    def setUp(self):
        self.stack = ExitStack()
        self.addCleanup(self.stack.close)

    def open(self, make, *arguments, **more):
        try:
            return self.stack.enter_context(make(*arguments, **more))
        except Unavailable as reason:
            self.skipTest(str(reason))

    def tool(self, *words, octets):
        done = subprocess.run([str(BINARY), *map(str, words)], input=octets, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout

    def signed(self, octets):
        for selector in ("r1", "e1"):
            octets = self.tool("sign", "dkim", "--domain", DOMAIN, "--selector", selector, "--key", self.dir / f"{selector}.pem", "-", octets=octets)
        return octets

    def verify(self, octets, source):
        return json.loads(self.tool("verify", "--json", "--dns", source, "--ip", "192.0.2.1", "--mail-from", f"ann@{DOMAIN}", "--helo",
                                    f"mx.{DOMAIN}", "-", octets=octets))


class NameServers(Trusting):
    def records_are_read_from(self, kind):
        server = self.open(kind, self.records)
        verdicts = self.verify(self.signed(message("names")), server.source)
        self.assertEqual(verdicts["spf"]["mail_from"]["result"], "pass", verdicts["spf"])
        self.assertEqual([s["result"] for s in verdicts["dkim"]], ["pass", "pass"], verdicts["dkim"])
        self.assertEqual(verdicts["dmarc"]["result"], "pass", verdicts["dmarc"])
        self.assertEqual([step["domain"] for step in verdicts["dmarc"]["walk"]], [DOMAIN, "example"])
        # What a server says of its own zone is authoritative; one without the root cannot be validated, and is said not to be.
        asked = json.loads(self.tool("dns", "query", "TXT", DOMAIN, "--dns", server.source, "--json", octets=b""))
        answer = asked["answers"][0]
        self.assertEqual([answer[key] for key in ("authoritative", "cached", "validated")], [True, False, False], asked)
        self.assertIn("does not know the root", asked["validation"])

    def test_bind_serves_the_records(self):
        self.records_are_read_from(Bind)

    def test_knot_serves_the_records(self):
        self.records_are_read_from(Knot)

    def test_a_name_server_that_stops_is_an_outage_and_mail_is_delivered_all_the_same(self):
        server = self.open(Bind, self.records)
        site = self.open(Posthorn, HERE, settings={"dns.source": server.source, "verification.time_max": "2s"}, listen=("smtp",))
        self.deliver(site, self.signed(message("before")))
        server.process.stop()
        site.restart()  # what it knew is forgotten
        self.deliver(site, self.signed(message("after")))
        before, after = (bed.parsed(octets)["Authentication-Results"] for octets in site.wait_for_messages(f"bob@{HERE}", 2))
        self.assertIn("dmarc=pass", before)
        for part in ("spf=temperror", "dkim=temperror", "dmarc=temperror"):
            self.assertIn(part, after)

    @staticmethod
    def deliver(site, octets):
        with smtplib.SMTP(site.address, site.port("smtp"), local_hostname="relay.example", timeout=60) as client:
            client.sendmail(f"ann@{DOMAIN}", [f"bob@{HERE}"], octets)


class WithRspamd(Trusting):
    SYMBOLS = {"R_SPF_ALLOW", "R_DKIM_ALLOW", "DMARC_POLICY_ALLOW"}

    def test_each_verifies_what_the_other_signs(self):
        names = self.open(Bind, self.records)
        rspamd = self.open(Rspamd, names.source, key=(self.dir / "r1.pem").read_text())
        facts = {"ip": "192.0.2.1", "mail_from": f"ann@{DOMAIN}"}
        with self.subTest("ours there"):
            ours = self.signed(message("ours"))
            found = rspamd.check(ours, **facts)["symbols"]
            self.assertLessEqual(self.SYMBOLS, set(found), found)
            found = rspamd.check(ours.replace(b"Bob", b"Rob"), **facts)["symbols"]
            self.assertIn("R_DKIM_REJECT", found)
        with self.subTest("our ARC seal there"):
            judged = b"Authentication-Results: mx1.beta.example; dkim=pass header.d=alpha.example\r\n" + self.signed(message("sealed"))
            sealed = self.tool("sign", "arc", "--domain", DOMAIN, "--selector", "r1", "--key", self.dir / "r1.pem", "--authserv-id",
                               "mx1.beta.example", "--dns", names.source, "-", octets=judged)
            self.assertIn("ARC_ALLOW", rspamd.check(sealed, **facts)["symbols"])
        with self.subTest("theirs here"):
            plain = message("theirs")
            field = rspamd.check(plain, user="ann", **facts)["dkim-signature"]
            signed = b"DKIM-Signature: " + field.replace("\r\n", "\n").replace("\n", "\r\n").encode() + b"\r\n" + plain
            verdicts = self.verify(signed, names.source)
            self.assertEqual([s["result"] for s in verdicts["dkim"]], ["pass"], verdicts["dkim"])


class RoundTrips(Trusting):
    """The relay is a stranger to the author's SPF record: the signature alone speaks."""

    def passes(self, kind, **more):
        zone = Zone()
        zone.lines += self.records
        site = self.open(Posthorn, HERE, zone=zone, listen=("smtp",))
        relay = self.open(kind, "relay.example", routes={HERE: (site.address, site.port("smtp"))}, tls="none", **more)
        with smtplib.SMTP(relay.address, relay.port, local_hostname="client.example") as client:
            client.sendmail(f"ann@{DOMAIN}", [f"bob@{HERE}"], self.signed(message(kind.__name__)))
        [stored] = site.wait_for_messages(f"bob@{HERE}", 1)
        results = bed.parsed(stored)["Authentication-Results"]
        for part in (f"mail.{HERE};", "spf=fail", "dmarc=pass", "a=rsa-sha256", "a=ed25519-sha256"):
            self.assertIn(part, results)
        self.assertEqual(results.count("dkim=pass"), 2, results)
        trace = site.json("message", "trace", f"{kind.__name__}@{DOMAIN}")
        self.assertEqual(trace["recipients"][0]["where"], f"bob@{HERE}/INBOX")
        methods = [step["method"] for step in trace["steps"] if step["stage"] == "verification"]
        self.assertEqual(methods, ["iprev", "spf", "spf", "dkim", "dkim", "dmarc"])

    def test_through_postfix(self):
        self.passes(Postfix)

    def test_through_exim(self):
        self.passes(Exim)


class AtTheDoor(Trusting):
    def setUp(self):
        super().setUp()
        zone = Zone()
        zone.lines += self.records
        self.site = self.open(Posthorn, HERE, zone=zone, listen=("smtp",))

    def say(self, octets, sender=f"ann@{DOMAIN}"):
        with smtplib.SMTP(self.site.address, self.site.port("smtp"), local_hostname="forger.example") as client:
            try:
                client.sendmail(sender, [f"bob@{HERE}"], octets)
                return 250, ""
            except smtplib.SMTPDataError as error:
                return error.smtp_code, error.smtp_error.decode()

    def test_a_forgery_is_refused_and_its_story_tells_why(self):
        code, text = self.say(message("forged"))
        self.assertEqual(code, 550, text)
        self.assertRegex(text, rf"^5\.7\.1 DMARC: {DOMAIN} ")
        self.assertEqual(self.site.listed(f"bob@{HERE}"), [])
        # Stories of refused mail are written about once a second.
        told = wait_until(lambda: self.site.run("message", "trace", f"forged@{DOMAIN}").stdout, 10, "the story is there")
        for part in ("SPF fail for MAIL FROM", "DKIM none", f"DMARC fail for {DOMAIN}", "refused: DMARC fails"):
            self.assertIn(part, told)

    def test_a_lists_message_goes_to_junk_and_a_strict_domain_refuses_it(self):
        listed = b"List-Id: <dev.lists.example>\r\n"
        self.assertEqual(self.say(listed + message("list"), "bounce@lists.example")[0], 250)
        trace = self.site.json("message", "trace", f"list@{DOMAIN}")
        self.assertEqual(trace["recipients"][0]["where"], f"bob@{HERE}/Junk")
        self.assertIn("mailing_list", [step.get("override") for step in trace["steps"]])
        self.site.ok("domain", "set", HERE, "--inbound-dmarc", "strict")
        self.assertEqual(self.say(listed + message("again"), "bounce@lists.example")[0], 550)
        self.assertEqual(self.site.json("domain", "show", HERE)["inbound_dmarc"], "strict")

    def test_the_selectors_of_valid_signatures_are_remembered(self):
        self.assertEqual(self.say(self.signed(message("seen")))[0], 250)
        self.site.restart()
        self.site.ok("domain", "add", DOMAIN, "--elsewhere")
        seen = self.site.json("domain", "show", DOMAIN)["selectors_seen"]
        self.assertEqual(sorted((row["selector"], row["algorithm"], row["key_bits"]) for row in seen),
                         [("e1", "ed25519-sha256", 256), ("r1", "rsa-sha256", 2048)])

    def test_what_dmarc_judged_is_counted_for_reports_through_restarts(self):
        self.assertEqual(self.say(self.signed(message("first")))[0], 250)
        self.assertEqual(self.say(message("forged"))[0], 550)
        self.site.restart()
        self.assertEqual(self.say(message("forged-again"))[0], 550)
        self.site.stop()
        with closing(sqlite3.connect(next(self.site.folder.rglob("posthorn.db")))) as store:
            rows = store.execute("SELECT policy_domain, disposition, count FROM dmarc_rows ORDER BY disposition").fetchall()
        self.assertEqual(rows, [(DOMAIN, "pass", 1), (DOMAIN, "reject", 2)])

    def test_switched_off_nothing_is_checked(self):
        config = self.site.config.read_text()
        self.site.config.write_text(config + "\n[verification]\nenabled = false\n")
        self.site.ok("reload")
        wait_until(lambda: self.say(message("off"))[0] == 250, 10, "the new configuration holds")
        [stored] = self.site.messages(f"bob@{HERE}")
        self.assertIsNone(bed.parsed(stored)["Authentication-Results"])


if __name__ == "__main__":
    cases.main()
