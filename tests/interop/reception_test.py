"""Port 25 as strangers meet it: who may send to whom, what ends a message, and what too much of anything does."""
import json
import os
import unittest
from pathlib import Path

import bed
import cases
from bed import ANN, BOB, Bed
from clients import Wire
from jail import wait_until
from sink import SinkServer
from unpack import ROOT, Unavailable

SHARED_DATA = Path(os.environ.get("POSTHORN_SHARED_DATA", ROOT.parent / "shared" / "data"))
LOCAL = f"mail.{bed.DOMAIN}"


def opened(neighbours=0, **settings):
    site = Bed(neighbours, **settings)
    try:
        site.open()
    except Unavailable as reason:
        raise unittest.SkipTest(str(reason))
    return site


class OpenRelay(unittest.TestCase):
    """Nobody without a login sends through us to anywhere else, however the address is written."""
    FOREIGN = [
        "victim@elsewhere.example", f"victim%elsewhere.example@{bed.DOMAIN}", f"elsewhere.example!victim@{bed.DOMAIN}",
        f"@{bed.DOMAIN}:victim@elsewhere.example", f"\"victim@elsewhere.example\"@{bed.DOMAIN}", "victim@[192.0.2.1]", "victim@[127.0.0.1]",
        f"victim@sub.{bed.DOMAIN}", f"victim@{bed.DOMAIN}.elsewhere.example", "\"victim@elsewhere.example\"", f"victim@elsewhere.example@{bed.DOMAIN}",
        f"victim%elsewhere.example@[127.0.0.1]", "victim", f"victim@elsewhere.example,{BOB}", "victim@ELSEWHERE.EXAMPLE", "victim@localhost",
    ]
    SENDERS = ["", "victim@elsewhere.example", ANN, BOB, f"postmaster@{bed.DOMAIN}", f"stranger@{LOCAL}", "root@localhost", "a@[127.0.0.1]"]

    @classmethod
    def setUpClass(cls):
        cls.bed = opened()

    @classmethod
    def tearDownClass(cls):
        cls.bed.close()

    def wire(self, service="smtp"):
        wire = Wire(self.bed.posthorn.address, self.bed.posthorn.port(service))
        self.addCleanup(wire.socket.close)
        wire.say("EHLO client.example")
        return wire

    def test_no_way_through_port_25(self):
        for sender in self.SENDERS:
            wire = self.wire()
            if not wire.say(f"MAIL FROM:<{sender}>").startswith("250"):
                continue  # refused even earlier
            for recipient in self.FOREIGN:
                with self.subTest(sender=sender, recipient=recipient):
                    self.assertRegex(wire.say(f"RCPT TO:<{recipient}>"), r"^5\d\d ")
        self.assertEqual(self.bed.posthorn.queue(), [])

    def test_the_refusal_says_relaying(self):
        wire = self.wire()
        wire.say("MAIL FROM:<stranger@elsewhere.example>")
        self.assertRegex(wire.say("RCPT TO:<victim@elsewhere.example>"), r"^550 5\.7\.1 ")

    def test_port_25_offers_no_authentication(self):
        wire = Wire(self.bed.posthorn.address, self.bed.posthorn.port("smtp"))
        with wire:
            self.assertNotIn("AUTH", wire.say("EHLO client.example"))
            self.assertRegex(wire.say("AUTH PLAIN AGFubgB4"), r"^50[234] ")
            self.assertRegex(wire.say("STARTTLS"), "^220")
            wire.start_tls()
            self.assertNotIn("AUTH", wire.say("EHLO client.example"))

    def test_submission_takes_nothing_without_login(self):
        with Wire(self.bed.posthorn.address, self.bed.posthorn.port("submissions"), tls=True) as wire:
            wire.say("EHLO client.example")
            self.assertRegex(wire.say(f"MAIL FROM:<{ANN}>"), r"^530 5\.7\.0 ")

    def test_submission_speaks_of_authentication_only_under_tls(self):
        with Wire(self.bed.posthorn.address, self.bed.posthorn.port("submission")) as wire:
            self.assertNotIn("AUTH", wire.say("EHLO client.example"))
            self.assertRegex(wire.say("AUTH PLAIN AGFubgB4"), r"^53[08] 5\.7\.")
            wire.say("STARTTLS")
            wire.start_tls()
            self.assertIn("AUTH", wire.say("EHLO client.example"))

    def test_recipients_are_decided_at_once(self):
        wire = self.wire()
        wire.say("MAIL FROM:<stranger@elsewhere.example>")
        for recipient, reply in ((BOB, "250 2.1.5"), (BOB.upper(), "250 2.1.5"), (f"bob+detail@{bed.DOMAIN}", "250 2.1.5"),
                                 ("postmaster", "250 2.1.5"), (f"PostMaster@{bed.DOMAIN}", "250 2.1.5"), (f"nobody@{bed.DOMAIN}", "550 5.1.1")):
            with self.subTest(recipient=recipient):
                self.assertEqual(wire.say(f"RCPT TO:<{recipient}>")[:len(reply)], reply)

    def test_plaintext_behind_starttls_is_not_obeyed(self):
        # The command injection of 2011 and 2021: what follows STARTTLS in the clear must never be answered under TLS.
        wire = self.wire()
        wire.send(b"STARTTLS\r\nNOOP\r\nMAIL FROM:<injected@elsewhere.example>\r\n")
        self.assertNotRegex(wire.rest(), r"250 2\.(0|1)\.0")

    def test_commands_out_of_order(self):
        wire = self.wire()
        for command in (f"RCPT TO:<{BOB}>", "DATA", "BDAT 3 LAST\r\na"):  # say() ends it: 3 octets
            with self.subTest(command=command):
                self.assertRegex(wire.say(command), r"^503 5\.5\.1 ")
        self.assertRegex(wire.say("NONSENSE"), r"^500 5\.5\.[12] ")
        self.assertRegex(wire.say("MAIL FROM:<no-end"), r"^501 5\.")

    def test_a_line_without_end_is_bounded(self):
        wire = self.wire()
        wire.send(b"NOOP " + b"x" * 2_000_000 + b"\r\n")
        self.assertRegex(wire.reply(), r"^500 5\.|^421 ")

    def test_too_many_errors_end_the_session(self):
        wire = self.wire()
        wire.send(b"NONSENSE\r\n" * 200)
        self.assertRegex(wire.rest(), r"(?m)^421 ")

    def test_size_is_refused_before_the_message(self):
        wire = self.wire()
        self.assertRegex(wire.say("MAIL FROM:<a@elsewhere.example> SIZE=99999999999"), r"^552 5\.3\.4 ")


