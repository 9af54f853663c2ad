"""Postfix and Posthorn over what the DNS promises, both ways: a zone that BIND signs and Unbound validates, DANE in both programs,
and MTA-STS in Postfix by the resolver that Debian packages for it, against a policy that Posthorn rolled out and serves."""
import hashlib
import json
import os
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from bed import note, unchecked
import cases
from jail import Process, accepts, free_port, wait_until
from names import KEY, SECRET, SignedBind, Unbound
from posthorn import Posthorn, Zone
from tls_world import Authority, PolicyHost, tlsa_of
from transport_test import CertifiedPostfix, policy
from unpack import Unavailable, environment, unpacked

DOMAIN, SECONDS = "posthorn.example", 30
BAD = "3 1 1 " + "a" * 64


def free_address(port, taken=set()):
    """A loopback address on which this port, a privileged one, is free."""
    for number in range(20, 250):
        address = f"127.0.8.{number}"
        if (address, port) in taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
        taken.add((address, port))
        return address
    raise Unavailable(f"no loopback address has port {port} free")


class StsResolver:
    """postfix-mta-sts-resolver, asking our DNS: it sees a resolv.conf of its own."""

    def __init__(self, folder, name_server, authority):
        package = unpacked("mta-sts-resolver")
        self.port = free_port()
        config, resolv = folder / "sts.yml", folder / "resolv.conf"
        config.write_text(f"host: 127.0.0.1\nport: {self.port}\ncache:\n  type: internal\ndefault_zone:\n  strict_testing: false\n  timeout: 10\n")
        resolv.write_text(f"nameserver {name_server}\noptions timeout:2\n")
        run = "import sys; from postfix_mta_sts_resolver.daemon import main; sys.exit(main())"
        inner = 'mount --make-rprivate / && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
        variables = {**environment(package), "PYTHONPATH": str(package / "usr/lib/python3/dist-packages"), "SSL_CERT_FILE": str(authority)}
        self.process = Process(["unshare", "--mount", "sh", "-c", inner, "sh", resolv, sys.executable, "-c", run, "-c", config], folder / "sts.log",
                               env=variables)

    def start(self):
        try:
            self.process.wait_for(lambda: accepts("127.0.0.1", self.port), SECONDS, "the MTA-STS resolver listens")
        except RuntimeError as reason:
            raise Unavailable(f"the MTA-STS resolver does not run here: {reason}") from reason


