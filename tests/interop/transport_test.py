"""MTA-STS and DANE end to end: real HTTPS, real certificates, Postfix as receiver from us and as sender to us."""
import json
import shutil
import subprocess
import tempfile
import unittest

import bed
import cases
from bed import ANN, BOB, Bed, note
from jail import wait_until
from peers import Postfix
from tls_world import Authority, NameServer, PolicyHost, tlsa_of
from unpack import Unavailable

NAME_SERVER = "127.0.9.53"
POLICY_HOST_ADDRESS = "127.0.0.1"


def policy(mode, mx, max_age=604800):
    return f"version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: {max_age}\r\n"


class CertifiedPostfix(Postfix):
    """Postfix with a certificate of its own."""

    def __init__(self, *words, certificate, files=None, **settings):
        super().__init__(*words, **settings)
        self.certificate, self.files = certificate, files or {}

    def configure(self):
        cert, key = (path.read_text() for path in self.certificate)
        self.jail.write("/etc/tls/cert.pem", cert)
        self.jail.write("/etc/tls/key.pem", key, 0o600)
        for path, text in self.files.items():
            self.jail.write(path, text)
        super().configure()


class Transport(unittest.TestCase):
    POLICIES = {
        "enforce.example": policy("enforce", "*.enforce.example"),
        "wrong.example": policy("enforce", "mx1.wrong.example"),
        "unlisted.example": policy("enforce", "other.unlisted.example"),
        "testing.example": policy("testing", "mx1.testing.example"),
        "none.example": "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n",
        "redirect.example": "https://elsewhere.example/",
        "training.example": policy("training", "mx1.training.example"),
        "nocert.example": policy("enforce", "mx1.nocert.example"),
        "common.example": policy("enforce", "mx1.common.example"),
    }
    SIGNED = ["dane.example", "mismatch.example", "bogus.example", "rollover.example", "require.example"]

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="posthorn-transport-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        authority = Authority(cls.folder)
        names = [f"mta-sts.{domain}" for domain in cls.POLICIES]
        cls.policies = PolicyHost(authority, {name: body for name, body in zip(names, cls.POLICIES.values())},
                                  [name for name in names if "nocert" not in name], POLICY_HOST_ADDRESS)
        cls.addClassCleanup(cls.policies.close)
        # The host is known by some of its names only.
        known = ["enforce", "unlisted", "none", "redirect", "training", "nocert"]
        certificate = authority.issue(*(f"mx1.{name}.example" for name in known), common_name="mx1.common.example")
        cls.bed = Bed(1, **{"mta_sts.https_port": cls.policies.port, "tls.ca_file": str(authority.file)})
        domains = [*cls.POLICIES, *cls.SIGNED, "plain.example"]
        try:
            cls.peer = CertifiedPostfix("enforce.example", address=cls.bed.addresses[0], port=cls.bed.mx_port, certificate=certificate,
                                        settings={"virtual_mailbox_domains": " ".join(domains)})
            cls.lay_zone(domains, certificate[0])
            cls.addClassCleanup(cls.bed.close)
            cls.bed.open()
            cls.addClassCleanup(cls.peer.stop)
            cls.peer.start()
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason))

    @classmethod
    def lay_zone(cls, domains, cert):
        lines = cls.bed.zone.lines
        for domain in domains:
            cls.bed.lead(domain, cls.bed.addresses[0])
        for domain in cls.POLICIES:
            lines.append(f'_mta-sts.{domain}. IN TXT "v=STSv1; id=1;"')
            cls.bed.zone.host(f"mta-sts.{domain}", POLICY_HOST_ADDRESS)
        lines += [f";; secure {domain}" for domain in cls.SIGNED]
        good, bad = tlsa_of(cert), "3 1 1 " + "a" * 64
        lines += [f"_25._tcp.mx1.dane.example. IN TLSA {good}", f"_25._tcp.mx1.mismatch.example. IN TLSA {bad}",
                  f"_25._tcp.mx1.rollover.example. IN TLSA {bad}", f"_25._tcp.mx1.rollover.example. IN TLSA {good}",
                  f"_25._tcp.mx1.require.example. IN TLSA {good}", ";; bogus _25._tcp.mx1.bogus.example TLSA",
                  '_smtp._tls.enforce.example. IN TXT "v=TLSRPTv1; rua=mailto:tls@enforce.example"',
                  f"_25._tcp.mx1.plain.example. IN TLSA {bad}"]

    def story(self, message_id):
        return json.dumps(self.bed.trace(message_id))

    def goes_out(self, domain, words, **options):
        message_id = self.bed.submit(f"joe@{domain}", **options)
        self.bed.wait_for_state(message_id, f"joe@{domain}", "relayed")
        self.assertIn(words, self.story(message_id))

    def stays(self, domain, words):
        message_id = self.bed.submit(f"joe@{domain}")
        wait_until(lambda: "4.7.5" in self.bed.state(message_id, f"joe@{domain}")[1], 30, lambda: self.story(message_id))
        self.assertIn(words, self.story(message_id))
        self.assertFalse([octets for octets in self.peer.messages() if message_id.encode() in octets])
        self.bed.posthorn.ok("queue", "drop", f"joe@{domain}")

    # ---- Postfix receives from us

    def test_enforce_with_a_good_certificate(self):
        self.goes_out("enforce.example", "certificate verified (MTA-STS enforce)")

    def test_enforce_with_a_certificate_for_another_name(self):
        self.stays("wrong.example", "hostname mismatch")

    def test_the_common_name_of_a_certificate_is_no_name_of_the_host(self):
        self.stays("common.example", "hostname mismatch")

    def test_nothing_below_tls_1_2_is_spoken(self):
        """RFC 8996, RFC 9325 3.1.1; the client offers the old versions and their ciphers, whatever its own default forbids."""
        for version, spoken in (("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
            done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.bed.posthorn.port('submissions')}", version, "-cipher",
                                   "ALL:@SECLEVEL=0"], input=b"", capture_output=True, timeout=30)
            self.assertEqual(b"Cipher is (NONE)" not in done.stdout, spoken, f"{version}: {done.stdout[-600:]}{done.stderr[-600:]}")
        for cipher in ("RC4", "3DES", "EXPORT", "aNULL", "eNULL"):
            done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.bed.posthorn.port('submissions')}", "-tls1_2", "-cipher",
                                   f"{cipher}:@SECLEVEL=0"], input=b"", capture_output=True, timeout=30)
            self.assertTrue(b"Cipher is (NONE)" in done.stdout or done.returncode, f"{cipher}: {done.stdout[-600:]}")

    def test_enforce_with_an_mx_that_is_not_listed(self):
        self.stays("unlisted.example", "does not list this host")

    def test_testing_delivers_and_says_what_enforce_would(self):
        self.goes_out("testing.example", "hostname mismatch (MTA-STS testing)")

    def test_none_and_what_cannot_be_fetched_are_no_policy(self):
        self.goes_out("none.example", "relayed")
        self.goes_out("redirect.example", "HTTP status 301")
        self.goes_out("training.example", "did you mean testing?")
        self.goes_out("nocert.example", "hostname mismatch")

    def test_dane_match_and_roll_over(self):
        self.goes_out("dane.example", "authenticated by DANE (3 1 1 ")
        self.goes_out("rollover.example", "authenticated by DANE (3 1 1 ")

    def test_dane_mismatch_and_bogus(self):
        self.stays("mismatch.example", "no TLSA record matches")
        self.stays("bogus.example", "could not be learned")

    def test_unsigned_tlsa_is_not_looked_at(self):
        self.goes_out("plain.example", "certificate not verified")

    def test_requiretls_is_offered_and_comes_back_where_the_peer_lacks_it(self):
        message_id = self.bed.submit("joe@require.example", mail_options=["REQUIRETLS"])
        self.bed.wait_for_state(message_id, "joe@require.example", "returned")
        self.assertIn("5.7.30", self.bed.state(message_id, "joe@require.example")[1])
        reports = [octets for octets in self.bed.posthorn.messages(ANN) if b"5.7.30" in octets]
        self.assertEqual(len(reports), 1)
        self.assertNotIn(b"a line with a dot", reports[0])

    # ---- the questions

    def ask(self, *words):
        done = self.bed.posthorn.run(*words, "--dns", f"zone:{self.bed.posthorn.zone_file}", "--json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        answer = json.loads(done.stdout)
        return done.returncode, answer, {finding["id"] for finding in answer["findings"]}

    def test_check_mta_sts(self):
        status, answer, found = self.ask("check", "mta-sts", "enforce.example")
        self.assertEqual((status, found), (0, set()), answer)
        self.assertEqual(answer["policy"]["mode"], "enforce")
        self.assertTrue(answer["mx"][0]["in_policy"])
        self.assertTrue(answer["mx"][0]["probes"][0]["certificate"]["valid"])
        for domain, wanted in (("wrong", {"mx-certificate"}), ("unlisted", {"sts-mx-missing", "sts-mx-extra"}),
                               ("redirect", {"sts-policy-redirect"}), ("training", {"sts-mode-unknown"}),
                               ("nocert", {"sts-policy-certificate"})):
            status, answer, found = self.ask("check", "mta-sts", f"{domain}.example")
            self.assertEqual((status, found), (1, wanted), answer)
        self.assertEqual(self.ask("check", "mta-sts", "plain.example")[2], {"sts-missing"})

    def test_check_mx_dane_and_tls_rpt(self):
        status, answer, found = self.ask("check", "mx", "enforce.example")
        self.assertEqual((status, found), (0, {"mx-single"}), answer)
        self.assertEqual(self.ask("check", "mx", "plain.example")[2], {"mx-single", "mx-certificate", "tlsa-unsigned"})
        self.assertEqual(self.ask("check", "mx", "nobody.example")[2], {"mx-missing"})
        status, answer, found = self.ask("check", "dane", "mx1.dane.example")
        self.assertEqual((status, answer["result"], found), (0, "match", set()), answer)
        status, answer, found = self.ask("check", "dane", "mx1.mismatch.example")
        self.assertEqual((status, answer["result"], found), (1, "mismatch", {"tlsa-mismatch"}), answer)
        self.assertEqual(self.ask("check", "tls-rpt", "enforce.example")[0], 0)
        self.assertEqual(self.ask("check", "tls-rpt", "plain.example")[2], {"tlsrpt-missing"})


class DaneSender(unittest.TestCase):
    """Postfix that does DANE sends to us; its resolver says that everything was validated."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="posthorn-dane-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.authority = Authority(cls.folder)
        cls.bed = Bed(0)
        cls.addClassCleanup(cls.bed.close)
        try:
            cls.posthorn = cls.bed.open()
            certificate = cls.posthorn.made_certificate()
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason))
        port = cls.posthorn.port("smtp")
        cls.table = {(f"mail.{bed.DOMAIN}", "A"): ["127.0.0.1"],
                     (f"_{port}._tcp.mail.{bed.DOMAIN}", "TLSA"): [tlsa_of(certificate)],
                     ("other.example", "A"): ["127.0.0.1"],
                     (f"_{port}._tcp.other.example", "TLSA"): ["3 1 1 " + "b" * 64]}
        try:
            cls.names = NameServer(NAME_SERVER, cls.table)
        except OSError as reason:
            raise unittest.SkipTest(f"no name server on port 53: {reason}")
        cls.addClassCleanup(cls.names.close)
        settings = {"smtp_dns_support_level": "dnssec", "smtp_host_lookup": "dns", "smtp_tls_security_level": "dane-only",
                    "transport_maps": f"inline:{{ {{ {bed.DOMAIN} = smtp:[mail.{bed.DOMAIN}]:{port} }}, {{ mismatch.example = smtp:[other.example]:{port} }} }}",
                    "debug_peer_level": "2"}
        try:
            cls.peer = CertifiedPostfix("postfix.example", certificate=cls.authority.issue("mail.postfix.example"), settings=settings,
                                        files={"/etc/resolv.conf": f"nameserver {NAME_SERVER}\noptions trust-ad edns0\n"})
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason))
        cls.addClassCleanup(cls.peer.stop)
        cls.peer.start()

    def send(self, recipient, message_id):
        import smtplib
        with smtplib.SMTP(self.peer.address, self.peer.port, local_hostname="client.example") as client:
            client.sendmail("pia@postfix.example", [recipient], note("pia@postfix.example", recipient, message_id))

    def test_our_key_is_the_one_published(self):
        self.send(BOB, "dane-in@test")
        wait_until(lambda: any(b"dane-in@test" in octets for octets in self.posthorn.messages(BOB)), 30, self.peer.log)
        self.assertIn("Verified TLS connection established to mail.posthorn.example", self.peer.log())

    def test_another_key_keeps_the_mail_there(self):
        self.send("bob@mismatch.example", "dane-wrong@test")
        wait_until(lambda: "Server certificate not trusted" in self.peer.log() or "not verified" in self.peer.log(), 30, self.peer.log)
        self.assertFalse(any(b"dane-wrong@test" in octets for octets in self.posthorn.messages(BOB)))


if __name__ == "__main__":
    cases.main()
