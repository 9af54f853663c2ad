"""`domain check` on a small Internet of names (dns_world.py): BIND and Knot, signed and not, Unbound as the cache, our own server's
SMTP and HTTPS behind the names. plan, apply, check ends clean; what is broken is found and named; the questions stay within their
budget; a list of domains is gone through within its bounds and goes on where it was killed."""
import fcntl
import json
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
from contextlib import ExitStack
from pathlib import Path

import bed  # noqa: F401  (finds `cases` too)
import cases
from dns_world import BIND, CHILDREN, KEY, KNOT, MX, PARENT, SECRET, World, name_of
from jail import wait_until
from posthorn import BINARY, Posthorn, Zone
from tls_world import Authority, tlsa_of
from unpack import Unavailable

LIVE = {"bsigned.example": BIND, "bplain.example": BIND, "ksigned.example": KNOT, "kplain.example": KNOT}
PARKED = {"bparked.example": BIND, "kparked.example": KNOT}
DYNAMIC = {**LIVE, **PARKED}
HOST = "mail.bsigned.example"
MEMORY_MB_MAX = 200  # of a run, however long the list


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
        cls.names = [*(f"mail.{name}.example" for name in CHILDREN), "mx.example", *(f"mta-sts.{domain}" for domain in LIVE)]
        cls.authority, cls.pair = authority, authority.issue(*cls.names)
        cert, key = cls.pair
        cls.site = Posthorn("bsigned.example", address=MX, listen=("smtp", "submission", "https"), parent=cls.folder)
        anchor = cls.folder / "anchor"
        anchor.write_text(cls.world.anchor + "\n")
        cls.site.settings = {"dns.source": cls.world.cache, "dns.trust_anchor_file": str(anchor), "relay.mx_port": cls.site.port("smtp"),
                             "relay.allow_private": True, "mta_sts.https_port": cls.site.port("https"), "tls.certificate": [str(cert)],
                             "tls.key": [str(key)], "tls.ca_file": str(authority.file)}
        cls.site.__enter__()
        cls.addClassCleanup(cls.site.__exit__)
        for domain in DYNAMIC:
            if domain != "bsigned.example":
                cls.site.ok("domain", "add", domain)

    # ---- words

    def apply(self, domain):
        server = f"{DYNAMIC[domain]}:{self.world.port}"
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
        report = self.check(domain)
        self.assertEqual(self.worth(report), [])
        self.assertEqual(report["kind"], "here")
        Checking.host_stands = True
        return report

    def test_signed_on_bind(self):
        report = self.goes_clean("bsigned.example")
        self.assertEqual(report["dnssec"], "signed")

    def test_signed_on_knot(self):
        report = self.goes_clean("ksigned.example")
        self.assertEqual(report["dnssec"], "signed")

    def test_the_plan_of_a_signed_zone_has_tlsa_and_a_wrong_one_is_found_and_mended(self):
        self.goes_clean("bsigned.example")
        plan = json.loads(self.site.run("domain", "plan", "bsigned.example", "--json").stdout)
        wanted = [r for r in plan["records"] if r["type"] == "TLSA"]
        self.assertEqual([r["name"] for r in wanted], [f"_25._tcp.{HOST}"])
        self.assertIn(wanted[0]["standing"], ("same", "ttl-differs"))  # what is left of its TTL in the cache
        right = wanted[0]["data"]
        wrong = right[:6] + "0" * 64
        name = f"_25._tcp.{HOST}"
        self.plant("bsigned.example", [f"delete {name} TLSA", f"add {name} 300 TLSA {wrong}"])
        hit = self.found(self.check("bsigned.example", status=1), "tlsa-mismatch")
        self.assertEqual(hit["name"], HOST)
        self.assertIn(f"{name}. 3600 IN TLSA {right}", hit["correction"])
        self.plant("bsigned.example", [f"delete {name} TLSA", "add " + hit["correction"].replace(" IN ", " ")])
        self.assertEqual(self.worth(self.check("bsigned.example")), [])

    def test_a_new_key_in_the_files_waits_for_its_tlsa_record(self):
        self.goes_clean("bsigned.example")
        before = tlsa_of(self.pair[0])
        self.site.ok("reload")  # the records are looked at
        self.wait_for_keys(lambda rows: "bound_until" in rows[before])
        kept = [path.read_bytes() for path in self.pair]
        try:
            for path, made in zip(self.pair, self.authority.issue(*self.names)):
                path.write_bytes(made.read_bytes())
            after = tlsa_of(self.pair[0])
            notes = json.loads(self.site.ok("config", "check", "--json"))["notes"]  # said before the server reads the files
            self.assertIn(f"_25._tcp.{HOST}. TLSA {after}", " ".join(notes))
            self.site.ok("reload")
            rows = self.wait_for_keys(lambda rows: rows[after].get("waits"))
            self.assertEqual((rows[before]["source"], rows[before]["state"]), ("kept", "live"))
            self.assertEqual((rows[after]["source"], rows[after]["state"]), ("file", "next"))
            self.assertIn(f"publish TLSA {after}", rows[after]["waits"])
            self.site.restart()  # the files have the new key alone; the store has the other
            self.world.flush()
            report = self.check("bsigned.example", status=1)
            self.assertEqual([f["id"] for f in report["findings"] if f["level"] == "error"], ["record-missing"], self.worth(report))
            self.assertIn(after, self.found(report, "record-missing")["correction"])
            self.assertIn(after, self.found(report, "tlsa-no-next-key")["correction"])
        finally:
            for path, octets in zip(self.pair, kept):
                path.write_bytes(octets)
            self.site.ok("reload")
        self.wait_for_keys(lambda rows: len(rows) == 1)
        self.assertEqual(self.worth(self.check("bsigned.example")), [])

    def wait_for_keys(self, condition):
        """The certificates by their TLSA records, when the server has looked."""
        def look():
            rows = {row["tlsa"]: row for row in json.loads(self.site.ok("certificate", "list", "--json"))}
            return rows if condition(rows) else None
        return wait_until(look, 20, "the server has looked at its TLSA records")

    def test_questions_stay_within_their_budget_as_the_servers_count_them(self):
        """A full check of a domain that is ours, live: at the cache and at its own server, by their own logs."""
        for domain in LIVE:
            self.goes_clean(domain)
            with self.subTest(domain=domain):
                before = self.counted(domain)
                report = self.check(domain)
                told = {who: self.counted(domain)[who] - before[who] for who in before}
                allowed = report["budget"]["allowed"]
                # 14, 3 for the MX host, 1 for the SPF tree, 1 for the wildcard probe, 1 for who reads reports; SRV names, selectors.
                self.assertLessEqual(allowed, 14 + 3 + 1 + 1 + 1 + len(report["records"]))
                if os.environ.get("POSTHORN_LONG"):
                    print(f"{domain}: {told} questions, {allowed} allowed", flush=True)
                for who, count in told.items():
                    self.assertLessEqual(count, allowed, f"{who} was asked {count} questions about {domain}")

    def counted(self, domain):
        """Questions about the domain and what is below it or above it, but for the keys of zones."""
        server = self.world.bind if LIVE[domain] == BIND else self.world.knot
        asked = server.questions()
        at_server = len(asked) if isinstance(asked, list) else sum(n for kind, n in asked.items() if kind not in ("DNSKEY", "DS"))
        return {"cache": len(self.world.questions_at_cache()), "server": at_server}

    def test_a_zone_that_may_be_transferred_shows_what_nobody_asks_for(self):
        for domain, is_open in (("blisted", True), ("klisted", True), ("bclosed", False), ("kclosed", False)):
            with self.subTest(domain=domain):
                report = self.check(f"{domain}.example", "--transfer")
                ids = {f["id"] for f in report["findings"] if f["level"] != "info"}
                self.assertEqual(ids, {"spf-type99", "alias-dangling"} if is_open else set(), self.worth(report))
                self.assertEqual({f["id"] for f in self.check(f"{domain}.example")["findings"] if f["level"] != "info"}, set())

    def test_compare_takes_the_whole_zone_where_it_may_and_every_known_name_elsewhere(self):
        for kind, server in (("b", BIND), ("k", KNOT)):
            for name, is_open in (("listed", True), ("closed", False)):
                domain = f"{kind}{name}.example"
                with self.subTest(domain=domain):
                    at = f"{server}:{self.world.port}"
                    done = self.site.run("domain", "compare", domain, "--a", at, "--b", at, "--json")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    told = json.loads(done.stdout)
                    self.assertEqual((told["equal"], told["whole_a"], told["whole_b"]), (True, is_open, is_open))
                    # Known by name: the domain's MX, its TXT, its DMARC record, and its host's address.
                    self.assertGreaterEqual(told["names"], 4 if is_open else 3)
        other = self.site.run("domain", "compare", "blisted.example", "--a", f"{BIND}:{self.world.port}", "--b", f"{KNOT}:{self.world.port}")
        self.assertEqual(other.returncode, 3, other.stdout)
        self.assertIn("blisted.example", other.stderr)

    def test_plain_on_bind(self):
        report = self.goes_clean("bplain.example")
        self.assertEqual(report["dnssec"], "unsigned")

    def test_plain_on_knot(self):
        report = self.goes_clean("kplain.example")
        self.assertEqual(report["dnssec"], "unsigned")

    def test_a_parked_domain_on_both(self):
        """The wildcards of the defensive set answer for names that are still to be published."""
        for domain in ("bparked.example", "kparked.example"):
            with self.subTest(domain=domain):
                self.site.ok("domain", "park", domain)
                self.apply(domain)
                self.world.flush()
                self.assertEqual(self.apply(domain)["done"], [])
                self.world.flush()
                report = self.check(domain)
                self.assertEqual(report["kind"], "parked")
                self.assertEqual([f["id"] for f in report["findings"] if f["level"] != "info"], ["dmarc-no-rua"], self.worth(report))
                self.assertNotIn(f"@{domain}", report["findings"][0]["correction"])

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