class Smuggling(unittest.TestCase):
    """Only CRLF.CRLF ends a message: every other sequence either refuses it or stays inside the one message."""

    @classmethod
    def setUpClass(cls):
        path = SHARED_DATA / "smtp" / "smuggling" / "end-of-data-variants.json"
        if not path.exists():
            raise unittest.SkipTest(f"{path} is not there: POSTHORN_SHARED_DATA names the folder of the test vectors")
        data = json.loads(path.read_text())
        variants = list(data["hannob/smtpsmug"].values())
        for name in ("inbound_eod_sequences", "outbound_eod_sequences"):
            variants += data["The-Login/SMTP-Smuggling-Tools"][name]
        cls.variants = sorted({variant.encode() for variant in variants})
        cls.bed = Bed(1)
        # The neighbour is as lenient as the worst of its kind: it takes any of the sequences for an end.
        cls.sink = SinkServer(cls.bed.addresses[0], cls.bed.mx_port, ends=(b"\r\n.\r\n", *cls.variants)).__enter__()
        cls.bed.lead("lenient.example", cls.bed.addresses[0])
        try:
            cls.bed.open()
        except Unavailable as reason:
            cls.tearDownClass()
            raise unittest.SkipTest(str(reason))

    @classmethod
    def tearDownClass(cls):
        cls.bed.close()
        cls.sink.stop()

    @staticmethod
    def smuggled(variant, sender, recipient, mark):
        return (f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {mark}\r\nMessage-ID: <{mark}@test>\r\n\r\nfirst".encode() + variant +
                f"MAIL FROM:<evil@{bed.DOMAIN}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\nSubject: smuggled\r\n\r\nsecond\r\n.\r\n".encode())

    def test_in(self):
        for number, variant in enumerate(self.variants):
            for split in (False, True):
                with self.subTest(variant=variant, split=split), Wire(self.bed.posthorn.address, self.bed.posthorn.port("smtp")) as wire:
                    before = len(self.bed.posthorn.listed(BOB))
                    wire.say("EHLO client.example")
                    wire.say("MAIL FROM:<stranger@elsewhere.example>")
                    wire.say(f"RCPT TO:<{BOB}>")
                    self.assertRegex(wire.say("DATA"), "^354")
                    octets = self.smuggled(variant, "stranger@elsewhere.example", BOB, f"in-{number}-{split}")
                    for piece in ([octets[at:at + 1] for at in range(len(octets))] if split else [octets]):
                        wire.send(piece)
                    answer = wire.reply()
                    wire.send("QUIT\r\n")
                    rest = wire.rest()
                    stored = len(self.bed.posthorn.listed(BOB)) - before
                    self.assertEqual(stored, 1 if answer.startswith("250") else 0, answer)
                    self.assertNotRegex(rest, r"354|250 ", "something behind the first message was obeyed")

    def test_out(self):
        """Through submission to a neighbour that would split it: one message or a refusal, never two."""
        for number, variant in enumerate(self.variants):
            with self.subTest(variant=variant), self.bed.login() as client:
                client.ehlo()
                client.mail(ANN)
                client.rcpt("rcpt@lenient.example")
                client.putcmd("DATA")
                self.assertEqual(client.getreply()[0], 354)
                client.send(self.smuggled(variant, ANN, "rcpt@lenient.example", f"out-{number}"))
                code = client.getreply()[0]
                if code == 250:
                    self.bed.wait_for_state(f"out-{number}@test", "rcpt@lenient.example", "relayed")
        with self.bed.login() as client:
            client.ehlo()
            if client.has_extn("CHUNKING"):
                self.through_bdat(client)
        self.assertFalse([message for message in self.sink.messages if message.mail_from == f"evil@{bed.DOMAIN}"])

    def through_bdat(self, client):
        """BDAT needs no end mark, so it is the way for bare CR and LF to come in; they must not go out."""
        for number, variant in enumerate(self.variants):
            octets = self.smuggled(variant, ANN, "rcpt@lenient.example", f"bdat-{number}")
            client.rset()
            client.mail(ANN)
            client.rcpt("rcpt@lenient.example")
            client.send(f"BDAT {len(octets)} LAST\r\n".encode() + octets)
            if client.getreply()[0] == 250:
                self.bed.wait_for_state(f"bdat-{number}@test", "rcpt@lenient.example", "relayed")


