"""The command line, and a server's life: exit statuses, help, offline and online administration, reload, backup,
restore, and the finding of damage.
"""
import json
import re
import shutil
import signal
import subprocess
import sys
import unittest
import urllib.request
from pathlib import Path

import bed  # noqa: F401  (finds `cases` too)
import cases
from bed import ANN, BOB, DOMAIN, PASSWORDS, Bed, note
from clients import Wire
from jail import wait_until
from posthorn import BINARY
from unpack import ROOT, Unavailable


def posthorn(*words):
    return subprocess.run([str(BINARY), *words], capture_output=True, text=True, timeout=60)


def prometheus(text):
    """The samples of an exposition (Prometheus text format 0.0.4), each line of which must follow the grammar."""
    families, samples = {}, {}
    for line in text.removesuffix("\n").split("\n"):
        if said := re.fullmatch(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)", line):
            family = families.setdefault(said[2], {})
            assert said[1] not in family, line
            family[said[1]] = said[3]
            continue
        name, labels, value = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)", line).groups()
        assert re.fullmatch(r'([a-zA-Z_]\w*="([^"\\\n]|\\["\\n])*",?)*', labels or ""), line
        family = families.get(name) or families[re.sub(r"_(bucket|sum|count)$", "", name)]
        assert family.keys() == {"HELP", "TYPE"} and family["TYPE"] in ("counter", "gauge", "histogram"), line
        assert (family["TYPE"] == "counter") == name.endswith("_total"), line
        key = line[:line.rindex(" ")]
        assert key not in samples, line
        samples[key] = float(value)
    return samples


