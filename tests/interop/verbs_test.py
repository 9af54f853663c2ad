"""Every verb that `posthorn help` names, against what INTERFACES promises of all: exit statuses, one JSON document with
--json whatever the answer is, `posthorn: WHAT: WHY; WHAT TO DO` on standard error. A new verb needs a row here.
"""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import unittest
from contextlib import closing
from pathlib import Path

import bed  # noqa: F401  (finds `cases` too)
import cases
from bed import ANN, BOB, DOMAIN, Bed, note
from jail import wait_until
from posthorn import BINARY
from unpack import Unavailable

DONE, NO, USAGE, UNAVAILABLE = 0, 1, 2, 3
NOBODY = f"nobody@{DOMAIN}"
SPF = ["--ip", "192.0.2.1", "--helo", "mail.other.example", "--dns", "zone:{zone}"]

# verb: (words whose answer is "yes", words whose answer is "no"); None: there are none without a network, or a
# server of one's own. {name}: what setUpClass made.
VERBS = {
    "demo": (None, None),
    "quickstart": (["second.example", "--dir", "{folder}/second"], None),
    "serve": (None, None),
    "reload": ([], None),
    "domain add": (["third.example"], ["third.example"]),
    "domain list": ([], None),
    "domain show": ([DOMAIN], ["nowhere.example"]),
    "domain set": (["third.example", "--dmarc", "reject"], ["nowhere.example", "--dmarc", "reject"]),
    "domain plan": ([DOMAIN], ["nowhere.example"]),
    "domain timeline": ([DOMAIN], ["nowhere.example"]),
    "domain apply": (None, ["nowhere.example"]),
    "domain rollout": ([DOMAIN], ["nowhere.example"]),
    "domain leave": (None, ["nowhere.example"]),
    "domain park": (None, ["nowhere.example"]),
    "domain export": ([DOMAIN], None),
    "domain import": (None, None),
    "domain check": (None, None),
    "domain compare": (None, None),
    "domain watch": ([], ["nowhere.example"]),
    "domain keys": ([DOMAIN], ["nowhere.example"]),
    "domain rotate": (None, ["nowhere.example"]),
    "domain advance": (["third.example"], ["nowhere.example"]),
    "domain revoke": (None, [DOMAIN, "nothing"]),
    "certificate list": ([], None),
    "certificate renew": (None, None),
    "certificate change-key": (None, None),
    "account add": ([f"cy@{DOMAIN}"], [ANN]),
    "account list": ([], None),
    "account show": ([ANN], [NOBODY]),
    "account set": ([f"cy@{DOMAIN}", "--quota", "1GB"], [NOBODY, "--quota", "1GB"]),
    "login add": ([ANN, "phone"], [NOBODY, "phone"]),
    "login list": ([ANN], None),
    "login revoke": ([f"ann+phone@{DOMAIN}"], [f"ann+nothing@{DOMAIN}"]),
    "address add": ([f"sales@{DOMAIN}", "--to", ANN], [f"more@{DOMAIN}", "--to", NOBODY]),
    "address list": ([], None),
    "address remove": ([f"sales@{DOMAIN}"], [NOBODY]),
    "group add": ([f"team@{DOMAIN}", "--member", ANN], [f"all@{DOMAIN}", "--member", NOBODY]),
    "group list": ([], None),
    "group remove": ([f"team@{DOMAIN}"], [NOBODY]),
    "queue list": ([], None),
    "queue show": (["{queued}"], ["0"]),
    "queue hold": (["{queued}"], ["0"]),
    "queue release": (["{queued}"], ["0"]),
    "queue retry": (["{queued}"], ["0"]),
    "message list": ([BOB], [NOBODY]),
    "message show": (["{queued}"], ["0"]),
    "message trace": (["{queued}"], ["nothing@nowhere.example"]),
    "message send": (["--from", ANN, "--to", BOB, "{letter}"], ["--from", ANN, "--to", NOBODY, "{letter}"]),
    "mailbox list": ([BOB], [NOBODY]),
    "mailbox import": ([BOB, "{mbox}"], [NOBODY, "{mbox}"]),
    "mailbox export": ([BOB, "{folder}/export"], [NOBODY, "{folder}/nothing"]),
    "mailbox undelete": ([BOB, "--list"], [NOBODY, "--list"]),
    "queue drop": (["{queued}"], ["0"]),
    "account remove": ([f"cy@{DOMAIN}"], [NOBODY]),
    "domain remove": (["third.example"], ["nowhere.example"]),
    "store verify": ([], None),
    "store migrate": (None, None),
    "backup": (["{folder}/backup"], None),
    "restore": (None, None),
    "config check": ([], ["{faulty}"]),
    "config explain": (["relay"], ["nothing"]),
    "config export": ([], None),
    "check spf": (["--mail-from", f"a@{DOMAIN}", *SPF], None),
    "check dkim": (None, None),
    "check dmarc": ([DOMAIN, "--dns", "zone:{zone}"], None),
    "check iprev": (None, ["192.0.2.1", "--dns", "zone:{zone}"]),
    "verify": (["{letter}", *SPF, "--mail-from", f"a@{DOMAIN}"], None),
    "check mta-sts": (None, None),
    "check tls-rpt": (None, None),
    "check dane": (None, None),
    "check mx": (None, None),
    "dane check": (None, ["--tlsa", "{tlsa}", "--chain", "{chain}", "--base", f"mail.{DOMAIN}"]),
    "mta-sts check": (["--policy", "{policy}", "--mx", "mx.other.example"], ["--policy", "{policy}", "--mx", "x.example"]),
    "sign dkim": (None, None),
    "sign arc": (None, None),
    "parse address": (["--context", "smtp", "<a@b.example>"], ["--context", "smtp", "<a@b.example> x"]),
    "parse message": (["{letter}"], None),
    "parse dsn": (None, ["{letter}"]),
    "parse record": (["--type", "spf", "v=spf1 -all"], ["--type", "spf", "v=spf2 what"]),
    "parse authentication-results": (["mx.example; spf=pass smtp.mailfrom=a.example"], [";;;"]),
    "dns query": (["A", f"mail.{DOMAIN}", "--dns", "zone:{zone}"], None),
    "dns trace": (None, None),
}
# Verbs that read or change the store: what they answer where it is damaged, or nobody can open it.
OF_THE_STORE = {"account", "login", "address", "group", "queue", "message", "mailbox", "backup"}
PROBLEM = re.compile(r"(?m)^posthorn: [^:\n]+.*: .+; .+$")


