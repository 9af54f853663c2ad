"""`domain check` on a small Internet of names (dns_world.py): BIND and Knot, signed and not, Unbound as the cache, our own server's
SMTP and HTTPS behind the names. plan, apply, check ends clean; what is broken is found and named; the questions stay within their
budget; a list of domains is gone through within its bounds and goes on where it was killed."""
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import bed  # noqa: F401  (finds `cases` too)
import cases
from dns_world import BIND, CHILDREN, KEY, KNOT, MX, PARENT, SECRET, World, name_of
from jail import wait_until
from posthorn import BINARY, Posthorn
from tls_world import Authority
from unpack import Unavailable

LIVE = {"bsigned.example": BIND, "bplain.example": BIND, "ksigned.example": KNOT, "kplain.example": KNOT}
HOST = "mail.bsigned.example"


class Checking(unittest.TestCase):
    host_stands = False

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="posthorn-check-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        try:
            cls.world = World().__enter__()
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason))
        cls.addClassCleanup(cls.world.__exit__)
        try:
            cls.start_site()
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason))
        (cls.folder / "key").write_text(SECRET + "\n")

    @classmethod
    def start_site(cls):
        authority = Authority(cls.folder / "ca")
        cert, key = authority.issue(*(f"mail.{name}.example" for name in CHILDREN), "mx.example", *(f"mta-sts.{domain}" for domain in LIVE))
        cls.site = Posthorn("bsigned.example", address=MX, listen=("smtp", "submission", "https"), parent=cls.folder)
        anchor = cls.folder / "anchor"
        anchor.write_text(cls.world.anchor + "\n")
        cls.site.settings = {"dns.source": cls.world.cache, "dns.trust_anchor_file": str(anchor), "relay.mx_port": cls.site.port("smtp"),
                             "relay.allow_private": True, "mta_sts.https_port": cls.site.port("https"), "tls.certificate": [str(cert)],
                             "tls.key": [str(key)], "tls.ca_file": str(authority.file)}
        cls.site.__enter__()
        cls.addClassCleanup(cls.site.__exit__)
        for domain in LIVE:
            if domain != "bsigned.example":
                cls.site.ok("domain", "add", domain)

    # ---- words

    def apply(self, domain):
        server = f"{LIVE[domain]}:{self.world.port}"
        done = self.site.run("domain", "apply", domain, "--server", server, "--zone", domain, "--key-name", KEY, "--key-file", self.folder / "key",
                             "--publish", "--json")
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return json.loads(done.stdout)

    def check(self, domain, *more, status=None):
        done = self.site.run("domain", "check", domain, "--dns", self.world.cache, *more, "--json")
        self.assertIn(done.returncode, (0, 1) if status is None else (status,), done.stderr + done.stdout[:2000])
        return json.loads(done.stdout)

    def worth(self, report):
        return [f'{f["level"]} {f["id"]} {f["name"]}: {f["reason"]} -> {f["correction"]}' for f in report["findings"] if f["level"] != "info"]

    def found(self, report, finding):
        hits = [f for f in report["findings"] if f["id"] == finding]
        self.assertTrue(hits, f"{finding} is not among {self.worth(report)}")
        return hits[0]

    # ---- plan, apply, check

    def goes_clean(self, domain):
        """After the domain of the mail host, whose address is published with it."""
        if domain != "bsigned.example" and not Checking.host_stands:
            self.goes_clean("bsigned.example")
        self.site.ok("domain", "rollout", domain, "testing")
        plan = json.loads(self.site.run("domain", "plan", domain, "--json").stdout)
        self.assertTrue(plan)
        self.apply(domain)
        self.world.flush()
        left = self.apply(domain)
        self.assertEqual(left["done"], [], "applied twice")
        self.world.flush()
        report = self.publish_tlsa(domain, self.check(domain))
        self.assertEqual(self.worth(report), [])
        self.assertEqual(report["kind"], "here")
        Checking.host_stands = True
        return report

    def publish_tlsa(self, domain, report):
        """The cache alone validates here, so that the plan does not know that the zone is signed: the check does."""
        lines = [f["correction"] for f in report["findings"] if f["id"] == "record-missing" and " TLSA " in f["correction"]]
        if not lines:
            return report
        self.assertEqual(report["dnssec"], "signed")
        self.plant(domain, ["add " + line.replace(" IN ", " ") for line in lines])
        return self.check(domain)

    def test_signed_on_bind(self):
        report = self.goes_clean("bsigned.example")
        self.assertEqual(report["dnssec"], "signed")

    def test_plain_on_bind(self):
        report = self.goes_clean("bplain.example")
        self.assertEqual(report["dnssec"], "unsigned")

    def test_plain_on_knot(self):
        report = self.goes_clean("kplain.example")
        self.assertEqual(report["dnssec"], "unsigned")

    # ---- what is broken is found, and apply mends what is ours

    PLANTED = [
        ("dmarc-missing", ["delete _dmarc.{d} TXT"]),
        ("dmarc-multiple", ['add _dmarc.{d} 300 TXT "v=DMARC1; p=none"']),
        ("spf-missing", ["delete {d} TXT"]),
        ("spf-not-sending-stream", ["delete {d} TXT", 'add {d} 300 TXT "v=spf1 ip4:192.0.2.1 ~all"']),
        ("sts-id-stale", ["delete _mta-sts.{d} TXT", 'add _mta-sts.{d} 300 TXT "v=STSv1; id=2026"']),
    ]

    def test_planted_records_are_found_and_apply_mends_them(self):
        for domain in ("bplain.example", "kplain.example"):
            self.goes_clean(domain)
            for finding, lines in self.PLANTED:
                with self.subTest(finding=finding, domain=domain):
                    self.plant(domain, lines)
                    hit = self.found(self.check(domain, status=1 if finding != "spf-missing" else None), finding)
                    self.assertTrue(hit["correction"])
                    self.apply(domain)
                    self.world.flush()
                    self.assertEqual(self.worth(self.check(domain)), [])

    def plant(self, domain, lines):
        self.world.update([f"zone {domain}"] + ["update " + line.format(d=domain) for line in lines], LIVE.get(domain, BIND))
        self.world.flush()

    # ---- servers

    SERVERS = [("twins.example", "ns-disagree", "secondaries"), ("lame.example", "ns-lame", "load the zone"),
               ("silent.example", "ns-unreachable", "start it"), ("bogus.example", "dnssec-bogus", "DS record"),
               ("expiring.example", "dnssec-expiring", "signed again"), ("delegated.example", "ns-delegated", "CNAME")]

    def test_servers_that_fail_are_named_with_who_must_act(self):
        for domain, finding, told in self.SERVERS:
            with self.subTest(domain=domain):
                report = self.check(domain)
                hit = self.found(report, finding)
                self.assertIn(told, hit["correction"])
                self.assertEqual({f["id"] for f in report["findings"] if f["level"] != "info"}, {finding}, self.worth(report))

    def test_both_answers_of_twins_are_shown(self):
        hit = self.found(self.check("twins.example"), "ns-disagree")
        self.assertEqual(sorted(said["answer"] for said in hit["authoritative"]), ["10 mail.twins.example.", "10 old.twins.example."])
        self.assertTrue(all(said["serial"] == 1 and said["ttl"] == 300 for said in hit["authoritative"]))
        told = self.site.run("domain", "check", "twins.example", "--dns", self.world.cache).stdout
        self.assertIn("<- differs", told)

    def test_an_earlier_answer_in_the_cache(self):
        name = "_dmarc.changing.example"
        self.site.ok("dns", "query", "TXT", name, "--dns", self.world.cache)
        self.world.update(["zone changing.example", f"update delete {name} TXT",
                           f'update add {name} 300 TXT "v=DMARC1; p=reject; rua=mailto:postmaster@changing.example"'])
        hit = self.found(self.check("changing.example"), "cache-old")
        self.assertIn("p=quarantine", hit["cached"])
        self.assertIn("p=reject", hit["authoritative"][0]["answer"])
        self.assertRegex(hit["old_until"], r"^20\d\d-")
        self.world.flush()
        self.assertNotIn("cache-old", [f["id"] for f in self.check("changing.example")["findings"]])



