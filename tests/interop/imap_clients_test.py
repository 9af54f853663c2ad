"""Real IMAP clients: mbsync in both directions, OfflineIMAP, fetchmail, getmail, neomutt, curl, Python's imaplib."""
import hashlib
import imaplib
import os
import ssl
import tempfile
import tomllib
import unittest
from pathlib import Path

import bed  # noqa: F401  (puts tests/ on the path)
import cases
import imap_peers
from bed import DOMAIN, PASSWORDS
from imap_wire import ImapWire
from posthorn import Posthorn
from unpack import Unavailable

MESSAGES = 10_000 if os.environ.get("POSTHORN_LONG") else 1_000
MBSYNC_MESSAGES = 10_000
BATCH = 100


def message(number, subject="numbered"):
    body = "".join(f"line {line} of message {number}\r\n" for line in range(number % 40))
    return (f"From: Sender {number} <sender{number}@far.example>\r\nTo: ann@{DOMAIN}\r\nSubject: {subject} {number}\r\n"
            f"Date: Thu, 01 Jan 2026 00:{number // 60 % 60:02}:{number % 60:02} +0000\r\nMessage-ID: <{subject}.{number}@test>\r\n\r\n{body}").encode()


def maildir_files(folder):
    return sorted(path for part in ("cur", "new") for path in (folder / part).iterdir())