@unittest.skipUnless(BINARY.exists(), f"{BINARY} is not built")
class CommandLine(unittest.TestCase):
    def test_reference_pages_are_current(self):
        done = subprocess.run([sys.executable, str(ROOT / "docs" / "operator" / "generate.py"), "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def verbs(self):
        """Every verb that help names: lines that begin with two blanks and a word."""
        found = re.findall(r"(?m)^  ((?:[a-z][a-z0-9-]+ ?)+?)(?: [A-Z\[-]|  |$)", posthorn("help").stdout)
        return sorted({verb.strip() for verb in found if not verb.startswith("posthorn")})

    def test_version(self):
        done = posthorn("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^posthorn \d+\.\d+\.\d+")

    def test_every_verb_teaches(self):
        verbs = self.verbs()
        for wanted in ("serve", "quickstart", "demo"):
            self.assertIn(wanted, verbs)
        for verb in verbs:
            with self.subTest(verb=verb):
                done = posthorn("help", *verb.split())
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertGreater(len(done.stdout.splitlines()), 2, done.stdout)

    def commands_told(self, verbs):
        """Every command that a page shows: where, its words and its verb."""
        pages = {path.name: path.read_text() for path in [*ROOT.glob("docs/operator/*.md"), ROOT / "README.md"]}
        for name, text in pages.items():
            shown = re.findall(r"(?m)^\s*(?:build/release/|\./run )?posthorn ([a-z].*)$", text) + re.findall(r"`(?:posthorn|\./run) ([a-z][^`]*)`", text)
            for words in shown:
                words = re.split(r" [|&>#;] ?|\s#| {3,}", words)[0].replace("\\|", "|").split()
                yield name, words, next((verb for verb in sorted(verbs, key=len, reverse=True) if words[:len(verb.split())] == verb.split()), None)

    def test_every_command_that_is_told_exists(self):
        helps, count, verbs = {}, 0, self.verbs()
        nouns = {verb.split()[0] for verb in verbs}
        for page, words, verb in self.commands_told(verbs):
            count += 1
            with self.subTest(page=page, command=" ".join(words)):
                speaks_of_several = "|" in "".join(words[:2]) or (len(words) == 1 and words[0] in nouns)
                if words[0] == "help" or speaks_of_several:
                    continue
                self.assertIsNotNone(verb, "there is no such verb")
                helps.setdefault(verb, posthorn("help", *verb.split()).stdout)
                for option in (word for word in words if word.startswith("--")):
                    self.assertRegex(helps[verb], rf"(?m)^ *{re.escape(option)}\b", f"{verb} has no such option")
        self.assertGreater(count, 100)

    def test_wrong_use_is_2_and_says_what_to_do(self):
        for words in (["no-such-verb"], ["serve", "--no-such-option"], ["message", "show"], ["serve"]):
            with self.subTest(words=words):
                done = posthorn(*words)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertRegex(done.stderr, r"^posthorn: ")
                self.assertEqual(done.stdout, "")


class Site(unittest.TestCase):
    def setUp(self):
        self.bed = Bed(0)
        try:
            self.posthorn = self.bed.open(listen=("smtp", "submission", "submissions", "metrics"))
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(self.bed.close)

    def deliver(self, mark, body="hello\r\n", recipient=BOB):
        """Returns the id that the peer is told."""
        with Wire(self.posthorn.address, self.posthorn.port("smtp")) as wire:
            wire.say("EHLO client.example")
            wire.say("MAIL FROM:<stranger@elsewhere.example>")
            self.assertRegex(wire.say(f"RCPT TO:<{recipient}>"), "^250")
            wire.say("DATA")
            reply = wire.say(note("stranger@elsewhere.example", recipient, f"{mark}@test", body) + ".")
        self.assertRegex(reply, "^250 .* as [0-9a-z]+")
        return reply.split()[-1]

    def test_the_id_that_the_peer_was_told_shows_the_message(self):
        told = self.deliver("told")
        self.assertIn(b"told@test", self.posthorn.octets(told))

    def test_restoring_from_a_folder_without_a_backup_is_status_2(self):
        self.posthorn.stop()
        done = self.posthorn.run("restore", str(self.posthorn.folder / "nothing"))
        self.assertEqual(done.returncode, 2, done.stderr)

    def test_a_file_with_a_lone_cr_is_not_sent(self):
        done = self.posthorn.run("message", "send", "--from", BOB, "--to", BOB, "-", stdin="Subject: x\n\nbare\rcr\n")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("CR that is not followed by LF", done.stderr)

    def test_orderly_end_is_status_0(self):
        self.assertEqual(self.posthorn.stop(), 0)

    def test_reading_commands_answer_one_json_document(self):
        self.deliver("json")
        for words in (["account", "list"], ["domain", "list"], ["address", "list"], ["group", "list"], ["queue", "list"], ["login", "list"],
                      ["message", "list", BOB], ["mailbox", "list", BOB], ["account", "show", BOB], ["message", "trace", "json@test"]):
            with self.subTest(words=words):
                self.assertTrue(isinstance(self.posthorn.json(*words), (list, dict)))

    def test_not_found_is_status_1(self):
        for words in (["message", "show", "0"], ["message", "trace", "nothing@test"], ["account", "show", f"nobody@{DOMAIN}"],
                      ["queue", "show", "0"], ["message", "list", f"nobody@{DOMAIN}"]):
            with self.subTest(words=words):
                done = self.posthorn.run(*words)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertRegex(done.stderr, r"^posthorn: ")

    def test_a_second_server_is_refused(self):
        done = self.posthorn.run("serve")
        self.assertEqual(done.returncode, 3, done.stderr)

    def test_administration_while_running_and_when_not(self):
        self.posthorn.ok("address", "add", f"sales@{DOMAIN}", "--to", BOB)
        self.deliver("alias", recipient=f"sales@{DOMAIN}")
        self.posthorn.stop()
        self.posthorn.ok("account", "add", f"cy@{DOMAIN}", "--password-file", self.posthorn.secret_file("cy's pass phrase"))
        self.assertIn("alias@test", json.dumps(self.posthorn.listed(BOB)))
        self.posthorn.serve()
        self.deliver("made-offline", recipient=f"cy@{DOMAIN}")
        self.assertEqual(len(self.posthorn.listed(f"cy@{DOMAIN}")), 1)

    def test_reload_takes_what_changed(self):
        text = self.posthorn.config.read_text()
        self.posthorn.config.write_text(re.sub(r"(?m)^message_size = .*\n", "", text) + "\n[limits]\nmessage_size = 70000\n" if "[limits]" not in text
                                        else text.replace("[limits]", "[limits]\nmessage_size = 70000"))
        self.posthorn.process.signal(signal.SIGHUP)

        def size_told():
            with Wire(self.posthorn.address, self.posthorn.port("smtp")) as wire:
                return "SIZE 70000" in wire.say("EHLO client.example")
        wait_until(size_told, 10, lambda: self.posthorn.process.tail())

    def test_faulty_configuration_names_file_line_and_key(self):
        self.posthorn.stop()
        text = self.posthorn.config.read_text()
        self.posthorn.config.write_text(text + "\n[relai]\nmx_port = 25\n")
        done = self.posthorn.run("config", "check")
        self.assertEqual(done.returncode, 1, done.stderr + done.stdout)
        self.assertRegex(done.stderr + done.stdout, rf"{re.escape(str(self.posthorn.config))}:\d+.*relai")
        self.assertNotEqual(self.posthorn.run("serve").returncode, 0)

    def test_a_running_server_is_asked_though_the_file_has_faults(self):
        mail = self.deliver("known")
        whole = self.posthorn.config.read_text()
        for fault in ("\n[relai]\nmx_port = 25\n", "\n[limits\n"):
            self.posthorn.config.write_text(whole + fault)
            with self.subTest(fault=fault):
                done = self.posthorn.run("message", "trace", mail, "--json")
                self.assertEqual((done.returncode, json.loads(done.stdout)["id"]), (0, mail), done.stderr)
                self.assertRegex(done.stderr, rf"^posthorn: {re.escape(str(self.posthorn.config))}:\d+: .*goes by what it read before")
                self.assertEqual(self.posthorn.run("reload").returncode, 2)
        self.posthorn.stop()
        self.assertEqual(self.posthorn.run("queue", "list").returncode, 2)

    def test_the_session_of_a_log_line_leads_to_its_mail(self):
        with Wire(self.posthorn.address, self.posthorn.port("smtp")) as wire:
            session = wire.greeting.split()[-1]
            wire.say("EHLO client.example")
            wire.say("MAIL FROM:<stranger@elsewhere.example>")
            refusal = wire.say(f"RCPT TO:<nobody@{DOMAIN}>")
        wait_until(lambda: self.posthorn.run("message", "trace", session).returncode == 0, 10, "a story of the session")
        found = json.loads(self.posthorn.ok("message", "trace", session, "--json"))
        self.assertIn(f"({found['id']})", refusal)

    def test_store_migrate_while_the_server_runs(self):
        told = json.loads(self.posthorn.ok("store", "migrate", "--json"))
        self.assertEqual(told["from"], told["to"])

    def test_metrics(self):
        self.deliver("counted")
        url = f"http://{self.posthorn.address}:{self.posthorn.port('metrics')}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read().decode()
        samples = prometheus(text)
        self.assertEqual(samples['posthorn_reception_messages_total{outcome="accepted"}'], 1)

    def test_the_id_of_a_stored_copy_leads_to_its_story(self):
        self.deliver("copy")
        self.assertIn("copy@test", self.posthorn.ok("message", "trace", self.posthorn.listed(BOB)[0]["id"]))

    def test_message_send(self):
        file = self.posthorn.folder / "note.eml"
        file.write_text(note(ANN, BOB, "sent-by-hand@test").replace("\r\n", "\n"))
        self.posthorn.ok("message", "send", "--from", ANN, "--to", BOB, file)
        self.posthorn.wait_for_messages(BOB, 1)

    def test_refused_mail_has_a_story(self):
        with Wire(self.posthorn.address, self.posthorn.port("smtp")) as wire:
            wire.say("EHLO client.example")
            wire.say("MAIL FROM:<stranger@elsewhere.example>")
            wire.say(f"RCPT TO:<nobody@{DOMAIN}>")
        wait_until(lambda: self.posthorn.run("message", "trace", f"nobody@{DOMAIN}").returncode == 0, 10, "a story of the refusal")
        self.assertIn("refused", self.posthorn.ok("message", "trace", f"nobody@{DOMAIN}", "--json"))

    def test_backup_while_running_and_restore(self):
        for number in range(30):
            self.deliver(f"kept-{number}", "x" * 60 + "\r\n" + ("y" * 70 + "\r\n") * (number * 40))
        target = self.posthorn.folder / "backup"
        self.posthorn.ok("backup", target)
        self.deliver("after-the-backup")
        self.posthorn.stop()
        store = self.posthorn.config.parent / "store"
        store = store if store.exists() else Path(re.search(r'dir = "([^"]+)"', self.posthorn.config.read_text())[1])
        before = {row["message_id"] for row in self.posthorn.listed(BOB)}
        shutil.rmtree(store)
        self.posthorn.ok("restore", target)
        self.posthorn.ok("store", "verify")
        after = {row["message_id"] for row in self.posthorn.listed(BOB)}
        self.assertEqual(before - after, {"after-the-backup@test"})
        self.assertEqual(len(after), 30)

    def test_damage_is_found(self):
        for number in range(5):
            self.deliver(f"large-{number}", ("z" * 70 + "\r\n") * 1000)
        self.posthorn.stop()
        self.assertEqual(self.posthorn.run("store", "verify").returncode, 0)
        segments = [path for path in self.posthorn.config.parent.rglob("*") if path.is_file() and b"zzzzzzzz" in path.read_bytes()[:400_000]]
        octets = bytearray(segments[0].read_bytes())
        at = octets.index(b"zzzzzzzz")
        octets[at] ^= 1
        segments[0].write_bytes(octets)
        done = self.posthorn.run("store", "verify", "--json")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)

    def test_passwords_can_be_changed(self):
        self.posthorn.ok("account", "set", ANN, "--password-file", self.posthorn.secret_file("a new pass phrase"))
        with self.bed.login("ann", "a new pass phrase"):
            pass
        with self.assertRaises(Exception):
            self.bed.login("ann", PASSWORDS["ann"])


if __name__ == "__main__":
    cases.main()
