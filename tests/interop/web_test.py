"""The web listeners, and certificates from a real ACME authority by http-01."""
import hashlib
import http.client
import socket
import unittest

from acme_authority import AUTHORITY, SECONDS, Pebble, issuer_of
from bed import DOMAIN, Bed, unchecked
import cases
from jail import wait_until
from unpack import Unavailable


class Web(unittest.TestCase):
    def get(self, port, path, secure, host=f"mta-sts.{DOMAIN}", method="GET"):
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind("127.0.0.1", port, timeout=10, **({"context": unchecked()} if secure else {}))
        self.addCleanup(connection.close)
        connection.request(method, path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def open(self, **settings):
        bed = Bed(0, **settings)
        self.addCleanup(bed.close)
        bed.zone.host(AUTHORITY, "127.0.0.1")
        return bed.open(listen=("smtp", "submission", "submissions", "http", "https"))

    def test_each_listener_answers_what_is_its_own(self):
        posthorn = self.open()
        plain, secure = posthorn.port("http"), posthorn.port("https")
        for port, over_tls in ((plain, False), (secure, True)):
            self.assertEqual(self.get(port, "/", over_tls)[0], 404)
            self.assertEqual(self.get(port, "/.well-known/mta-sts.txt", over_tls)[0], 404, "a policy of a domain that has none")
            self.assertEqual(self.get(port, "/.well-known/acme-challenge/guess", over_tls)[0], 404)
            self.assertEqual(self.get(port, "/", over_tls, method="POST")[0], 405)
            self.assertEqual(self.get(port, "/", over_tls, method="HEAD"), (404, ""))
        with socket.create_connection(("127.0.0.1", plain), 10) as garbage:
            garbage.sendall(b"EHLO x\r\n\r\n")
            self.assertIn(b" 400 ", garbage.recv(4096))

    def test_pebble_issues_a_certificate_that_every_listener_uses(self):
        bed = Bed(0)
        self.addCleanup(bed.close)
        bed.zone.host(AUTHORITY, "127.0.0.1")
        posthorn = bed.open(listen=("smtp", "submission", "submissions", "http", "https"))
        try:
            pebble = Pebble(posthorn.port("http"))
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(pebble.stop)
        self.assertNotIn("Pebble", issuer_of(posthorn.port("submissions"), posthorn.host_name))
        posthorn.settings = {"acme.directory": f"https://{AUTHORITY}:{pebble.port}/dir", "acme.names": [f"imap.{DOMAIN}"],
                             "acme.contact": [f"mailto:postmaster@{DOMAIN}"], "tls.ca_file": str(pebble.certificate)}
        posthorn._change_config()
        posthorn.restart()
        wait_until(lambda: "Pebble" in issuer_of(posthorn.port("submissions"), posthorn.host_name), SECONDS,
                   lambda: f"no certificate came:\n{posthorn.process.tail(20)}\n{pebble.process.tail(20)}")
        shown = issuer_of(posthorn.port("https"), f"imap.{DOMAIN}")
        self.assertIn("Pebble", shown)
        self.assertIn(f"DNS:imap.{DOMAIN}", shown)
        self.assertIn(f"DNS:{posthorn.host_name}", shown)
        pebble.process.stop()
        posthorn.restart()
        self.assertIn("Pebble", issuer_of(posthorn.port("submissions"), posthorn.host_name), "the certificate was lost by a restart")
        for file in (posthorn.config.parent / "store").rglob("*"):
            if file.is_file():
                self.assertNotIn(b"PRIVATE KEY", file.read_bytes(), f"{file.name} holds an open key")

    def test_a_policy_host_for_a_domain_whose_mail_is_elsewhere(self):
        """It only points mta-sts.elsewhere.example at us: policy, certificate by the authority, chosen by SNI, and the log of fetches."""
        domain, host = "elsewhere.example", "mta-sts.elsewhere.example"
        bed = Bed(0)
        self.addCleanup(bed.close)
        bed.zone.host(AUTHORITY, "127.0.0.1").host(host, "127.0.0.1").mx(domain, "mx.provider.example")
        posthorn = bed.open(listen=("smtp", "submission", "submissions", "http", "https"))
        try:
            pebble = Pebble(posthorn.port("http"))
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(pebble.stop)
        posthorn.settings = {"acme.directory": f"https://{AUTHORITY}:{pebble.port}/dir", "tls.ca_file": str(pebble.certificate)}
        posthorn._change_config()
        posthorn.restart()
        posthorn.ok("domain", "add", domain, "--elsewhere")
        posthorn.ok("domain", "set", domain, "--mx", "10:mx.provider.example")
        posthorn.ok("domain", "rollout", domain, "testing", "--without-evidence")
        posthorn.ok("domain", "apply", domain, "--by-hand")
        served = [entry for entry in posthorn.json("domain", "rollout", domain)["policies"] if entry["served"]]
        self.assertEqual(len(served), 1)
        before = served[0]["last_fetched"]
        status, body = self.get(posthorn.port("https"), "/.well-known/mta-sts.txt", True, host=host)
        self.assertEqual(status, 200)
        self.assertIn("mx: mx.provider.example", body)
        self.assertEqual(served[0]["id"], hashlib.sha256(body.encode()).hexdigest()[:32])
        after = [entry for entry in posthorn.json("domain", "rollout", domain)["policies"] if entry["served"]][0]["last_fetched"]
        self.assertTrue(after and after >= (before or ""), f"{before} -> {after}")
        # The first order, for the host's own names, may be under way.
        wait_until(lambda: posthorn.run("certificate", "renew", host).returncode == 0, SECONDS, lambda: posthorn.process.tail(20))
        shown = issuer_of(posthorn.port("https"), host)
        self.assertIn("Pebble", shown)
        self.assertIn(f"DNS:{host}", shown)
        self.assertNotIn(f"DNS:{host}", issuer_of(posthorn.port("https"), posthorn.host_name), "each name has its own certificate")
        posthorn.restart()
        self.assertEqual(self.get(posthorn.port("https"), "/.well-known/mta-sts.txt", True, host=host), (200, body))


if __name__ == "__main__":
    cases.main()
