"""What Posthorn signs verifies with dkimpy, Mail::DKIM and opendkim, and what they sign verifies here; ARC with dkimpy."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from base64 import b64encode
from pathlib import Path

import bed  # noqa: F401  (finds `cases` too)
import cases
from posthorn import BINARY
from unpack import Unavailable, environment, unpacked

DOMAIN = "alpha.example"
FORMS = [f"{header}/{body}" for header in ("relaxed", "simple") for body in ("relaxed", "simple")]
PLAIN = (b"From: Ann <ann@alpha.example>\r\nTo: bob@beta.example\r\nSubject:  Hello   there\r\n\tyou\r\n"
         b"Date: Thu, 24 Dec 2026 08:00:00 +0000\r\nMessage-ID: <1@alpha.example>\r\nMIME-Version: 1.0\r\n"
         b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello,  Bob. \r\n\r\n.dot\r\n\r\n\r\n")
EMPTY_BODY = PLAIN[:PLAIN.index(b"\r\n\r\n") + 4]
IN_SMTP = {"plain": PLAIN, "empty body": EMPTY_BODY}
# RFC 6376 3.4.3 adds the CRLF that is missing; Mail::DKIM and opendkim, made for SMTP, do not.
MESSAGES = {**IN_SMTP, "no end of line": PLAIN.rstrip() + b" end"}

MAIL_DKIM = r"""
use strict; use warnings; no warnings 'redefine';
use Mail::DKIM::Verifier; use Mail::DKIM::Signer; use Mail::DKIM::DNS; use Net::DNS;
my ($what, @rest) = @ARGV;
binmode STDIN; binmode STDOUT;
my $message = do { local $/; <STDIN> };
if ($what eq 'sign') {
    my ($selector, $key, $form) = @rest;
    my $signer = Mail::DKIM::Signer->new(Algorithm => 'rsa-sha256', Method => $form, Domain => 'alpha.example',
                                         Selector => $selector, KeyFile => $key);
    $signer->PRINT($message); $signer->CLOSE;
    print $signer->signature->as_string, "\r\n", $message;
} else {
    my ($name, $record) = @rest;
    *Mail::DKIM::DNS::query = sub {
        return $_[0] eq $name ? Net::DNS::RR->new(owner => $name, type => 'TXT', txtdata => [ $record =~ /(.{1,250})/g ]) : ();
    };
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT($message); $verifier->CLOSE;
    print $verifier->result;
}
"""

# Run beside the test because the unpacked libraries must be found when Python starts.
DKIMPY = r"""
import json, sys
import dkim
task = json.loads(sys.argv[1])
message = sys.stdin.buffer.read()
records = {name.rstrip("."): text.encode() for name, text in task.get("records", {}).items()}
dns = lambda name, timeout=5: records.get(name.decode().rstrip("."))
key = open(task["key"], "rb").read() if "key" in task else None
if task["do"] == "verify":
    d = dkim.DKIM(message)
    def holds(index):
        try:
            return d.verify(idx=index, dnsfunc=dns)
        except dkim.ValidationError:
            return False
    print(all(holds(index) for index in range(task["signatures"])))
elif task["do"] == "arc_verify":
    print(dkim.arc_verify(message, dnsfunc=dns)[0].decode())
elif task["do"] == "sign":
    form = tuple(task["form"].encode().split(b"/"))
    algorithm = task["algorithm"].encode()
    sys.stdout.buffer.write(dkim.sign(message, task["selector"].encode(), b"alpha.example", key.strip() if algorithm.startswith(b"ed") else key,
                                      canonicalize=form, signature_algorithm=algorithm) + message)
else:
    sys.stdout.buffer.write(b"".join(dkim.arc_sign(message, task["selector"].encode(), b"alpha.example", key, task["host"].encode())) + message)
