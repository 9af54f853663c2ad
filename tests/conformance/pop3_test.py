#!/usr/bin/env python3
"""POP3 of a running server as its clients see it: sizes that agree, UTF-8 headers, what a drop leaves, revocation."""
import poplib
import smtplib
import socket
import sys
import time
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent),
                str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
from bed import DOMAIN, PASSWORDS, Bed, unchecked  # noqa: E402
from imap_wire import ImapWire  # noqa: E402

ANN, BOB = f"ann@{DOMAIN}", f"bob@{DOMAIN}"
PLAIN = b"From: <a@x.example>\r\nSubject: plain\r\n\r\nhello\r\n"
RAGGED = b"From: <a@x.example>\r\nSubject: ragged\r\n\r\nno end"
INTERNATIONAL = "From: Jürgen <j@x.example>\r\nTo: 甲 <甲@x.example>\r\nSubject: grüß dich\r\n\r\nGrüße\r\n".encode()
LONG = b"Subject: long\r\n\r\n" + (b"y" * 70 + b"\r\n") * 3000 + b"no end"
# Longer than what is read of a message at first; UTF-8 in the header of its last part and of the message within it.
PARTED = ("From: <a@x.example>\r\nSubject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
          "--b\r\n\r\n" + "Grüße\r\n" * 20000 + "--b\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment; "
          "filename=\"über.eml\"\r\n\r\nSubject: grüß dich\r\n\r\nGrüße\r\n--b--\r\n").encode()
HANDED = [PLAIN, RAGGED, INTERNATIONAL, b"Subject: dots\r\n\r\n.\r\n..x\r\n", LONG, b"\r\n", PARTED]
REVOKED_SECONDS_MAX = 3
bed = None


def setUpModule():
    global bed
    bed = Bed(0, **{"limits.guesses_per_address": 1000})
    bed.open(listen=("imaps", "pop3", "pop3s", "submissions"))
    fill("ann")
    fill("bob")


def tearDownModule():
    bed.close()


def fill(user):
    with ImapWire.connect(bed.posthorn.address, bed.posthorn.port("imaps"), tls=True) as wire:
        wire.ok(f'LOGIN "{user}@{DOMAIN}" "{PASSWORDS[user]}"')
        for message in HANDED:
            wire.append("INBOX", [message])


def connect():
    return poplib.POP3_SSL(bed.posthorn.address, bed.posthorn.port("pop3s"), timeout=20, context=unchecked())


def login(user="ann", password=None, utf8=False):
    client = connect()
    if utf8:
        client.utf8()
    client.user(user if "@" in user or password else f"{user}@{DOMAIN}")
    client.pass_(password or PASSWORDS[user])
    return client


def wire_octets(lines):
    """As sent before dots were stuffed; poplib has taken the stuffing out."""
    return b"".join(line + b"\r\n" for line in lines)


class Sizes(unittest.TestCase):
    def check(self, utf8):
        client = login(utf8=utf8)
        count, together = client.stat()
        listed = {int(number): int(size) for number, size in (line.split() for line in client.list()[1])}
        self.assertEqual((count, together), (len(HANDED), sum(listed.values())))
        got = {number: wire_octets(client.retr(number)[1]) for number in listed}
        client.quit()
        for number, octets in got.items():
            self.assertEqual(len(octets), listed[number], f"message {number}: RETR and LIST differ")
        return [got[number] for number in sorted(got)]

    def test_list_tells_what_retr_sends(self):
        got = self.check(utf8=False)
        for number in (0, 3, 5):
            self.assertEqual(got[number], HANDED[number])
        self.assertEqual(got[1], RAGGED + b"\r\n")
        self.assertEqual(got[4], LONG + b"\r\n")

    def test_a_client_without_utf8_gets_ascii_headers(self):
        header, _, body = self.check(utf8=False)[2].partition(b"\r\n\r\n")
        self.assertTrue(header.isascii(), header)
        self.assertEqual(body, "Grüße\r\n".encode())
        self.assertIn(b"Subject: =?", header)
        self.assertNotIn(b"<\xe7", header)

    def test_a_client_with_utf8_gets_the_octets(self):
        self.assertEqual(self.check(utf8=True)[2], INTERNATIONAL)

    def test_headers_of_parts_are_ascii_as_well(self):
        got = self.check(utf8=False)[6]
        self.assertEqual(got, PARTED.replace("filename=\"über.eml\"".encode(), b"filename*=utf-8''%C3%BCber.eml")
                         .replace("Subject: grüß dich".encode(), b"Subject: =?utf-8?b?Z3LDvMOf?= dich"))
        self.assertEqual(self.check(utf8=True)[6], PARTED)

    def test_top_is_downgraded_too(self):
        client = login()
        top = wire_octets(client.top(3, 0)[1])
        client.quit()
        self.assertTrue(top.isascii())