def run(*words, environment=None):
    variables = {key: value for key, value in os.environ.items() if key != "POSTHORN_CONFIG"}
    return subprocess.run([str(BINARY), *words], capture_output=True, text=True, timeout=120, cwd="/",
                          env={**variables, **(environment or {})}, stdin=subprocess.DEVNULL)


def listed():
    """The verbs that help lists, as generate.py finds them."""
    overview = run("help").stdout.split("\n\n", 2)[2]
    return re.findall(r"(?m)^  ([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)?) {2,}\S", overview)


class Checked(unittest.TestCase):
    def document(self, done):
        """Standard output is one JSON document."""
        try:
            return json.loads(done.stdout)
        except ValueError:
            self.fail(f"no JSON document (status {done.returncode}): {done.stdout[:300]!r} {done.stderr[:300]}")

    def refused(self, done, status):
        """The status; a document; a line that says what, why and what to do, but where the document is the verb's own."""
        self.assertEqual(done.returncode, status, f"{done.stdout[:300]}{done.stderr[:300]}")
        document = self.document(done)
        if "error" not in document:
            return self.assertEqual(status, NO, done.stdout)
        self.assertEqual(document["error"]["kind"], {NO: "no", USAGE: "usage", UNAVAILABLE: "unavailable"}[status])
        self.assertRegex(done.stderr, PROBLEM)


@unittest.skipUnless(BINARY.exists(), f"{BINARY} is not built")
class Words(Checked):
    """Without a site."""

    def test_every_verb_has_a_row(self):
        self.assertEqual(sorted(listed()), sorted(VERBS))

    def test_help_shows_the_usage(self):
        for verb in VERBS:
            with self.subTest(verb=verb):
                done = run(*verb.split(), "--help")
                self.assertEqual((done.returncode, done.stderr), (DONE, ""))
                self.assertIn(f"Usage: posthorn {verb}", done.stdout)
                self.assertEqual(done.stdout, run("help", *verb.split()).stdout)

    def test_an_unknown_option_is_wrong_use(self):
        for verb in VERBS:
            with self.subTest(verb=verb):
                self.refused(run(*verb.split(), "--no-such-option", "--json"), USAGE)

    def test_a_missing_argument_is_wrong_use(self):
        for verb in VERBS:
            usage = re.search(r"(?m)^Usage: posthorn (.*)$", run(*verb.split(), "--help").stdout)[1].removeprefix(verb)
            if not re.sub(r"\[[^\]]*\]…?", "", usage).strip():
                continue
            with self.subTest(verb=verb):
                self.refused(run(*verb.split(), "--json"), USAGE)

    def test_no_configuration_is_wrong_use(self):
        for verb, (good, _) in VERBS.items():
            if verb.split()[0] not in OF_THE_STORE or good is None or "{" in " ".join(good):
                continue
            for words in ([], ["--config", "/nonexistent/posthorn.toml"]):
                with self.subTest(verb=verb, words=words):
                    self.refused(run(*verb.split(), *good, *words, "--json"), USAGE)