class Limits(unittest.TestCase):
    def test_recipients_over_the_limit_are_put_off(self):
        site = opened(**{"limits.recipients": 100})
        self.addCleanup(site.close)
        with Wire(site.posthorn.address, site.posthorn.port("smtp")) as wire:
            wire.say("EHLO client.example")
            wire.say("MAIL FROM:<a@elsewhere.example>")
            replies = [wire.say(f"RCPT TO:<bob+{number}@{bed.DOMAIN}>") for number in range(101)]
        self.assertTrue(all(reply.startswith("250") for reply in replies[:100]))
        self.assertRegex(replies[100], r"^452 4\.5\.3 ")  # RFC 5321 4.5.3.1.10

    def test_message_over_the_limit_is_refused_and_nothing_kept(self):
        site = opened(**{"limits.message_size": 100_000})
        self.addCleanup(site.close)
        with Wire(site.posthorn.address, site.posthorn.port("smtp")) as wire:
            self.assertIn("SIZE 100000", wire.say("EHLO client.example"))
            wire.say("MAIL FROM:<a@elsewhere.example>")
            wire.say(f"RCPT TO:<{BOB}>")
            wire.say("DATA")
            wire.send(b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n" * 1 + (b"y" * 70 + b"\r\n") * 3000 + b".\r\n")
            self.assertRegex(wire.reply(), r"^552 5\.3\.4 ")
        self.assertEqual(site.posthorn.listed(BOB), [])

    def test_connections_of_one_address(self):
        site = opened(**{"limits.connections_per_address": 10})
        self.addCleanup(site.close)
        wires = []
        for _ in range(11):
            wires.append(Wire(site.posthorn.address, site.posthorn.port("smtp"), greet=False))
            self.addCleanup(wires[-1].socket.close)
        greetings = [wire.reply() for wire in wires]
        others = [greeting for greeting in greetings if not greeting.startswith("220")]
        self.assertIn(len(others), (1, 2), greetings)  # what asked whether the server is ready may still be counted
        for other in others:  # two loops take them, not always in our order
            self.assertRegex(other, r"^421 4\.7\.")

    def test_idle_connections_with_a_slow_sender_each_stop_nobody(self):
        count = 10_000 if os.environ.get("POSTHORN_LONG") else 1_000
        site = opened(**{"limits.connections_per_address": 12_000})
        self.addCleanup(site.close)
        slow = []
        for number in range(count):
            wire = Wire(site.posthorn.address, site.posthorn.port("smtp"), greet=False, source=f"127.0.2.{number % 250 + 1}")
            wire.send(b"EH")
            slow.append(wire)
            self.addCleanup(wire.socket.close)
        with Wire(site.posthorn.address, site.posthorn.port("smtp")) as wire:
            wire.say("EHLO client.example")
            wire.say("MAIL FROM:<a@elsewhere.example>")
            wire.say(f"RCPT TO:<{BOB}>")
            wire.say("DATA")
            self.assertRegex(wire.say("Subject: through the crowd\r\n\r\n."), "^250")
        wait_until(lambda: site.posthorn.listed(BOB), 10, "the message")


if __name__ == "__main__":
    cases.main()