"""


def run(words, message, env=None):
    done = subprocess.run([str(word) for word in words], input=message, capture_output=True, env=env, timeout=60)
    if done.returncode != 0:
        raise AssertionError(f"{words[0]}: {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout


class Trust(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not BINARY.exists():
            raise unittest.SkipTest(f"{BINARY} is not built")
        cls.folder = tempfile.TemporaryDirectory(prefix="posthorn-trust-")
        cls.dir = Path(cls.folder.name)
        cls.records = {}
        cls.make_key("r1", "rsa", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        cls.make_key("e1", "ed25519", "-algorithm", "ed25519")
        lines = [f'{name}. TXT ' + " ".join(f'"{text[at:at + 250]}"' for at in range(0, len(text), 250)) for name, text in cls.records.items()]
        (cls.dir / "zone").write_text("\n".join(lines) + "\n")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def make_key(cls, selector, kind, *options):
        pem = cls.dir / f"{selector}.pem"
        subprocess.run(["openssl", "genpkey", *options, "-out", pem], check=True, capture_output=True)
        public = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        octets = public[-32:] if kind == "ed25519" else public
        cls.records[f"{selector}._domainkey.{DOMAIN}"] = f"v=DKIM1; k={kind}; p={b64encode(octets).decode()}"
        if kind == "ed25519":
            private = subprocess.run(["openssl", "pkey", "-in", pem, "-outform", "DER"], check=True, capture_output=True).stdout
            (cls.dir / f"{selector}.seed").write_bytes(b64encode(private[-32:]))

    def peer(self, name):
        try:
            return unpacked(name)
        except Unavailable as reason:
            self.skipTest(f"{name}: {reason}")

    # ---- the parties

    def sign(self, selector, message, *options):
        return run([BINARY, "sign", "dkim", "--domain", DOMAIN, "--selector", selector, "--key", self.dir / f"{selector}.pem",
                    *options, "-"], message)

    def verified(self, message):
        out = run([BINARY, "verify", "--json", "--dns", f"zone:{self.dir}/zone", "-"], message)
        return json.loads(out)

    def assert_passes_here(self, message, count=1):
        signatures = self.verified(message)["dkim"]
        self.assertEqual([s["result"] for s in signatures], ["pass"] * count, signatures)

    def dkimpy(self, message, **task):
        folder = self.peer("dkimpy")
        env = {**environment(folder), "PYTHONPATH": str(folder / "usr/lib/python3/dist-packages")}
        return run([sys.executable, "-c", DKIMPY, json.dumps({"records": self.records, **task})], message, env)

    def mail_dkim(self, message, *words):
        folder = self.peer("mail-dkim")
        return run(["perl", "-e", MAIL_DKIM, "--", *words], message, environment(folder))

    def opendkim(self, message, **settings):
        folder = self.peer("opendkim")
        (self.dir / "opendkim.keys").write_text("".join(f"{name} {text}\n" for name, text in self.records.items()))
        settings = {"Syslog": "no", "TestPublicKeys": self.dir / "opendkim.keys", **settings}
        (self.dir / "opendkim.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        (self.dir / "opendkim.eml").write_bytes(message)
        return run([folder / "usr/sbin/opendkim", "-x", self.dir / "opendkim.conf", "-vv", "-t", self.dir / "opendkim.eml"], b"",
                   environment(folder)).decode()

    # ---- ours at theirs

    def each(self, check, messages=MESSAGES, forms=FORMS):
        for name, message in messages.items():
            for form in forms:
                with self.subTest(message=name, form=form):
                    check(message, form)

    def test_dkimpy_verifies_ours(self):
        def check(message, form):
            signed = self.sign("e1", self.sign("r1", message, "--canonicalization", form), "--canonicalization", form)
            self.assertEqual(self.dkimpy(signed, do="verify", signatures=2).strip(), b"True")

        self.each(check)
        self.assertEqual(self.dkimpy(self.sign("r1", PLAIN).replace(b"Bob", b"Rob"), do="verify", signatures=1).strip(), b"False")

    def test_mail_dkim_verifies_ours(self):
        """Debian 12's Mail::DKIM knows no Ed25519."""
        name = f"r1._domainkey.{DOMAIN}"

        def check(message, form):
            signed = self.sign("r1", message, "--canonicalization", form)
            self.assertEqual(self.mail_dkim(signed, "verify", name, self.records[name]), b"pass")

        self.each(check, IN_SMTP)
        changed = self.sign("r1", PLAIN).replace(b"Bob", b"Rob")
        self.assertEqual(self.mail_dkim(changed, "verify", name, self.records[name]), b"fail")

    def test_opendkim_verifies_ours(self):
        """Only the relaxed form of the header: in its test mode opendkim changes folds as it reads the file."""
        def check(message, form):
            said = self.opendkim(self.sign("r1", message, "--canonicalization", form), Mode="v")
            self.assertIn("dkim=pass (2048-bit key) header.d=alpha.example", said)

        self.each(check, IN_SMTP, ("relaxed/relaxed", "relaxed/simple"))
        self.assertIn("dkim=fail", self.opendkim(self.sign("r1", PLAIN).replace(b"Bob", b"Rob"), Mode="v"))

    # ---- theirs here

    def test_ours_verifies_dkimpy(self):
        def check(message, form):
            for selector, key, algorithm in (("r1", "r1.pem", "rsa-sha256"), ("e1", "e1.seed", "ed25519-sha256")):
                signed = self.dkimpy(message, do="sign", selector=selector, key=str(self.dir / key), form=form, algorithm=algorithm)
                self.assert_passes_here(signed)

        self.each(check)

    def test_ours_verifies_mail_dkim(self):
        self.each(lambda message, form: self.assert_passes_here(self.mail_dkim(message, "sign", "r1", self.dir / "r1.pem", form)), IN_SMTP)

    def test_ours_signs_with_the_key_file_of_dkimpy(self):
        signed = run([BINARY, "sign", "dkim", "--domain", DOMAIN, "--selector", "e1", "--key", self.dir / "e1.seed", "-"], PLAIN)
        self.assert_passes_here(signed)

    # ---- ARC

    def test_chains_of_ours_and_dkimpy(self):
        message = self.sign("r1", PLAIN)
        for number, party in enumerate(("ours", "theirs", "ours", "theirs"), 1):
            host = f"mx{number}.beta.example"
            with self.subTest(round=number, party=party):
                found = "none" if number == 1 else "pass"
                judged = f"Authentication-Results: {host}; arc={found}; dkim=pass header.d={DOMAIN}\r\n".encode() + message
                if party == "ours":
                    message = run([BINARY, "sign", "arc", "--domain", DOMAIN, "--selector", "r1", "--key", self.dir / "r1.pem",
                                   "--authserv-id", host, "--dns", f"zone:{self.dir}/zone", "-"], judged)
                else:
                    message = self.dkimpy(judged, do="arc_sign", selector="r1", key=str(self.dir / "r1.pem"), host=host)
                self.assertEqual(self.dkimpy(message, do="arc_verify").strip(), b"pass")
                arc = self.verified(message)["arc"]
                self.assertEqual((arc["result"], arc["sets"]), ("pass", number), arc["reason"])


if __name__ == "__main__":
    cases.main()