class Site(Checked):
    """One site, with its server running, then without, then with a damaged store: in this order."""

    @classmethod
    def setUpClass(cls):
        if not BINARY.exists():
            raise unittest.SkipTest(f"{BINARY} is not built")
        cls.bed = Bed(0)
        cls.bed.zone.steer("servfail", "slow.example")
        try:
            cls.posthorn = cls.bed.open(listen=("smtp", "submissions"))
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason)) from None
        cls.addClassCleanup(cls.bed.close)
        folder = cls.posthorn.folder
        cls.made = {"folder": str(folder), "zone": str(cls.posthorn.zone_file), "chain": str(cls.posthorn.made_certificate())}

        def write(name, text):
            (folder / name).write_bytes(text.encode())
            cls.made[name] = str(folder / name)
        letter = note(ANN, BOB, "letter@test")
        write("letter", letter)
        write("mbox", f"From - Thu Jan  1 00:00:00 2026\n{letter}".replace("\r\n", "\n") + "\n")
        write("faulty", "host_nam = 1\n")
        write("policy", "version: STSv1\nmode: testing\nmx: mx.other.example\nmax_age: 86400\n")
        write("tlsa", f"_25._tcp.mail.{DOMAIN}. IN TLSA 3 1 1 {'00' * 32}\n")

    def queue_one(self):
        """A mail that waits: its next hop cannot be found for now."""
        sent = self.posthorn.json("message", "send", "--from", ANN, "--to", "far@slow.example", self.made["letter"])
        self.made["queued"] = sent["id"]

    def insisted(self, words):
        """A mail that is being carried is beyond recall for that moment: asked until it is not."""
        answers = []

        def done():
            answers.append(run(*words))
            return answers[-1].returncode != NO
        wait_until(done, 30, lambda: answers[-1].stderr)
        return answers[-1]

    def words(self, verb, words):
        return [*verb.split(), *(word.format(**self.made) for word in words), "--config", str(self.posthorn.config)]

    def ask_all(self, skipped=()):
        """Each verb's good and bad words."""
        self.queue_one()
        # What "queue hold" holds, "queue release" releases.
        before = {"queue hold": "release", "queue retry": "release", "queue drop": "release"}
        for verb, (good, bad) in VERBS.items():
            if verb in skipped:
                continue
            if verb in before:
                run(*self.words(f"queue {before[verb]}", ["{queued}"]))
            if good is not None:
                with self.subTest(verb=verb, answer="yes"):
                    words = [*self.words(verb, good), "--json"]
                    done = self.insisted(words) if verb in before else run(*words)
                    self.assertEqual(done.returncode, DONE, done.stderr)
                    self.document(done)
            if bad is not None:
                with self.subTest(verb=verb, answer="no"):
                    self.refused(run(*self.words(verb, bad), "--json"), NO)

    def test_1_while_the_server_runs(self):
        self.ask_all()

    def test_2_when_no_server_runs(self):
        self.posthorn.stop()
        for name in ("second", "export", "backup"):
            shutil.rmtree(self.posthorn.folder / name)
        self.refused(run(*self.words("reload", []), "--json"), UNAVAILABLE)
        self.refused(run(*self.words("serve", []), "--json"), USAGE)  # it answers with no document
        self.ask_all(skipped=("reload", "certificate list", "domain watch"))

    def test_3_a_damaged_store_is_named(self):
        self.posthorn.stop()
        self.queue_one()
        database = self.store() / "posthorn.db"
        whole = type(self).whole = database.read_bytes()
        for damage, octets in {"cut to nothing": b"", "no database": b"x" * len(whole), "torn pages": whole[:4096] + b"\xff" * (len(whole) - 4096)}.items():
            database.write_bytes(octets)
            for log in ("-wal", "-shm"):
                Path(f"{database}{log}").unlink(missing_ok=True)
            self.refused(run(*self.words("store verify", []), "--json"), NO)
            self.assertEqual(run(*self.words("serve", [])).returncode, UNAVAILABLE)
            for verb, (good, _) in VERBS.items():
                if verb.split()[0] not in OF_THE_STORE or good is None:
                    continue
                with self.subTest(damage=damage, verb=verb):
                    done = run(*self.words(verb, good), "--json")
                    self.refused(done, UNAVAILABLE)
                    self.assertIn(str(self.store()), done.stderr)
                    self.assertRegex(done.stderr, "store verify|restore")

    def test_4_a_running_server_names_it_too(self):
        """What a server finds damaged while it runs ends the verb that met it, and nothing else."""
        database = self.store() / "posthorn.db"
        self.posthorn.stop()
        database.write_bytes(getattr(self, "whole", None) or database.read_bytes())
        for log in ("-wal", "-shm"):
            Path(f"{database}{log}").unlink(missing_ok=True)
        with closing(sqlite3.connect(database)) as store:
            size = store.execute("PRAGMA page_size").fetchone()[0]
            pages = [row[0] for row in store.execute("SELECT pageno FROM dbstat WHERE name IN ('emails', 'email_data')")]
        torn = bytearray(database.read_bytes())
        for page in pages:
            torn[(page - 1) * size:page * size] = b"\xff" * size
        database.write_bytes(torn)
        self.posthorn.serve()
        self.addCleanup(self.posthorn.stop)
        for _ in range(2):
            done = run(*self.words("message list", [BOB]), "--json")
            self.refused(done, UNAVAILABLE)
            self.assertIn(str(self.store()), done.stderr)
            self.assertRegex(done.stderr, "store verify")
            self.assertEqual(run(*self.words("account list", []), "--json").returncode, DONE, "the others answer")

    def store(self):
        return Path(re.search(r'dir = "([^"]+store)"', self.posthorn.config.read_text())[1])


if __name__ == "__main__":
    cases.main()
