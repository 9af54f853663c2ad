"""Posthorn and real mail servers, both ways: plain and STARTTLS, 8BITMIME, SMTPUTF8, DSN and BDAT where they can."""
import re
import smtplib
import unittest

import bed
import cases
from bed import ANN, BOB, Bed, parsed, report_of
from jail import wait_until
from peers import Exim, OpenSmtpd, Postfix
from unpack import Unavailable

ALL_DOTS = "..\r\n.\r\n..x\r\n.leading\r\nnot.leading\r\n"


class WithPeer:
    """The cases; a class below for each peer says what it can do."""
    kind, serves_tls, knows_smtputf8, sends_dsn = None, True, False, True

    @classmethod
    def setUpClass(cls):
        cls.bed, cls.peers = Bed(2), {}
        name = cls.kind.__name__.lower()
        try:
            for address, tls in zip(cls.bed.addresses, ("must", "none")):
                domain = f"{tls}.{name}.example"
                cls.peers[tls] = cls.kind(domain, address=address, port=cls.bed.mx_port, tls=tls)
                cls.bed.lead(domain, address)
            posthorn = cls.bed.open()
        except Unavailable as reason:
            cls.tearDownClass()
            raise unittest.SkipTest(str(reason))
        for peer in cls.peers.values():
            peer.routes = {bed.DOMAIN: (posthorn.address, posthorn.port("smtp"))}
            peer.start()

    @classmethod
    def tearDownClass(cls):
        cls.bed.close()
        for peer in cls.peers.values():
            peer.stop()

    # ---- helpers

    def send_in(self, peer, message, *, to=BOB, mail_options=(), rcpt_options=()):
        """Hands a message for Posthorn to the peer, as a client on its host would."""
        with smtplib.SMTP(peer.address, peer.port, local_hostname="client.example") as client:
            client.ehlo()
            client.sendmail(f"pia@{peer.domain}", [to], message, mail_options, rcpt_options)

    def arrived(self, message_id, account=BOB):
        """The message with that id, once it is in the account's mailbox."""
        posthorn = self.bed.posthorn

        def look():
            return next((octets for octets in posthorn.messages(account) if message_id.encode() in octets), None)
        return wait_until(look, 30, lambda: f"{message_id} did not arrive; {posthorn.process.tail(20)}\n{self.logs()}")

    def at_peer(self, peer, message_id):
        def look():
            return next((octets for octets in peer.messages() if f"<{message_id}>".encode() in octets), None)
        return wait_until(look, 30, lambda: f"{message_id} did not arrive; {self.bed.posthorn.process.tail(20)}\n{self.logs()}").replace(b"\r\n", b"\n")

    def logs(self):
        return "\n".join(peer.log()[-1500:] for peer in self.peers.values())

    def received(self, octets):
        """The topmost Received field, which is Posthorn's."""
        return " ".join(parsed(octets).get_all("Received")[0].split())

    # ---- the peer sends to Posthorn

    def test_in_with_starttls(self):
        peer = self.peers["must"]
        self.send_in(peer, bed.note(f"pia@{peer.domain}", BOB, "in-tls@test", ALL_DOTS))
        octets = self.arrived("in-tls@test")
        self.assertRegex(self.received(octets), r"with (UTF8)?E?SMTPS")
        self.assertTrue(octets.endswith(b"\n\n" + ALL_DOTS.replace("\r\n", "\n").encode()), octets)

    def test_in_plain(self):
        peer = self.peers["none"]
        self.send_in(peer, bed.note(f"pia@{peer.domain}", BOB, "in-plain@test"))
        octets = self.arrived("in-plain@test")
        self.assertRegex(self.received(octets), r"with ESMTP\b")
        self.assertEqual(parsed(octets)["Return-Path"], f"<pia@{peer.domain}>")

    def test_in_eight_bits(self):
        peer = self.peers["must"]
        text = bed.note(f"pia@{peer.domain}", BOB, "in-8bit@test", "grüße\r\n").encode()
        self.send_in(peer, text, mail_options=["BODY=8BITMIME"])
        self.assertIn("grüße".encode(), self.arrived("in-8bit@test"))

    def test_in_smtputf8(self):
        if not self.knows_smtputf8:
            self.skipTest(f"{self.kind.__name__} does not know SMTPUTF8")
        peer = self.peers["must"]
        text = bed.note(f"pia@{peer.domain}", BOB, "in-utf8@test", subject="größe").encode()
        with smtplib.SMTP(peer.address, peer.port, local_hostname="client.example") as client:
            client.ehlo()
            client.send(f"MAIL FROM:<jürgen@{peer.domain}> SMTPUTF8 BODY=8BITMIME\r\nRCPT TO:<{BOB}>\r\n".encode())
            self.assertEqual([client.getreply()[0], client.getreply()[0]], [250, 250])
            self.assertEqual(client.data(text)[0], 250)
        octets = self.arrived("in-utf8@test")
        self.assertRegex(self.received(octets), r"with UTF8SMTPS")
        self.assertIn(f"jürgen@{peer.domain}".encode(), octets)

    def test_in_dsn_success(self):
        peer = self.peers["must"]
        self.send_in(peer, bed.note(f"pia@{peer.domain}", BOB, "in-dsn@test"), mail_options=["RET=HDRS", "ENVID=env+2B1"], rcpt_options=["NOTIFY=SUCCESS"])
        self.arrived("in-dsn@test")
        if not self.sends_dsn:
            return
        report = wait_until(lambda: next(filter(None, map(report_of, peer.messages())), None), 30, lambda: f"no report; {self.logs()}")
        self.assertEqual(report[1][0]["Action"], "delivered")
        self.assertIn(BOB, report[1][0]["Final-Recipient"])

    def test_in_large(self):
        peer = self.peers["must"]
        body = ("x" * 76 + "\r\n") * 130_000  # 10 MB
        self.send_in(peer, bed.note(f"pia@{peer.domain}", BOB, "in-large@test", body))
        self.assertIn(body.replace("\r\n", "\n").encode(), self.arrived("in-large@test"))

    # ---- Posthorn sends to the peer

    def test_out_over_tls_where_it_is_offered(self):
        peer = self.peers["must"]
        self.bed.submit(f"pia@{peer.domain}", message=bed.note(ANN, f"pia@{peer.domain}", "out-tls@test", ALL_DOTS))
        octets = self.at_peer(peer, "out-tls@test")
        self.assertIn(ALL_DOTS.replace("\r\n", "\n").encode(), octets)
        self.assertEqual(bool(re.search("(?i)esmtps|utf8smtps|using TLS", self.received(octets))), self.serves_tls)

    def test_out_story_ends_relayed(self):
        peer = self.peers["must"]
        message_id = self.bed.submit(f"pia@{peer.domain}")
        self.assertRegex(self.bed.wait_for_state(message_id, f"pia@{peer.domain}", "relayed"), r"\b250 ")
        self.at_peer(peer, message_id)

    def test_out_eight_bits(self):
        peer = self.peers["must"]
        text = bed.note(ANN, f"pia@{peer.domain}", "out-8bit@test", "grüße\r\n").encode()
        self.bed.submit(f"pia@{peer.domain}", message=text, mail_options=["BODY=8BITMIME"])
        self.assertIn("grüße".encode(), self.at_peer(peer, "out-8bit@test"))

    def test_out_smtputf8(self):
        peer = self.peers["must"]
        recipient = f"jürgen@{peer.domain}"
        text = bed.note(ANN, recipient, "out-utf8@test", subject="größe").encode()
        with self.bed.login() as client:
            client.send(f"MAIL FROM:<{ANN}> SMTPUTF8 BODY=8BITMIME\r\nRCPT TO:<{recipient}>\r\n".encode())
            self.assertEqual([client.getreply()[0], client.getreply()[0]], [250, 250])
            self.assertEqual(client.data(text)[0], 250)
        if self.knows_smtputf8:
            self.assertIn("größe".encode(), self.at_peer(peer, "out-utf8@test"))
        else:  # RFC 6531 3.6: never sent without the peer's promise
            self.bed.wait_for_state("out-utf8@test", recipient, "returned")

    def test_out_dsn_is_the_peers_to_answer(self):
        """NOTIFY goes on to a peer that knows DSN (RFC 3461 5.2.1): the report about delivery is the peer's."""
        peer, recipient = self.peers["must"], f"pia@{self.peers['must'].domain}"
        message_id = self.bed.submit(recipient, rcpt_options=["NOTIFY=SUCCESS", f"ORCPT=rfc822;{recipient}"])
        self.at_peer(peer, message_id)
        if not self.sends_dsn:
            return

        def look():
            reports = filter(None, map(report_of, self.bed.posthorn.messages(ANN)))
            return next((report for report in reports if any(recipient in row["Final-Recipient"] for row in report[1])), None)
        report = wait_until(look, 30, lambda: f"no report; {self.logs()}")
        self.assertEqual(report[1][0]["Action"], "delivered")
        self.assertIn(peer.domain, report[0]["Reporting-MTA"])

    def test_out_many_recipients(self):
        peer = self.peers["none"]
        recipients = [f"r{number}@{peer.domain}" for number in range(150)]
        message_id = self.bed.submit(recipients)
        for name in (recipients[0], recipients[-1]):
            self.bed.wait_for_state(message_id, name, "relayed")


class PostfixExchange(WithPeer, unittest.TestCase):
    kind, knows_smtputf8 = Postfix, True


class EximExchange(WithPeer, unittest.TestCase):
    kind, knows_smtputf8 = Exim, True

    def test_in_comes_by_bdat(self):
        peer = self.peers["must"]
        self.send_in(peer, bed.note(f"pia@{peer.domain}", BOB, "in-bdat@test", "a\r\n" * 100))
        self.arrived("in-bdat@test")
        self.assertRegex(peer.log(), rf"=> .*{BOB}.* K ")  # "K": sent with CHUNKING


class OpenSmtpdExchange(WithPeer, unittest.TestCase):
    kind, serves_tls, sends_dsn = OpenSmtpd, False, False


if __name__ == "__main__":
    cases.main()