class Drops(unittest.TestCase):
    def test_without_quit_nothing_is_deleted(self):
        client = login("bob")
        client.dele(1)
        client.dele(2)
        client.close()
        deadline = time.monotonic() + 10
        while True:  # the server must notice that the connection is gone
            try:
                again = login("bob")
                break
            except poplib.error_proto as locked:
                self.assertIn(b"[IN-USE]", locked.args[0])
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)
        self.assertEqual(again.stat()[0], len(HANDED))
        ids = [line.split()[1] for line in again.uidl()[1]]
        again.dele(1)
        again.quit()
        last = login("bob")
        self.assertEqual([line.split()[1] for line in last.uidl()[1]], ids[1:], "UIDL stays, one is gone")
        last.quit()


class Logins(unittest.TestCase):
    def test_revocation_ends_a_live_session(self):
        made = bed.posthorn.json("login", "add", ANN, "tablet", "--scope", "pop3")
        client = login(made["login"], made["secret"])
        self.assertEqual(client.stat()[0], len(HANDED))
        since = time.monotonic()
        bed.posthorn.ok("login", "revoke", made["login"])
        self.assertIn(b"revoked", client.file.readline())
        self.assertEqual(client.file.readline(), b"")
        self.assertLess(time.monotonic() - since, REVOKED_SECONDS_MAX)
        with self.assertRaisesRegex(poplib.error_proto, r"\[AUTH\]"):
            login(made["login"], made["secret"])

    def test_a_login_without_the_scope_is_as_unknown(self):
        made = bed.posthorn.json("login", "add", ANN, "imap only", "--scope", "imap")
        words = []
        for user, secret in ((made["login"], made["secret"]), ("nobody@" + DOMAIN, "x"), (ANN, "wrong")):
            with self.assertRaises(poplib.error_proto) as refused:
                login(user, secret)
            words.append(refused.exception.args[0])
        self.assertEqual(len(set(words)), 1, words)
        bed.posthorn.ok("login", "revoke", made["login"])

    def test_submission_offers_scram_by_the_same_rule(self):
        def offered():
            with smtplib.SMTP_SSL(bed.posthorn.address, bed.posthorn.port("submissions"), timeout=20, context=unchecked()) as client:
                client.ehlo()
                return client.esmtp_features["auth"]
        self.assertEqual(offered().split(), ["PLAIN", "LOGIN"])
        made = bed.posthorn.json("login", "add", ANN, "sender", "--scope", "smtp")
        self.assertIn("SCRAM-SHA-256", offered())
        bed.posthorn.ok("login", "revoke", made["login"])
        self.assertEqual(offered().split(), ["PLAIN", "LOGIN"])

    def test_scram_is_offered_with_an_application_login(self):
        self.assertNotIn("SCRAM-SHA-256", connect().capa()["SASL"])
        made = bed.posthorn.json("login", "add", ANN, "scram", "--scope", "pop3")
        self.assertIn("SCRAM-SHA-256", connect().capa()["SASL"])
        used = [row for row in bed.posthorn.json("login", "list", ANN) if row["login"] == made["login"]]
        self.assertEqual(len(used), 1)
        bed.posthorn.ok("login", "revoke", made["login"])


class Lines(unittest.TestCase):
    def test_a_bare_lf_ends_no_command(self):
        with socket.create_connection((bed.posthorn.address, bed.posthorn.port("pop3")), timeout=20) as connection:
            file = connection.makefile("rb")
            file.readline()
            connection.sendall(b"CAPA\nQUIT\r\n")
            self.assertTrue(file.readline().startswith(b"-ERR"))
            connection.sendall(b"QUIT\r\n")
            self.assertTrue(file.readline().startswith(b"+OK"))

    def test_stls(self):
        client = poplib.POP3(bed.posthorn.address, bed.posthorn.port("pop3"), timeout=20)
        self.assertNotIn("SASL", client.capa())
        client.stls(context=unchecked())
        client.user(ANN)
        client.pass_(PASSWORDS["ann"])
        self.assertEqual(client.stat()[0], len(HANDED))
        client.quit()


if __name__ == "__main__":
    cases.main()
