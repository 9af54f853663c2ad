"""A real ACME authority: Pebble, the test server of Let's Encrypt. It checks every signature, wants fresh nonces, and looks at
proofs over a DNS of its own (every name is 127.0.0.1) or over the one that it is given.

    pebble = Pebble(http_port)          # or Pebble(dns="127.0.0.1:5300")
    issuer_of(port, name)               # what a TLS listener shows
"""
import json
import os
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path

from bed import unchecked
from jail import Process, accepts, free_port
from unpack import unpacked

AUTHORITY = "authority.example"
SECONDS = 60


class Pebble:
    """The authority and, where none is given, the DNS it asks: every name is 127.0.0.1. `slow`: it takes seconds to look."""

    def __init__(self, http_port=0, dns=None, slow=False):
        self.folder = Path(tempfile.mkdtemp(prefix="posthorn-pebble-"))
        programs = unpacked("pebble") / "usr" / "bin"
        self.port, self.dns_port, self.management = free_port(), free_port(), free_port()
        self.certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={AUTHORITY}", "-addext",
                        f"subjectAltName=DNS:{AUTHORITY}", "-keyout", key, "-out", self.certificate], check=True, capture_output=True)
        config = self.folder / "pebble.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(self.certificate), "privateKey": str(key), "httpPort": http_port or free_port(), "tlsPort": free_port(),
            "ocspResponderURL": "", "externalAccountBindingRequired": False}}))
        self.dns = None if dns else self.challenge_server(programs)
        pace = {} if slow else {"PEBBLE_VA_NOSLEEP": "1"}
        self.process = Process([programs / "pebble", "-config", config, "-dnsserver", dns or f"127.0.0.1:{self.dns_port}"],
                               self.folder / "pebble.log", env={**os.environ, **pace, "PEBBLE_WFE_NONCEREJECT": "30"})
        self.process.wait_for(lambda: accepts("127.0.0.1", self.port), SECONDS, "pebble accepts connections")

    def challenge_server(self, programs):
        control = free_port()
        server = Process([programs / "pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01",
                          f"127.0.0.1:{self.dns_port}", "-http01", "", "-https01", "", "-tlsalpn01", "", "-management",
                          f"127.0.0.1:{control}"], self.folder / "dns.log")
        server.wait_for(lambda: accepts("127.0.0.1", control), SECONDS, "the DNS for pebble answers")
        return server

    def stop(self):
        for process in (self.process, self.dns):
            if process:
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