class Silence(unittest.TestCase):
    """An MX host that does not answer at all. The port is that of a listener whose queue is full: the kernel drops what comes."""

    def test_a_host_that_never_answers_is_found(self):
        with ExitStack() as stack:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            self.fill(stack, listener.getsockname())
            port = listener.getsockname()[1]
            try:
                site = stack.enter_context(Posthorn("silent.example", listen=("submission",), settings={"relay.mx_port": port, "relay.allow_private": True}))
            except Unavailable as why:
                self.skipTest(str(why))
            site.set_zone(Zone().mx("gone.example", "mail.gone.example").host("mail.gone.example", "127.0.0.1"))
            done = site.run("domain", "check", "gone.example", "--json")
            self.assertEqual(done.returncode, 1, done.stderr)
            hits = [f for f in json.loads(done.stdout)["findings"] if f["id"] == "mx-no-starttls"]
            self.assertEqual([(f["level"], f["name"]) for f in hits], [("error", "mail.gone.example")], done.stdout)
            self.assertIn(f"nothing answers on port {port} of mail.gone.example (127.0.0.1) within 12 s", hits[0]["reason"])
            self.assertNotIn("provider", hits[0]["reason"])  # there is none on the way to a private address

    def fill(self, stack, address):
        for _ in range(64):
            one = stack.enter_context(socket.socket())
            one.settimeout(0.5)
            try:
                one.connect(address)
            except TimeoutError:
                return
        self.skipTest("this kernel takes connections that nobody accepts")


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

    def command(self, results, *more):
        return [str(BINARY), "domain", "check", "--file", str(self.list), "--results", str(results), "--dns",
                f"authoritative@{PARENT}:{self.world.port}", "--json", *more]

    def names(self, results):
        return [json.loads(line)["domain"] for line in results.read_text().splitlines()]

    def setUp(self):
        self.list.write_text("# all of them\n" + "".join(f"{name_of(i)}\n" for i in range(self.COUNT)) + name_of(0).upper() + "\n")

    def test_a_list_is_checked_once_and_goes_on_where_it_was_killed(self):
        results = self.folder / "found.jsonl"
        begun = subprocess.Popen(self.command(results), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: results.exists() and results.read_text().count("\n") >= self.COUNT // 10, 60, "a tenth is checked")
        begun.kill()
        begun.wait()
        with open(results, "a") as file:
            file.write('{"domain":"d00')  # a line that a kill tore
        before = len(self.names_of_whole_lines(results))
        status, out, err, used = self.run_measured(self.command(results, "--progress"))
        self.assertEqual(status, 0, err[-2000:])
        self.tell(self.COUNT - before, used)
        self.assertLess(used["memory_mb"], MEMORY_MB_MAX)
        totals = json.loads(out)
        self.assertEqual((totals["domains"], totals["with_errors"], totals["unreachable"]), (self.COUNT, 0, 0))
        self.assertEqual(totals["checked_now"], self.COUNT - before)
        self.assertEqual(sorted(self.names(results)), [name_of(i) for i in range(self.COUNT)])
        self.assertIn(f"{self.COUNT} of {self.COUNT} domains", err)
        again = json.loads(subprocess.run(self.command(results), capture_output=True, text=True, timeout=60).stdout)
        self.assertEqual((again["domains"], again["checked_now"]), (self.COUNT, 0))

    @unittest.skipUnless(os.environ.get("POSTHORN_LONG"), "a part of the long run")
    def test_memory_does_not_grow_with_the_list(self):
        used = {}
        for count in (self.COUNT // 10, self.COUNT * 3 // 10, self.COUNT):
            self.list.write_text("".join(f"{name_of(i)}\n" for i in range(count)))
            status, out, err, used[count] = self.run_measured(self.command(self.folder / f"found-{count}.jsonl"))
            self.assertEqual(status, 0, err[-2000:])
            self.assertEqual(json.loads(out)["checked_now"], count)
            self.tell(count, used[count])
        self.assertLess(used[self.COUNT]["memory_mb"], 1.3 * used[self.COUNT // 10]["memory_mb"] + 4)

    def run_measured(self, command):
        """Its status, what it said, and what it took of this machine."""
        with open(self.folder / "out", "w+") as out, open(self.folder / "err", "w+") as err:
            began = time.monotonic()
            process = subprocess.Popen(command, stdout=out, stderr=err)
            memory_kb, status = 0, None
            # ru_maxrss counts what this process had when it made the other one: its own peak is the kernel's VmHWM.
            while status is None:
                memory_kb = max(memory_kb, self.peak_kb(process.pid))
                done, raw, usage = os.wait4(process.pid, os.WNOHANG)
                status = raw if done else None
                select.select([], [], [], 0.02)
            process.returncode = os.waitstatus_to_exitcode(status)
            used = {"seconds": time.monotonic() - began, "cpu_seconds": usage.ru_utime + usage.ru_stime, "memory_mb": memory_kb / 1024}
            out.seek(0)
            err.seek(0)
            return process.returncode, out.read(), err.read(), used

    @staticmethod
    def peak_kb(pid):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())  # a process that has ended has none
        return int(found[1]) if found else 0

    @staticmethod
    def tell(domains, used):
        if os.environ.get("POSTHORN_LONG"):
            print(f"{domains} domains in {used['seconds']:.1f} s ({domains / used['seconds']:.0f} a second), {used['cpu_seconds']:.1f} s of CPU, "
                  f"{used['memory_mb']:.1f} MB at most", flush=True)

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
