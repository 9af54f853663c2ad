"""Mail in from people: swaks and msmtp, who may send as whom, what is mended, and that no secret is ever told."""
import re
import smtplib
import unittest
from pathlib import Path

import bed
import cases
from bed import ANN, BOB, PASSWORDS, Bed, note, parsed
from clients import Wire, msmtp, swaks
from sink import SinkServer
from unpack import Unavailable

FAR = "rcpt@far.example"


class Submission(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bed = Bed(1, **{"log.level": "debug"})
        cls.sink = SinkServer(cls.bed.addresses[0], cls.bed.mx_port).__enter__()
        cls.bed.lead("far.example", cls.bed.addresses[0])
        try:
            cls.bed.open()
        except Unavailable as reason:
            cls.tearDownClass()
            raise unittest.SkipTest(str(reason))
        cls.login = cls.bed.posthorn.json("login", "add", ANN, "laptop", "--scope", "smtp")

    @classmethod
    def tearDownClass(cls):
        cls.bed.close()
        cls.sink.stop()

    def at_sink(self, message_id):
        self.bed.wait_for_state(message_id, FAR, "relayed")
        return next(parsed(message.octets) for message in self.sink.messages if f"<{message_id}>".encode() in message.octets)

    def refused(self, call, *arguments):
        with self.assertRaises((smtplib.SMTPResponseException, smtplib.SMTPSenderRefused)) as caught:
            call(*arguments)
        return f"{caught.exception.smtp_code} {caught.exception.smtp_error.decode()}"

    # ---- clients

    def swaks(self, port, *options, password=PASSWORDS["ann"], user=ANN, message_id="swaks@test"):
        posthorn = self.bed.posthorn
        return swaks(posthorn.address, posthorn.port(port), "--from", ANN, "--to", FAR, "--auth-user", user, "--auth-password", password,
                     *options, body=note(ANN, FAR, message_id).replace("\r\n", "\n"))

    def test_swaks_starttls(self):
        done = self.swaks("submission", "-tls", "--auth", "PLAIN", message_id="swaks-starttls@test")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.at_sink("swaks-starttls@test")

    def test_swaks_implicit_tls_and_login(self):
        done = self.swaks("submissions", "--tls-on-connect", "--auth", "LOGIN", message_id="swaks-login@test")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.at_sink("swaks-login@test")

    def test_swaks_wrong_password(self):
        done = self.swaks("submissions", "--tls-on-connect", "--auth", "PLAIN", password="wrong-secret-1")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"535 5\.7\.8 ")

    def test_msmtp_both_ways_of_tls(self):
        posthorn = self.bed.posthorn
        for tls, service in (("starttls", "submission"), ("implicit", "submissions")):
            with self.subTest(tls=tls):
                done = msmtp(posthorn.address, posthorn.port(service), ANN, PASSWORDS["ann"], [FAR], note(ANN, FAR, f"msmtp-{tls}@test"), tls)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.at_sink(f"msmtp-{tls}@test")

    def test_application_login(self):
        done = self.swaks("submissions", "--tls-on-connect", "--auth", "PLAIN", user=self.login["login"], password=self.login["secret"],
                          message_id="app@test")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.at_sink("app@test")

    def test_revoked_login_is_refused(self):
        login = self.bed.posthorn.json("login", "add", ANN, "lost-phone", "--scope", "smtp")
        self.bed.posthorn.ok("login", "revoke", login["login"])
        done = self.swaks("submissions", "--tls-on-connect", "--auth", "PLAIN", user=login["login"], password=login["secret"])
        self.assertRegex(done.stdout, r"535 5\.7\.8 ")

    # ---- who sends as whom

    def test_envelope_sender_must_be_ones_own(self):
        with self.bed.login() as client:
            for sender in (BOB, "ann@elsewhere.example", f"nobody@{bed.DOMAIN}"):
                with self.subTest(sender=sender):
                    code, text = client.mail(sender)
                    if code == 250:
                        code, text = client.rcpt(FAR)
                    self.assertEqual((code, text[:5]), (550, b"5.7.1"))
                    client.rset()

    def test_author_must_be_ones_own(self):
        for number, author in enumerate((BOB, "ann@elsewhere.example", "ceo@bank.example")):
            with self.subTest(author=author), self.bed.login() as client:
                text = note(ANN, FAR, f"forged{number}@test").replace(f"From: <{ANN}>", f"From: Ann <{author}>")
                self.assertRegex(self.refused(client.sendmail, ANN, [FAR], text), r"^550 5\.7\.1 ")

    def test_two_authors_of_whom_one_is_not_ones_own(self):
        with self.bed.login() as client:
            text = note(ANN, FAR, "two-authors@test").replace(f"From: <{ANN}>", f"From: <{ANN}>, <{BOB}>\r\nSender: <{ANN}>")
            self.assertRegex(self.refused(client.sendmail, ANN, [FAR], text), r"^550 5\.7\.1 ")

    # ---- what is mended

    def test_missing_date_and_message_id_are_added(self):
        with self.bed.login() as client:
            client.sendmail(ANN, [FAR], f"From: <{ANN}>\r\nTo: <{FAR}>\r\nSubject: bare-of-fields\r\n\r\nhello\r\n")
        self.bed.posthorn.wait_for_empty_queue()
        message = next(parsed(one.octets) for one in self.sink.messages if b"bare-of-fields" in one.octets)
        self.assertEqual(len(message.get_all("Date")), 1)
        self.assertRegex(message["Message-ID"], rf"^<[^<>@\s]+@[^<>@\s]+>$")

    def test_bcc_is_removed(self):
        text = note(ANN, FAR, "bcc@test").replace("Subject:", f"Bcc: <{BOB}>,\r\n <hidden@far.example>\r\nSubject:")
        with self.bed.login() as client:
            client.sendmail(ANN, [FAR, BOB, "hidden@far.example"], text)
        self.at_sink("bcc@test")
        for octets in [one.octets for one in self.sink.messages if b"bcc@test" in one.octets] + \
                [one for one in self.bed.posthorn.wait_for_messages(BOB, 1) if b"bcc@test" in one]:
            self.assertNotRegex(octets.decode(), r"(?im)^bcc:|hidden@far\.example")

    def test_the_octets_stay_as_they_are(self):
        body = "".join(f"{'x' * length}\r\n" for length in (0, 1, 998, 0)) + "..\r\n trailing blanks  \t\r\n"
        self.bed.submit(FAR, message=note(ANN, FAR, "octets@test", body))
        self.bed.wait_for_state("octets@test", FAR, "relayed")
        octets = next(one.octets for one in self.sink.messages if b"octets@test" in one.octets)
        self.assertTrue(octets.endswith(b"\r\n\r\n" + body.encode()))

    # ---- size

    def test_a_message_of_50_megabytes(self):
        body = ("0123456789" * 7 + "\r\n") * (50_000_000 // 72)
        self.bed.submit([FAR, BOB], message=note(ANN, FAR, "fifty@test", body))
        self.bed.wait_for_state("fifty@test", FAR, "relayed", seconds=60)
        octets = next(one.octets for one in self.sink.messages if b"fifty@test" in one.octets[:3000])
        self.assertTrue(octets.endswith(body.encode()))

    def test_a_thousand_recipients(self):
        recipients = [f"r{number}@far.example" for number in range(1000)]
        message_id = self.bed.submit(recipients)
        for name in recipients[::333]:
            self.bed.wait_for_state(message_id, name, "relayed", seconds=60)
        self.bed.posthorn.wait_for_empty_queue(60)
        seen = [name for name in self.sink.recipients_seen() if re.fullmatch(r"r\d+@far\.example", name)]
        self.assertEqual(sorted(seen), sorted(recipients))

    # ---- secrets

    def test_z_secrets_are_told_nowhere(self):
        """Runs last: everything above has authenticated, well and badly, with the log at its most talkative."""
        posthorn = self.bed.posthorn
        with Wire(posthorn.address, posthorn.port("submissions"), tls=True) as wire:
            wire.say("EHLO client.example")
            wire.say("AUTH LOGIN")
            wire.say("YW5uQHBvc3Rob3JuLmV4YW1wbGU=")
            wire.say("dHlwZWQtc2VjcmV0LTI=")  # "typed-secret-2"
            wire.say("AUTH PLAIN AGFubkBwb3N0aG9ybi5leGFtcGxlAHR5cGVkLXNlY3JldC0z")
        secrets = [*PASSWORDS.values(), self.login["secret"], "wrong-secret-1", "typed-secret-2", "dHlwZWQtc2VjcmV0LTI",
                   "dHlwZWQtc2VjcmV0LTM", "AGFubkBwb3N0aG9ybi5leGFtcGxl"]
        places = {"the log": posthorn.log().encode(), "the configuration": posthorn.config.read_bytes()}
        places["stories"] = posthorn.run("message", "trace", ANN, "--json").stdout.encode()
        posthorn.stop()
        places |= {str(path): path.read_bytes() for path in Path(posthorn.made["config"]).parent.rglob("*") if path.is_file()}
        for name, octets in places.items():
            for secret in secrets:
                with self.subTest(place=name, secret=secret):
                    self.assertNotIn(secret.encode(), octets)


if __name__ == "__main__":
    cases.main()