class SecurePeers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="posthorn-secure-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        try:
            cls.lay_out()
        except Unavailable as reason:
            cls.doClassCleanups()
            raise unittest.SkipTest(str(reason))

    @classmethod
    def lay_out(cls):
        authority = Authority(cls.folder / "ca")
        cls.resolver_address, cls.web, cls.policy_address = free_address(53), free_address(443), free_address(443)
        cls.peer_address, cls.mx_port = "127.0.8.10", free_port("127.0.8.10")
        certificate = authority.issue(f"mail.{DOMAIN}", f"mta-sts.{DOMAIN}")
        # Children of the signed zone: two whose parent says that they are not signed, two that are not signed although it says so.
        opened = [*cls.lead("open.example", cls.peer_address), f"_25._tcp.mx.open.example. TLSA {BAD}"]
        cls.bind = SignedBind(cls.records(), {"plain.example": cls.lead("plain.example", cls.web), "open.example": opened},
                              {"broken.example": cls.lead("broken.example", cls.web), "forged.example": cls.lead("forged.example", cls.peer_address)})
        cls.addClassCleanup(cls.bind.__exit__)
        cls.bind.__enter__()
        cls.unbound = Unbound(cls.resolver_address, cls.bind)
        cls.addClassCleanup(cls.unbound.__exit__)
        cls.unbound.__enter__()
        cls.open_posthorn(authority, certificate)
        cls.open_peers(authority)
        cls.bind.add(f"_{cls.smtp}._tcp.mail.{DOMAIN}", "TLSA", BAD)  # the key of before, beside the present one
        cls.bind.add(f"_{cls.smtp}._tcp.mail.{DOMAIN}", "TLSA", tlsa_of(certificate[0]))
        cls.bind.add(f"_{cls.smtp}._tcp.mx.mismatch.example", "TLSA", BAD)
        for host, records in (("match", [tlsa_of(cls.peer.certificate[0])]), ("other", [BAD]),
                              ("rolling", [BAD, tlsa_of(cls.peer.certificate[0])])):
            for record in records:
                cls.bind.add(f"_25._tcp.mx.{host}.example", "TLSA", record)

    @staticmethod
    def lead(domain, address, host=None):
        host = host or f"mx.{domain}"
        return [f"{domain}. MX 10 {host}."] + ([f"{host}. A {address}"] if host.endswith(domain) else [])

    @classmethod
    def records(cls):
        ours = [f"mail.{DOMAIN}. A {cls.web}", f"{DOMAIN}. MX 10 mail.{DOMAIN}.", f"mta-sts.{DOMAIN}. A {cls.web}"]
        ours += cls.lead("mismatch.example", cls.web) + cls.lead("unlisted.example", None, f"mail.{DOMAIN}")
        ours += [f"mta-sts.unlisted.example. A {cls.policy_address}", '_mta-sts.unlisted.example. TXT "v=STSv1; id=1;"']
        for name in ("match", "other", "rolling"):
            ours += cls.lead(f"{name}.example", cls.peer_address)
        return ours

    @classmethod
    def open_posthorn(cls, authority, certificate):
        (cls.folder / "anchor").write_text(cls.bind.anchor)
        (cls.folder / "key").write_text(SECRET + "\n")
        cls.posthorn = Posthorn(DOMAIN, zone=Zone(), accounts={"bob": "correct horse battery"}, address=cls.web,
                                listen=("smtp", "submissions", "https"), parent=cls.folder, settings={
                                    "dns.source": cls.bind.source, "dns.trust_anchor_file": str(cls.folder / "anchor"),
                                    "relay.mx_port": cls.mx_port, "relay.allow_private": True, "tls.ca_file": str(authority.file),
                                    "tls.certificate": str(certificate[0]), "tls.key": str(certificate[1])})
        cls.posthorn.ports["https"] = 443
        cls.addClassCleanup(cls.posthorn.__exit__)
        cls.posthorn.create()
        cls.smtp = cls.posthorn.port("smtp")
        for domain in ("plain.example", "unlisted.example"):
            cls.posthorn.ok("domain", "add", domain)
            cls.posthorn.ok("address", "add", f"bob@{domain}", "--to", f"bob@{DOMAIN}")
        cls.posthorn.ok("domain", "set", DOMAIN, "--update-server", cls.bind.source, "--update-zone", "example", "--update-key", KEY,
                        "--update-key-file", cls.folder / "key")
        cls.posthorn.serve()

    @classmethod
    def open_peers(cls, authority):
        policies = {"mta-sts.unlisted.example": policy("enforce", "other.unlisted.example")}
        cls.policies = PolicyHost(authority, policies, address=cls.policy_address, port=443)
        cls.addClassCleanup(cls.policies.close)
        cls.sts = StsResolver(cls.folder, cls.resolver_address, authority.file)
        cls.addClassCleanup(cls.sts.process.stop)
        cls.sts.start()
        resolving = {"smtp_dns_support_level": "dnssec", "smtp_host_lookup": "dns", "smtp_tls_CAfile": "/etc/tls/ca.pem", "transport_maps": "inline:{ "
                     + ", ".join(f"{{ {name} = smtp:{name}:{cls.smtp} }}" for name in (
                         DOMAIN, "mismatch.example", "plain.example", "broken.example", "unlisted.example")) + " }"}
        files = {"/etc/resolv.conf": f"nameserver {cls.resolver_address}\noptions trust-ad edns0\n", "/etc/tls/ca.pem": authority.file.read_text()}
        cls.peer = CertifiedPostfix("match.example", address=cls.peer_address, port=cls.mx_port, certificate=authority.issue("mx.match.example"),
                                    files=files, settings={**resolving, "smtp_tls_security_level": "dane", "debug_peer_level": "2",
                                                           "virtual_mailbox_domains": "match.example other.example rolling.example open.example forged.example"})
        cls.sts_peer = CertifiedPostfix("sts.example", certificate=authority.issue("mail.sts.example"), files=files, settings={
            **resolving, "smtp_tls_policy_maps": f"socketmap:inet:127.0.0.1:{cls.sts.port}:postfix"})
        for peer in (cls.peer, cls.sts_peer):
            cls.addClassCleanup(peer.stop)
            peer.start()

    # ---- Postfix sends to us

    def send(self, peer, recipient):
        message_id = f"{self._testMethodName}.{recipient.split('@')[1]}@test"
        with smtplib.SMTP(peer.address, peer.port, local_hostname="client.example") as client:
            client.sendmail("pia@match.example", [recipient], note("pia@match.example", recipient, message_id))
        return message_id

    def arrives(self, peer, recipient, words):
        message_id = self.send(peer, recipient).encode()
        wait_until(lambda: any(message_id in octets for octets in self.posthorn.messages(f"bob@{DOMAIN}")), SECONDS, peer.log)
        self.assertIn(words, peer.log())

    def waits(self, peer, recipient, *words):
        message_id = self.send(peer, recipient).encode()
        wait_until(lambda: any(f"to=<{recipient}>" in line and any(word in line for word in words) for line in peer.log().splitlines()), SECONDS,
                   peer.log)
        self.assertFalse(any(message_id in octets for octets in self.posthorn.messages(f"bob@{DOMAIN}")))

    def test_postfix_with_dane_trusts_the_key_that_the_signed_zone_names(self):
        self.arrives(self.peer, f"bob@{DOMAIN}", f"Verified TLS connection established to mail.{DOMAIN}")

    def test_postfix_with_dane_keeps_mail_where_the_zone_names_another_key(self):
        self.waits(self.peer, "bob@mismatch.example", "not trusted", "not verified")

    def test_postfix_with_dane_looks_at_no_record_of_an_unsigned_zone(self):
        self.arrives(self.peer, "bob@plain.example", "TLS connection established to mx.plain.example")

    def test_postfix_keeps_mail_where_signatures_are_broken(self):
        self.waits(self.peer, "bob@broken.example", "status=deferred")

    def test_postfix_with_mta_sts_trusts_the_policy_that_we_roll_out_and_serve(self):
        for mode in ("testing", "enforce"):
            self.posthorn.ok("domain", "rollout", DOMAIN, mode, "--without-evidence")
            self.posthorn.ok("domain", "apply", DOMAIN, "--publish")
        body = self.fetched(f"mta-sts.{DOMAIN}")
        self.assertIn("mode: enforce", body)
        rows = json.loads(self.posthorn.ok("dns", "query", "TXT", f"_mta-sts.{DOMAIN}", "--dns", self.bind.source, "--json"))["answers"]
        self.assertEqual(len(rows), 1)
        self.assertIn(f"id={hashlib.sha256(body.encode()).hexdigest()[:32]}", rows[0]["data"], "the id is of the body that is served")
        self.arrives(self.sts_peer, f"bob@{DOMAIN}", f"Verified TLS connection established to mail.{DOMAIN}")
        log = self.posthorn.json("domain", "rollout", DOMAIN)["policies"]
        self.assertTrue(all(entry["last_fetched"] for entry in log if entry["served"]), f"the fetch is in the log of policies: {log}")

    def test_postfix_with_mta_sts_keeps_mail_for_a_host_that_the_policy_does_not_list(self):
        self.waits(self.sts_peer, "bob@unlisted.example", "status=deferred")

    def fetched(self, host):
        import http.client
        connection = http.client.HTTPSConnection(self.web, 443, timeout=10, context=unchecked())
        self.addCleanup(connection.close)
        connection.request("GET", "/.well-known/mta-sts.txt", headers={"Host": host})
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        return answer.read().decode()

    # ---- Postfix receives from us

    def submit(self, recipient):
        message_id = f"{self._testMethodName}.{recipient.split('@')[1]}@{DOMAIN}"
        with smtplib.SMTP_SSL(self.web, self.posthorn.port("submissions"), context=unchecked(), local_hostname="client.example") as client:
            client.login(f"bob@{DOMAIN}", "correct horse battery")
            client.sendmail(f"bob@{DOMAIN}", [recipient], note(f"bob@{DOMAIN}", recipient, message_id))
        return message_id

    def told(self, recipient, words):
        message_id = self.submit(recipient)
        wait_until(lambda: words in self.story(message_id), SECONDS, lambda: self.story(message_id))
        return message_id

    def story(self, message_id):
        done = self.posthorn.run("message", "trace", message_id, "--json")
        return done.stdout

    def test_we_trust_the_key_that_the_signed_zone_names(self):
        message_id = self.told("joe@match.example", "authenticated by DANE (3 1 1 ").encode()
        wait_until(lambda: any(message_id in octets for octets in self.peer.messages()), SECONDS, self.peer.log)

    def test_we_trust_either_key_of_a_roll_over(self):
        self.told("joe@rolling.example", "authenticated by DANE (3 1 1 ")

    def test_we_keep_mail_where_the_zone_names_another_key(self):
        message_id = self.told("joe@other.example", "no TLSA record matches").encode()
        self.assertFalse(any(message_id in octets for octets in self.peer.messages()))

    def test_we_look_at_no_record_of_an_unsigned_zone(self):
        message_id = self.told("joe@open.example", '"state":"relayed"')
        self.assertNotIn("DANE", self.story(message_id))

    def test_we_keep_mail_where_signatures_are_broken(self):
        message_id = self.told("joe@forged.example", "DNSSEC validation failed").encode()
        self.assertIn('"state":"queued"', self.story(message_id.decode()))
        self.assertFalse(any(message_id in octets for octets in self.peer.messages()))


if __name__ == "__main__":
    cases.main()
