"""Mail fetched over POP3 by programs that exist, and mail that comes and goes as files: poplib, fetchmail, getmail;
mailbox import, export and undelete.
"""
import mailbox
import poplib
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

import bed  # noqa: F401  (finds `cases` too)
import cases
import unpack
from posthorn import BINARY, Posthorn
from unpack import Unavailable

DOMAIN = "posthorn.example"
BOB = f"bob@{DOMAIN}"
SECRET = "correct horse battery"


def letter(number, body="Hello."):
    return (f"From: ann@far.example\r\nTo: {BOB}\r\nSubject: letter {number}\r\nMessage-ID: <{number}@far.example>\r\n"
            f"Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n\r\n{body}\r\n").encode()


def write_mbox(path, octets):
    with open(path, "wb") as file:
        for message in octets:
            text = message.replace(b"\r\n", b"\n")
            text = b"\n".join(b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in text.split(b"\n"))
            file.write(b"From ann@far.example Mon Sep 21 14:13:20 2026\n" + text + b"\n")


class _Server(unittest.TestCase):
    """A server whose account bob has what `give` imported."""

    @classmethod
    def setUpClass(cls):
        if not BINARY.exists():
            raise unittest.SkipTest(f"{BINARY} is not built")
        cls.posthorn = Posthorn(DOMAIN, accounts={"bob": SECRET, "carol": SECRET}, listen=("pop3", "pop3s", "smtp")).__enter__()
        cls.context = ssl.create_default_context()
        cls.context.check_hostname = False
        cls.context.verify_mode = ssl.CERT_NONE

    @classmethod
    def tearDownClass(cls):
        cls.posthorn.__exit__()

    def give(self, account, octets, mailbox="INBOX"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "mail.mbox"
            write_mbox(path, octets)
            return self.posthorn.json("mailbox", "import", account, path, "--mailbox", mailbox)

    def empty(self, account):
        session = self.pop(account)
        for number in range(1, session.stat()[0] + 1):
            session.dele(number)
        session.quit()

    def pop(self, account=BOB):
        session = poplib.POP3_SSL(self.posthorn.address, self.posthorn.port("pop3s"), context=self.context)
        session.user(account)
        session.pass_(SECRET)
        return session


class Pop3(_Server):
    def setUp(self):
        self.empty(BOB)
        self.letters = [letter(number, f".dot {number}\r\n..\r\nFrom here") for number in range(1, 6)]
        self.give(BOB, self.letters)

    def test_retrieved_octets_are_as_many_as_listed(self):
        session = self.pop()
        _, listed, _ = session.list()
        self.assertEqual(len(listed), 5)
        for line, sent in zip(listed, self.letters):
            number, size = map(int, line.split())
            lines = session.retr(number)[1]
            octets = b"".join(line + b"\r\n" for line in lines)
            self.assertEqual(octets, sent)
            self.assertEqual(len(octets), size)
        self.assertEqual(session.stat(), (5, sum(map(len, self.letters))))
        self.assertEqual(session.top(2, 1)[1][-1], b".dot 2")
        session.quit()

    def test_unique_ids_stay_over_a_restart_and_a_drop_deletes_nothing(self):
        session = self.pop()
        before = session.uidl()[1]
        session.dele(1)
        session.close()  # without QUIT
        self.posthorn.restart()
        session = self.pop()
        self.assertEqual(session.uidl()[1], before)
        session.dele(2)
        session.quit()
        session = self.pop()
        self.assertEqual([line.split()[1] for line in session.uidl()[1]],
                         [line.split()[1] for number, line in enumerate(before) if number != 1])
        session.quit()

    def test_one_session_a_maildrop_and_what_arrives_meanwhile_is_the_next_ones(self):
        session = self.pop()
        with self.assertRaises(poplib.error_proto) as caught:
            self.pop()
        self.assertIn(b"[IN-USE]", caught.exception.args[0])
        self.give(BOB, [letter(99)])
        self.assertEqual(session.stat()[0], 5)
        session.quit()
        session = self.pop()
        self.assertEqual(session.stat()[0], 6)
        session.quit()

    def test_stls_and_no_password_in_clear(self):
        session = poplib.POP3(self.posthorn.address, self.posthorn.port("pop3"))
        capabilities = session.capa()
        self.assertIn("STLS", capabilities)
        self.assertNotIn("SASL", capabilities)
        with self.assertRaises(poplib.error_proto):
            session.user(BOB)
        session.stls(context=self.context)
        self.assertIn("PLAIN", session.capa()["SASL"])
        session.user(BOB)
        session.pass_(SECRET)
        self.assertEqual(session.stat()[0], 5)
        session.quit()

    def test_a_wrong_password_sounds_like_an_unknown_user(self):
        words = []
        for user, secret in ((BOB, "wrong"), ("nobody@" + DOMAIN, SECRET)):
            session = poplib.POP3_SSL(self.posthorn.address, self.posthorn.port("pop3s"), context=self.context)
            session.user(user)
            with self.assertRaises(poplib.error_proto) as caught:
                session.pass_(secret)
            words.append(caught.exception.args[0])
            session.close()
        self.assertEqual(words[0], words[1])
        self.assertIn(b"[AUTH]", words[0])

    def test_pipelined_commands_in_one_packet(self):
        raw = socket.create_connection((self.posthorn.address, self.posthorn.port("pop3s")), 10)
        with self.context.wrap_socket(raw) as stream:
            stream.sendall(f"USER {BOB}\r\nPASS {SECRET}\r\nSTAT\r\nUIDL\r\nNOOP\r\nQUIT\r\n".encode())
            answer = b""
            while piece := stream.recv(65536):
                answer += piece
        lines = answer.split(b"\r\n")
        self.assertTrue(all(line.startswith((b"+OK", b".")) or line[:1].isdigit() for line in lines if line), answer)
        self.assertEqual(lines[-2], b"+OK Goodbye")


class Fetchers(_Server):
    """Programs from Debian's packages, unpacked into the build folder."""

    def setUp(self):
        self.empty(BOB)
        self.letters = [letter(number) for number in range(1, 4)]
        self.give(BOB, self.letters)
        self.folder = Path(tempfile.mkdtemp(prefix="posthorn-fetch-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def program(self, peer, path):
        try:
            root = unpack.unpacked(peer)
        except Unavailable as reason:
            self.skipTest(str(reason))
        return root / path, unpack.environment(root)

    def test_fetchmail(self):
        program, environment = self.program("fetchmail", "usr/bin/fetchmail")
        into = self.folder / "mail.mbox"
        rc = self.folder / "fetchmailrc"
        rc.write_text(f"poll {self.posthorn.address} protocol POP3 port {self.posthorn.port('pop3s')} uidl\n"
                      f"  username \"{BOB}\" password \"{SECRET}\" ssl sslproto \"TLS1.2+\" no sslcertck keep\n"
                      f"  mda \"/bin/sh -c 'cat >> {into}; echo >> {into}'\"\n")
        rc.chmod(0o600)
        command = [str(program), "-f", str(rc), "--idfile", str(self.folder / "ids"), "--pidfile", str(self.folder / "pid"), "--nodetach", "--nosyslog"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment | {"HOME": str(self.folder)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for number in range(1, 4):
            self.assertIn(f"Subject: letter {number}", into.read_text())
        again = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment | {"HOME": str(self.folder)})
        self.assertEqual(again.returncode, 1, "nothing new: its exit status 1")

    def test_getmail(self):
        program, environment = self.program("getmail", "usr/bin/getmail")
        maildir = self.folder / "Maildir"
        for part in ("cur", "new", "tmp"):
            (maildir / part).mkdir(parents=True)
        (self.folder / "getmailrc").write_text(
            f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = {self.posthorn.address}\nport = {self.posthorn.port('pop3s')}\n"
            f"username = {BOB}\npassword = {SECRET}\n[destination]\ntype = MDA_external\npath = /bin/sh\n"
            f"arguments = (\"-c\", \"cat > {maildir}/new/$$\")\nallow_root_commands = true\n"
            "[options]\ndelete = true\nread_all = false\ndelivered_to = false\nreceived = false\n")
        environment = environment | {"HOME": str(self.folder)}
        packages = program.parents[2] / "usr" / "lib" / "python3" / "dist-packages"
        environment["PYTHONPATH"] = str(packages)
        done = subprocess.run(["/usr/bin/python3", str(program), "--getmaildir", str(self.folder), "--rcfile", "getmailrc"],
                              capture_output=True, text=True, timeout=60, env=environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(len(list((maildir / "new").iterdir())), 3, done.stdout)
        session = self.pop()
        self.assertEqual(session.stat()[0], 0, "it has deleted what it took")
        session.quit()


class Files(_Server):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="posthorn-files-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.account = f"{self._testMethodName.replace('_', '')}@{DOMAIN}"
        self.posthorn.ok("account", "add", self.account, "--password-file", self.posthorn.secret_file(SECRET))

    def contents(self, account):
        """Every mailbox with its messages: octets, flags, arrival."""
        found = {}
        for row in self.posthorn.json("mailbox", "list", account):
            messages = self.posthorn.json("message", "list", account, "--mailbox", row["mailbox"])
            if messages:
                found[row["mailbox"]] = [(subprocess.run([str(BINARY), "message", "show", m["id"], "--config", str(self.posthorn.config)],
                                                         capture_output=True).stdout, sorted(m["flags"]), m["received"]) for m in messages]
        return found

    def maildir(self):
        """As Python's own library writes it, with folders, flags and keywords."""
        root = mailbox.Maildir(self.folder / "Maildir", create=True)
        for number in range(1, 4):
            message = mailbox.MaildirMessage(letter(number).replace(b"\r\n", b"\n"))
            message.set_flags("SF" if number == 1 else "R" if number == 2 else "")
            message.set_subdir("cur")
            message.set_date(1790000000 + number)
            root.add(message)
        work = root.add_folder("Work.2026")
        message = mailbox.MaildirMessage(letter(4).replace(b"\r\n", b"\n"))
        message.set_flags("Sab")
        message.set_subdir("cur")
        work.add(message)
        (self.folder / "Maildir" / ".Work.2026" / "dovecot-keywords").write_text("0 $Forwarded\n1 later\n")
        return self.folder / "Maildir"

    def test_maildir_in_and_out_both_ways(self):
        self.posthorn.ok("mailbox", "import", self.account, self.maildir())
        before = self.contents(self.account)
        self.assertEqual(sorted(before), ["INBOX", "Work/2026"])
        self.assertIn("\\Flagged", [flag for _, flags, _ in before["INBOX"] for flag in flags])
        self.assertEqual(before["Work/2026"][0][1], sorted(["\\Seen", "$Forwarded", "later"]))
        for form in ("maildir", "mbox"):
            with self.subTest(form=form):
                other = f"back{form}@{DOMAIN}"
                self.posthorn.ok("account", "add", other, "--password-file", self.posthorn.secret_file(SECRET))
                done = self.posthorn.json("mailbox", "export", self.account, self.folder / form, "--format", form)
                self.assertEqual(done["messages"], 4)
                self.posthorn.ok("mailbox", "import", other, self.folder / form)
                after = self.contents(other)
                self.assertEqual({name: sorted(mails) for name, mails in after.items()},
                                 {name: sorted(mails) for name, mails in before.items()})

    def test_what_is_exported_others_can_read(self):
        self.give(self.account, [letter(1, "From here\r\n>From there"), letter(2)])
        self.posthorn.ok("mailbox", "export", self.account, self.folder / "out", "--format", "mbox", "--mailbox", "INBOX")
        read = mailbox.mbox(self.folder / "out" / "INBOX.mbox")
        self.assertEqual([m["Subject"] for m in read], ["letter 1", "letter 2"])
        self.posthorn.ok("mailbox", "export", self.account, self.folder / "dir", "--mailbox", "INBOX")
        self.assertEqual(sorted(m["Subject"] for m in mailbox.Maildir(self.folder / "dir")), ["letter 1", "letter 2"])

    def test_an_import_that_was_cut_goes_on_and_takes_nothing_twice(self):
        path = self.folder / "many.mbox"
        letters = [letter(number, "x" * 20000) for number in range(1, 801)]
        write_mbox(path, letters)
        command = [str(BINARY), "mailbox", "import", self.account, str(path), "--config", str(self.posthorn.config)]
        cut = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while cut.poll() is None:
            listed = next((row for row in self.posthorn.json("mailbox", "list", self.account) if row["mailbox"] == "INBOX"), {"messages": 0})
            if listed["messages"]:
                cut.kill()
                cut.wait()
        self.posthorn.ok("mailbox", "import", self.account, path)
        subjects = [row["subject"] for row in self.posthorn.json("message", "list", self.account)]
        self.assertEqual(subjects, [f"letter {number}" for number in range(1, 801)])

    def test_an_import_again_takes_only_what_is_new_there(self):
        root = self.maildir()
        first = self.posthorn.json("mailbox", "import", self.account, root)
        self.assertEqual((first["messages"], first["taken_before"]), (4, 0))
        before = self.contents(self.account)
        again = self.posthorn.json("mailbox", "import", self.account, root)
        self.assertEqual((again["messages"], again["taken_before"]), (0, 4))
        self.assertEqual(self.contents(self.account), before)
        # The old program has read one, which gives its file another name, and got two: one of them a copy of the first.
        for path in (root / "cur").iterdir():
            if path.name.endswith(":2,"):
                path.rename(str(path) + "S")
        box = mailbox.Maildir(root)
        for number in (1, 5):
            box.add(mailbox.MaildirMessage(letter(number).replace(b"\r\n", b"\n")))
        third = self.posthorn.json("mailbox", "import", self.account, root)
        self.assertEqual((third["messages"], third["taken_before"]), (2, 4))
        everything = self.posthorn.run("mailbox", "import", self.account, root, "--again")
        self.assertIn("6 messages imported", everything.stdout)
        self.assertEqual(len(self.posthorn.json("message", "list", self.account)), 3 + 2 + 5)
        self.assertEqual(self.posthorn.json("mailbox", "import", self.account, root)["taken_before"], 6)

    def test_an_mbox_whose_flags_changed_is_the_same_and_a_mailbox_made_anew_is_not(self):
        path = self.folder / "old.mbox"
        write_mbox(path, [letter(1), letter(1), letter(2)])
        into = ("mailbox", "import", self.account, path, "--mailbox", "Old")
        self.assertEqual(self.posthorn.json(*into)["messages"], 3)
        write_mbox(path, [letter(2), letter(1).replace(b"Subject", b"Status: RO\r\nX-UID: 3\r\nSubject"), letter(1), letter(1)])
        again = self.posthorn.json(*into)
        self.assertEqual((again["messages"], again["taken_before"]), (1, 3))
        said = self.posthorn.run("mailbox", "import", self.account, path, "--mailbox", "Old")
        self.assertIn("4 were left out", said.stdout)
        self.posthorn.ok("account", "remove", self.account)
        self.posthorn.ok("account", "add", self.account, "--password-file", self.posthorn.secret_file(SECRET))
        self.assertEqual(self.posthorn.json(*into)["messages"], 4)

    def test_wrong_sources_are_named(self):
        bad = self.folder / "bad"
        bad.write_text("Subject: no mbox\n\nx\n")
        done = self.posthorn.run("mailbox", "import", self.account, bad)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("no mbox file", done.stderr)
        self.assertEqual(self.posthorn.run("mailbox", "import", self.account, self.folder / "nothing").returncode, 2)
        good = self.folder / "good"
        write_mbox(good, [letter(1)])
        self.assertEqual(self.posthorn.run("mailbox", "import", "nobody@" + DOMAIN, good).returncode, 1)
        self.assertEqual(self.posthorn.run("mailbox", "export", self.account, self.folder / "x", "--mailbox", "No").returncode, 1)

    def test_expunged_mail_comes_back(self):
        self.give(BOB, [letter(1), letter(2)])
        before = self.posthorn.json("message", "list", BOB)
        self.empty(BOB)
        self.assertEqual(self.posthorn.json("message", "list", BOB), [])
        listed = self.posthorn.json("mailbox", "undelete", BOB, "--list")
        self.assertEqual(sorted(m["id"] for m in listed), sorted(m["id"] for m in before))
        self.posthorn.ok("mailbox", "undelete", BOB, before[0]["id"])
        self.assertEqual([m["id"] for m in self.posthorn.json("message", "list", BOB)], [before[0]["id"]])
        self.posthorn.ok("mailbox", "undelete", BOB, "--since", "1h")
        self.assertEqual(sorted(m["id"] for m in self.posthorn.json("message", "list", BOB)), sorted(m["id"] for m in before))
        self.assertEqual(self.posthorn.run("mailbox", "undelete", BOB, before[0]["id"]).returncode, 1, "it is back already")
        self.assertEqual(self.posthorn.run("mailbox", "undelete", BOB, "--since", "yesterday").returncode, 2)


if __name__ == "__main__":
    cases.main()
