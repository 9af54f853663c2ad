"""The web listeners and certificates from a real ACME authority: Pebble, the test server of Let's Encrypt, which checks every
signature, wants fresh nonces, and looks at our http-01 proof over a DNS of its own."""
import http.client
import json
import os
import socket
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

from bed import DOMAIN, Bed, unchecked
import cases
from jail import Process, accepts, free_port, wait_until
from unpack import Unavailable, unpacked

AUTHORITY = "authority.example"
SECONDS = 60


class Pebble:
    """The authority and the DNS it asks: every name is 127.0.0.1."""

    def __init__(self, http_port):
        self.folder = Path(tempfile.mkdtemp(prefix="posthorn-pebble-"))
        programs = unpacked("pebble") / "usr" / "bin"
        self.port, self.dns_port, self.management = free_port(), free_port(), free_port()
        self.certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={AUTHORITY}", "-addext",
                        f"subjectAltName=DNS:{AUTHORITY}", "-keyout", key, "-out", self.certificate], check=True, capture_output=True)
        config = self.folder / "pebble.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(self.certificate), "privateKey": str(key), "httpPort": http_port, "tlsPort": free_port(),
            "ocspResponderURL": "", "externalAccountBindingRequired": False}}))
        control = free_port()
        self.dns = Process([programs / "pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01",
                            f"127.0.0.1:{self.dns_port}", "-http01", "", "-https01", "", "-tlsalpn01", "", "-management",
                            f"127.0.0.1:{control}"], self.folder / "dns.log")
        self.dns.wait_for(lambda: accepts("127.0.0.1", control), SECONDS, "the DNS for pebble answers")
        self.process = Process([programs / "pebble", "-config", config, "-dnsserver", f"127.0.0.1:{self.dns_port}"],
                               self.folder / "pebble.log", env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "30"})
        self.process.wait_for(lambda: accepts("127.0.0.1", self.port), SECONDS, "pebble accepts connections")

    def stop(self):
        for process in (self.process, self.dns):
            process.stop()
        subprocess.run(["rm", "-r", str(self.folder)], check=False)


def issuer_of(port, name):
    """Who issued what the listener shows for this name, as one line."""
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        with unchecked().wrap_socket(plain, server_hostname=name) as secure:
            der = secure.getpeercert(binary_form=True)
    done = subprocess.run(["openssl", "x509", "-noout", "-issuer", "-ext", "subjectAltName"], input=ssl.DER_cert_to_PEM_cert(der),
                          capture_output=True, text=True)
    return done.stdout


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


if __name__ == "__main__":
    cases.main()