def octets_of(paths):
    """Contents as a multiset, line ends as on the wire, without what the clients add."""
    added = (b"X-TUID:", b"X-OfflineIMAP:", b"X-getmail-", b"Return-Path: <unknown>")
    result = []
    for path in paths:
        lines = path.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
        result.append(b"\r\n".join(line for line in lines if not line.startswith(added)))
    return sorted(result)


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = iter([name for name in PASSWORDS] + [f"user{number}" for number in range(20)])
        accounts = {**PASSWORDS, **{f"user{number}": f"pass phrase of user {number}" for number in range(20)}}
        try:
            cls.posthorn = Posthorn(DOMAIN, accounts=accounts, listen=("smtp", "submission", "imap", "imaps")).__enter__()
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason))
        tree = tomllib.loads(cls.posthorn.config.read_text())
        certificate = tree["tls"]["certificate"]
        cls.certificate = certificate if isinstance(certificate, str) else certificate[0]
        cls.passwords = accounts

    @classmethod
    def tearDownClass(cls):
        cls.posthorn.__exit__()

    def setUp(self):
        self.name = next(self.names)
        self.account = imap_peers.Account(self.posthorn, f"{self.name}@{DOMAIN}", self.passwords[self.name], self.certificate)
        temporary = tempfile.TemporaryDirectory(prefix="imap-client-")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def wire(self):
        wire = ImapWire.connect(self.account.host, self.account.port, tls=True)
        self.addCleanup(wire.close)
        wire.ok(f'LOGIN "{self.account.user}" "{self.account.password}"')
        return wire

    def fill(self, wire, count, mailbox_name="INBOX"):
        for first in range(0, count, BATCH):
            wire.append(mailbox_name, [message(number) for number in range(first, min(first + BATCH, count))])

    def remote_octets(self, wire, mailbox_name="INBOX"):
        wire.ok(f"EXAMINE {mailbox_name}")
        found = []
        for response in wire.ok("UID FETCH 1:* (BODY.PEEK[])"):
            if b" FETCH (" in response:
                found.append(response.split(b"}\r\n", 1)[1][:-1])
        return sorted(b"\r\n".join(line for line in octets.split(b"\r\n") if not line.startswith(b"X-TUID:")) for octets in found)

    def done(self, result):
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr + self.posthorn.log()[-2000:])

    # ---- two-way

    def test_mbsync_both_ways(self):
        wire = self.wire()
        self.fill(wire, MBSYNC_MESSAGES)
        wire.ok("CREATE Projekte/&AOQ-")
        wire.append("Projekte/&AOQ-", [message(1, "umlaut")], "\\Flagged")
        # It takes the strongest mechanism offered: SCRAM is not, as nobody here has an application login.
        self.done(imap_peers.mbsync(self.account, self.folder))
        inbox = self.folder / "mail" / "INBOX"
        files = maildir_files(inbox)
        self.assertEqual(len(files), MBSYNC_MESSAGES)
        self.assertEqual(octets_of(files), self.remote_octets(wire))
        # Changes on both sides: there flags, an expunge and new mail; here a file removed, one marked, one added.
        wire.ok("SELECT INBOX")
        wire.ok("STORE 1:10 +FLAGS.SILENT (\\Seen \\Answered)")
        wire.ok("STORE 11 +FLAGS.SILENT (\\Deleted)")
        wire.ok("EXPUNGE")
        wire.append("INBOX", [message(7, "new.there")])
        by_subject = {path.read_bytes().split(b"Subject: ")[1].split(b"\n")[0].strip(): path for path in files}
        removed, marked = by_subject[b"numbered 20"], by_subject[b"numbered 21"]
        removed.rename(inbox / "cur" / (removed.name.split(":")[0] + ":2,T"))
        marked.rename(inbox / "cur" / (marked.name.split(":")[0] + ":2,F"))
        (inbox / "new" / "added.by.hand").write_bytes(message(8, "new.here").replace(b"\r\n", b"\n"))
        self.done(imap_peers.mbsync(self.account, self.folder))
        self.done(imap_peers.mbsync(self.account, self.folder))
        here = octets_of(maildir_files(inbox))
        there = self.remote_octets(wire)
        self.assertEqual(len(there), MBSYNC_MESSAGES)
        self.assertEqual(here, there)
        wire.ok("EXAMINE INBOX")
        self.assertEqual(wire.ok('SEARCH HEADER Message-ID "<numbered.20@test>"'), [b"* SEARCH"])
        self.assertEqual(len(wire.ok('SEARCH FLAGGED HEADER Message-ID "<numbered.21@test>"')[-1].split()), 3)
        self.assertEqual(len(wire.ok("SEARCH SEEN ANSWERED")[-1].split()), 12)
        seen = [path for path in maildir_files(inbox) if path.name.endswith(":2,RS")]
        self.assertEqual(len(seen), 10)
        self.assertEqual(len(maildir_files(self.folder / "mail" / "Projekte" / "&AOQ-")), 1)

    def test_offlineimap_both_ways(self):
        wire = self.wire()
        self.fill(wire, 50)
        pem = Path(self.certificate).read_text()
        first = pem[:pem.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n"
        fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()
        self.done(imap_peers.offlineimap(self.account, self.folder, fingerprint))
        inbox = self.folder / "mail" / "INBOX"
        self.assertEqual(octets_of(maildir_files(inbox)), self.remote_octets(wire))
        (inbox / "new" / "added.by.hand").write_bytes(message(8, "new.here").replace(b"\r\n", b"\n"))
        self.done(imap_peers.offlineimap(self.account, self.folder, fingerprint))
        self.assertEqual(len(self.remote_octets(wire)), 51)

    # ---- one way

    def test_fetchmail_takes_what_is_new(self):
        wire = self.wire()
        self.fill(wire, 20)
        self.done(imap_peers.fetchmail(self.account, self.folder))
        self.assertEqual((self.folder / "fetched").read_text().count("-----\n"), 20)
        wire.append("INBOX", [message(99)])
        self.done(imap_peers.fetchmail(self.account, self.folder, "nokeep"))
        self.assertIn("numbered 99", (self.folder / "fetched").read_text())

    def test_getmail_remembers_what_it_has(self):
        wire = self.wire()
        self.fill(wire, 20)
        self.done(imap_peers.getmail(self.account, self.folder))
        self.assertEqual(octets_of(maildir_files(self.folder / "mail")), self.remote_octets(wire))
        wire.append("INBOX", [message(77)])
        self.done(imap_peers.getmail(self.account, self.folder))
        self.assertEqual(len(maildir_files(self.folder / "mail")), 21)

    def test_curl_lists_fetches_and_uploads(self):
        wire = self.wire()
        self.fill(wire, 3)
        listed = imap_peers.curl(self.account, "")
        self.done(listed)
        self.assertIn("INBOX", listed.stdout)
        fetched = imap_peers.curl(self.account, "INBOX;UID=2")
        self.done(fetched)
        self.assertEqual(fetched.stdout.encode().replace(b"\r\n", b"\n"), message(1).replace(b"\r\n", b"\n"))
        upload = self.folder / "upload.eml"
        upload.write_bytes(message(5, "uploaded"))
        self.done(imap_peers.curl(self.account, "Drafts", "--upload-file", upload))
        found = imap_peers.curl(self.account, "Drafts", "--request", "SEARCH SUBJECT uploaded")
        self.assertIn("* SEARCH 1", found.stdout)

    def test_neomutt_copies_and_deletes(self):
        wire = self.wire()
        self.fill(wire, 5)
        status, shown = imap_peers.neomutt(
            self.account, self.folder,
            "<tag-pattern>numbered 3<enter><tag-prefix><copy-message><kill-line>=Archive<enter><delete-pattern>numbered 4<enter><sync-mailbox><quit>")
        self.assertEqual(status, 0, shown[-3000:])
        self.assertEqual(self.remote_octets(wire, "Archive"), [message(3)], shown[-3000:])
        self.assertEqual(self.remote_octets(wire), sorted(message(number) for number in range(4)))

    def test_imaplib(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with imaplib.IMAP4(self.account.host, self.posthorn.port("imap")) as client:
            client.starttls(context)
            client.login(self.account.user, self.account.password)
            self.assertIn("IMAP4REV1", client.capabilities)
            self.assertEqual(client.append("INBOX", "(\\Seen)", None, message(1))[0], "OK")
            self.assertEqual(client.select("INBOX"), ("OK", [b"1"]))
            self.assertEqual(client.fetch("1", "(BODY[])")[1][0][1], message(1))
            self.assertEqual(client.search(None, "SUBJECT", '"numbered 1"'), ("OK", [b"1"]))
            self.assertEqual(client.sort("(DATE)", "UTF-8", "ALL"), ("OK", [b"1"]))
            self.assertEqual(client.thread("REFERENCES", "UTF-8", "ALL"), ("OK", [b"(1)"]))
            self.assertEqual(client.uid("COPY", "1", "Archive")[0], "OK")
            self.assertEqual(client.store("1", "+FLAGS", "(\\Deleted)")[0], "OK")
            self.assertEqual(client.expunge(), ("OK", [b"1"]))
            self.assertEqual(client.close()[0], "OK")
        with self.assertRaises(imaplib.IMAP4.error):
            imaplib.IMAP4_SSL(self.account.host, self.account.port, ssl_context=context).login(self.account.user, "wrong")


if __name__ == "__main__":
    cases.main()