class Lists(unittest.TestCase):
    """Many domains at a time, from two servers."""
    COUNT = 10_000 if os.environ.get("POSTHORN_LONG") else 60

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="posthorn-check-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        if not BINARY.exists():
            raise unittest.SkipTest(f"{BINARY} is not built")
        try:
            cls.world = World(many=cls.COUNT).__enter__()
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason))
        cls.addClassCleanup(cls.world.__exit__)
        cls.list = cls.folder / "domains.txt"
        cls.list.write_text("# all of them\n" + "".join(f"{name_of(i)}\n" for i in range(cls.COUNT)) + name_of(0).upper() + "\n")

    def command(self, results, *more):
        return [str(BINARY), "domain", "check", "--file", str(self.list), "--results", str(results), "--dns",
                f"authoritative@{PARENT}:{self.world.port}", "--json", *more]

    def names(self, results):
        return [json.loads(line)["domain"] for line in results.read_text().splitlines()]

    def test_a_list_is_checked_once_and_goes_on_where_it_was_killed(self):
        results = self.folder / "found.jsonl"
        begun = subprocess.Popen(self.command(results), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: results.exists() and results.read_text().count("\n") >= self.COUNT // 10, 60, "a tenth is checked")
        begun.kill()
        begun.wait()
        with open(results, "a") as file:
            file.write('{"domain":"d00')  # a line that a kill tore
        before = len(self.names_of_whole_lines(results))
        done = subprocess.run(self.command(results, "--progress"), capture_output=True, text=True, timeout=900)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        totals = json.loads(done.stdout)
        self.assertEqual((totals["domains"], totals["with_errors"], totals["unreachable"]), (self.COUNT, 0, 0))
        self.assertEqual(totals["checked_now"], self.COUNT - before)
        self.assertEqual(sorted(self.names(results)), [name_of(i) for i in range(self.COUNT)])
        self.assertIn(f"{self.COUNT} of {self.COUNT} domains", done.stderr)
        again = json.loads(subprocess.run(self.command(results), capture_output=True, text=True, timeout=60).stdout)
        self.assertEqual((again["domains"], again["checked_now"]), (self.COUNT, 0))

    @staticmethod
    def names_of_whole_lines(results):
        return results.read_text().split("\n")[:-1]

    def test_one_run_at_a_time_holds_the_file(self):
        results = self.folder / "held.jsonl"
        with open(results, "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            done = subprocess.run(self.command(results), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("another check", done.stderr)
        results.write_text("something else\n")
        self.assertEqual(subprocess.run(self.command(results), capture_output=True, timeout=60).returncode, 2)


if __name__ == "__main__":
    cases.main()
