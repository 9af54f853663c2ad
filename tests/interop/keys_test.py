"""DKIM from the outside: the demo shows it, other people's verifiers agree, keys change while mail flows, and a server whose
sealing key is gone says so and goes on."""
import json
import re
import subprocess
import sys
import unittest

from bed import BOB, DOMAIN, Bed
import cases
from jail import wait_until
from posthorn import BINARY
from unpack import Unavailable, environment, unpacked

LETTER = (f"From: Ann <ann@{DOMAIN}>\r\nTo: {BOB}\r\nSubject: {{}}\r\nDate: Thu, 24 Dec 2026 08:00:00 +0000\r\n\r\n"
          "Hello,  Bob. \r\n\r\n\r\n")

DKIMPY = r"""
import json, sys
import dkim
records = {name.rstrip("."): text.encode() for name, text in json.loads(sys.argv[1]).items()}
verifier = dkim.DKIM(sys.stdin.buffer.read())
for index in range(int(sys.argv[2])):
    assert verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: records.get(name.decode().rstrip("."))), index
print("good")
"""


def selectors(message):
    return sorted(re.findall(r"[\s;]s=([0-9a-z]+);", message.decode()))


class Demo(unittest.TestCase):
    def test_a_letter_arrives_signed_and_a_forged_one_is_refused(self):
        done = subprocess.run([BINARY, "demo", "--once", "--forge", "--json"], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertTrue(told["delivered"])
        steps = [step["what"] for step in told["alpha"]["steps"]]
        self.assertIn("signed with DKIM", steps)
        whole = json.dumps(told["beta"]["steps"])
        for wanted in ("SPF pass", "DKIM pass", "DMARC pass"):
            self.assertIn(wanted, whole)
        self.assertTrue(told["forged"]["refused"])
        self.assertRegex(told["forged"]["reply"], r"^550 5\.7\.1 .*DMARC.*alpha\.example")
        self.assertIn("DMARC fail", json.dumps(told["forged_story"]["steps"]))


class Keys(unittest.TestCase):
    def setUp(self):
        self.bed = Bed(0)
        self.posthorn = self.bed.open()
        self.addCleanup(self.bed.close)

    def send(self, subject):
        """Ann writes to Bob; the octets that Bob has."""
        before = len(self.posthorn.listed(BOB))
        with self.bed.login() as client:
            client.sendmail(f"ann@{DOMAIN}", [BOB], LETTER.format(subject))
        return self.posthorn.wait_for_messages(BOB, before + 1)[-1] if before == 0 else self.newest(before + 1, subject)

    def newest(self, count, subject):
        return next(m for m in self.posthorn.wait_for_messages(BOB, count) if f"Subject: {subject}\n".encode() in m)

    def records(self):
        return {key["record"]["name"]: key["record"]["text"] for key in self.posthorn.json("domain", "keys", DOMAIN)}

    def states(self):
        return {key["selector"]: key["state"] for key in self.posthorn.json("domain", "keys", DOMAIN)}

    def publish(self):
        """Every record of the keys into the zone file, long ones in several strings."""
        zone = self.posthorn.folder / "keys.zone"
        lines = [f'{key["record"]["name"]}. 60 IN TXT {key["record"]["data"]}' for key in self.posthorn.json("domain", "keys", DOMAIN)]
        zone.write_text("\n".join(lines) + "\n")
        return f"zone:{zone}"

    def test_dkimpy_agrees_with_what_we_sign(self):
        message = self.send("signed")
        self.assertEqual(len(selectors(message)), 2)
        try:
            folder = unpacked("dkimpy")
        except Unavailable as reason:
            self.skipTest(str(reason))
        packages = str(folder / "usr/lib/python3/dist-packages")
        done = subprocess.run([sys.executable, "-c", DKIMPY, json.dumps(self.records()), "2"], input=message.replace(b"\n", b"\r\n"),
                              capture_output=True, env={**environment(folder), "PYTHONPATH": packages}, timeout=60)
        self.assertEqual(done.stdout.decode().strip(), "good", done.stderr.decode())

    def test_quickstart_names_the_records_that_its_keys_want(self):
        told = {record["name"]: "".join(re.findall(r'"([^"]*)"', record["data"])) for record in self.posthorn.made["records"]
                if record["type"] == "TXT"}
        for name, text in self.records().items():
            self.assertEqual(told[name], text)
        self.assertIn(f"_dmarc.{DOMAIN}", told)

    def test_keys_change_while_mail_flows(self):
        old = set(self.states())
        self.assertEqual(set(selectors(self.send("before"))), old)
        made = self.posthorn.json("domain", "rotate", DOMAIN)
        new = {key["selector"] for key in made}
        self.assertEqual(self.posthorn.run("domain", "rotate", DOMAIN).returncode, 1, "two rotations at a time")
        empty = self.posthorn.folder / "empty.zone"
        empty.write_text("\n")
        self.posthorn.ok("domain", "advance", DOMAIN, "--dns", f"zone:{empty}")
        self.assertEqual({self.states()[selector] for selector in new}, {"made"})
        zone = self.publish()
        self.posthorn.ok("domain", "advance", DOMAIN, "--dns", zone)
        self.assertEqual({self.states()[selector] for selector in new}, {"published"})
        self.assertEqual(set(selectors(self.send("between"))), old)
        later = str(int(subprocess.run(["date", "+%s"], capture_output=True, text=True).stdout) + 3700)
        self.posthorn.ok("domain", "advance", DOMAIN, "--dns", zone, "--now", later)
        self.assertEqual({self.states()[selector] for selector in new}, {"signing"})
        self.assertEqual({self.states()[selector] for selector in old}, {"retiring"})
        self.assertEqual(set(selectors(self.send("after"))), new)
        revoked = self.posthorn.json("domain", "revoke", DOMAIN, sorted(new)[0])
        self.assertEqual(revoked["record"]["text"], "v=DKIM1; p=")
        self.assertEqual(selectors(self.send("once")), sorted(new)[1:])

    def test_a_new_domain_has_keys_that_wait_for_their_records(self):
        added = self.posthorn.json("domain", "add", "two.example")
        self.assertEqual([key["state"] for key in added["keys"]], ["made", "made"])
        self.assertEqual(self.posthorn.json("domain", "show", "two.example")["keys"], added["keys"])
        for key in added["keys"]:
            done = self.posthorn.run("parse", "record", "--type", "dkim-key", key["record"]["text"], config=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(all(len(part) <= 255 for part in key["record"]["strings"]))

    def test_without_its_sealing_key_the_server_says_so_and_goes_on(self):
        sealing = self.posthorn.config.parent / "sealing.key"
        self.assertEqual(sealing.stat().st_mode & 0o777, 0o600)
        aside = sealing.rename(sealing.with_suffix(".aside"))
        self.posthorn.restart()
        self.assertIn("sealing.key", self.posthorn.log())
        self.assertEqual(selectors(self.send("unsigned")), [])
        self.assertIn("not signed", json.dumps(self.posthorn.json("message", "trace", BOB)))
        aside.rename(sealing)
        self.posthorn.restart()
        self.assertEqual(len(selectors(self.send("signed again"))), 2)
        store = self.posthorn.config.parent / "store"
        for file in store.rglob("*"):
            if file.is_file():
                self.assertNotIn(b"PRIVATE KEY", file.read_bytes(), f"{file.name} holds an open key")


if __name__ == "__main__":
    cases.main()
