"""What every verb about domains and the DNS prints with --json, key by key: each has the type that is written here, none is missing,
and none is there that nobody wrote down. A new key needs a row; one that stands here stays."""
import json
import re
import subprocess
import unittest
from contextlib import ExitStack

import bed  # noqa: F401  (finds `cases` too)
import cases
from dns_peers import Bind
from posthorn import BINARY, Posthorn, Zone
from unpack import Unavailable

DOMAIN, HOST = "alpha.example", "mail.alpha.example"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
BASIC = {"text": lambda v: isinstance(v, str), "number": lambda v: isinstance(v, int) and not isinstance(v, bool),
         "flag": lambda v: isinstance(v, bool), "time": lambda v: isinstance(v, str) and TIME.fullmatch(v) is not None,
         "level": lambda v: v in ("info", "warning", "error"), "null": lambda v: v is None}


class Maybe:
    """That, or null."""

    def __init__(self, spec):
        self.spec = spec


def faults(value, spec, path="$"):
    """Where the value is not as the spec has it. A key that begins with ? may be absent."""
    if isinstance(spec, Maybe):
        return [] if value is None else faults(value, spec.spec, path)
    if isinstance(spec, str):
        return [] if BASIC[spec](value) else [f"{path}: {json.dumps(value)[:80]} is no {spec}"]
    if isinstance(spec, list):
        if not isinstance(value, list):
            return [f"{path} is no list"]
        return [fault for number, item in enumerate(value) for fault in faults(item, spec[0], f"{path}[{number}]")]
    if not isinstance(value, dict):
        return [f"{path} is no object"]
    known = {key.lstrip("?"): part for key, part in spec.items()}
    out = [f"{path}.{key} is missing" for key in spec if not key.startswith("?") and key not in value]
    out += [f"{path}.{key} is not written down" for key in value if key not in known]
    return out + [fault for key, part in known.items() if key in value for fault in faults(value[key], part, f"{path}.{key}")]


MAYBE_TEXT, MAYBE_TIME, MAYBE_NUMBER, TEXTS = Maybe("text"), Maybe("time"), Maybe("number"), ["text"]
SAID = [{"server": "text", "answer": "text", "ttl": "number", "serial": MAYBE_NUMBER}]
# INTERFACES: the form of a finding about a domain …
FINDING = {"id": "text", "level": "level", "name": "text", "reason": "text", "wanted": MAYBE_TEXT, "authoritative": SAID, "cached": MAYBE_TEXT,
           "correction": MAYBE_TEXT}
# … and of one about a text.
SHORT_FINDING = {"id": "text", "level": "level", "reason": "text", "correction": MAYBE_TEXT}
CHANGE = {"change": "text", "name": "text", "type": "text", "data": "text", "ttl": "number"}
POLICY = {"mode": "text", "max_age": "number", "mx": TEXTS, "id": "text", "text": "text"}
STEP = {"id": "text", "kind": "text", "what": "text", "why": "text", "earliest": "time", "due": "flag", "changes": [CHANGE],
        "?earliest_at_risk": "time", "?risk": "text", "?policy": POLICY, "?state": "text"}
WANTED = {"name": "text", "type": "text", "ttl": "number", "data": MAYBE_TEXT, "purpose": "text", "reason": "text", "owner": "text",
          "standing": "text", "replaces": TEXTS, "published": TEXTS, "?published_ttl": "number"}
ROAD = {"domain": "text", "state": "text", "profile": "text", "now": "time", "records": [WANTED],
        "foreign": [{"name": "text", "type": "text", "data": "text"}], "steps": [STEP], "blocked": [CHANGE], "findings": [FINDING],
        "problem": MAYBE_TEXT}
PLAN = {**ROAD, "?spf": {"record": "text", "lookups": "number", "void_lookups": "number", "problem": "text"}}
STAGE = {"mode": "text", "max_age": "number"}
SERVED = {"id": "text", "mode": "text", "max_age": "number", "mx": TEXTS, "first_served": "time", "last_fetched": "time", "held_until": "time",
          "served": "flag"}
ROLLOUT = {"domain": "text", "state": "text", "stage": Maybe(STAGE), "changed": "flag", "next": Maybe(STAGE), "allowed": "flag",
           "evidence": TEXTS, "missing": TEXTS, "earliest": MAYBE_TIME, "policies": [SERVED]}
LEAVING = {"domain": "text", "state": "text", "to": "text", "free_at": MAYBE_TIME, "seconds_left": "number", "policies": [SERVED],
           "steps": [STEP], "blocked": "number"}
KEY = {"domain": "text", "selector": "text", "algorithm": "text", "state": "text", "created": "time", "since": "time",
       "record": {"name": "text", "type": "text", "ttl": "number", "data": "text", "text": "text", "strings": TEXTS},
       "?waits": "text", "?next": "text", "?next_at": MAYBE_TIME}
CERTIFICATE = {"valid": "flag", "names": TEXTS, "issuer": "text", "key_type": "text", "not_before": "time", "not_after": "time",
               "fits_name": "flag", "expired": "flag", "trusted": "flag", "problem": "text"}
DANE = {"result": "text", "usage": MAYBE_NUMBER, "depth": MAYBE_NUMBER, "reason": "text"}
HOST_FACTS = {"host": "text", "addresses": TEXTS, "status": "text", "secure": "flag", "alias": "flag",
              "tlsa": {"state": "text", "base": "text", "records": TEXTS, "reason": "text"},
              "probes": [{"address": "text", "connected": "flag", "starttls": "flag", "encrypted": "flag", "requiretls": "flag",
                          "greeting": "text", "tls": "text", "problem": "text", "certificate": Maybe(CERTIFICATE), "dane": Maybe(DANE)}],
              "answers": TEXTS}
MX = {"preference": "number", **HOST_FACTS}
STS = {"domain": "text", "valid": "flag",
       "record": {"state": "text", "id": MAYBE_TEXT, "texts": TEXTS, "reason": "text", "answers": TEXTS},
       "policy": Maybe({"url": "text", "status": MAYBE_NUMBER, "content_type": "text", "location": "text", "failure": MAYBE_TEXT,
                        "reason": "text", "id_of_file": MAYBE_TEXT, "valid": "flag", "mode": MAYBE_TEXT, "max_age": MAYBE_NUMBER, "mx": TEXTS,
                        "lines": TEXTS})}
RECORD_ROW = {"name": "text", "type": "text", "wanted": TEXTS, "authoritative": SAID, "cached": MAYBE_TEXT, "cached_seconds": MAYBE_NUMBER,
              "disagree": "flag", "old_until": MAYBE_TIME}
CHECK = {"domain": "text", "kind": "text", "state": MAYBE_TEXT, "checked_at": "time", "zone": "text",
         "servers": [{"server": "text", "state": "text", "serial": MAYBE_NUMBER, "problem": MAYBE_TEXT}], "dnssec": MAYBE_TEXT,
         "signature_expires": MAYBE_TIME, "spf": {"lookups": "number", "void_lookups": "number", "tree": TEXTS}, "mx": [MX],
         "mta_sts": Maybe(STS), "records": [RECORD_ROW], "findings": [{**FINDING, "old_until": MAYBE_TIME}], "questions": "number",
         "budget": {"allowed": "number", "servers": [{"server": "text", "questions": "number"}]}, "problem": MAYBE_TEXT}
WATCHED = {"domain": "text", "state": "text", "watched": "flag", "interval": "number", "last_check": MAYBE_TIME, "next_check": MAYBE_TIME,
           "problem": MAYBE_TEXT, "errors": "number", "warnings": "number"}
WATCH = {**WATCHED, "subdomains": TEXTS, "findings": [{**FINDING, "since": "time", "sighting": "text"}],
         "history": [{"at": "time", "what": "text", "id": "text", "level": "level", "name": "text", "reason": "text", "told": MAYBE_TIME}]}
DOMAIN_ROW = {"domain": "text", "state": "text", "hosted": "flag", "inbound_dmarc": MAYBE_TEXT, "inbound_dns_failure": MAYBE_TEXT, "created": "time"}
ANSWER = {"name": "text", "type": "text", "data": "text", "ttl": "number", "server": "text", "authoritative": "flag", "cached": "flag",
          "validated": "flag"}
QUERY = {"name": "text", "type": "text", "status": "text", "aliases": TEXTS, "ttl": "number", "validated": "flag", "validation": "text",
         "answers": [ANSWER]}
TRACE = {"domain": "text", "zone": "text", "exists": "flag", "signed": "flag",
         "steps": [{"zone": "text", "server": "text", "result": "text", "?reason": "text", "?authoritative": "flag", "?leads_to": "text",
                    "?signed": "flag", "?name_servers": [{"name": "text", "glue": TEXTS}], "?ttl": "number", "?milliseconds": "number"}],
         "servers": [{"server": "text", "status": "text", "?reason": "text", "?authoritative": "flag", "?serial": MAYBE_NUMBER, "?data": TEXTS,
                      "?ttl": "number"}]}
STREAM = {"name": "text", "provider": "text", "spf": TEXTS, "dkim": [{"selector": "text", "kind": "text", "value": "text"}], "return_path": "text"}
MODEL = {"domain": "text", "state": "text", "profile": "text",
         "inbound": {"side": "text", "provider": "text", "hosts": [{"preference": "number", "host": "text"}]}, "streams": [STREAM],
         "reports": {"dmarc": TEXTS, "dmarc_failure": TEXTS, "tls": TEXTS, "permitted": TEXTS},
         "dmarc": {"strict": "flag", "?policy": "text", "?subdomains": "text"}, "sts_hosted_here": "flag", "caa": TEXTS, "watched": TEXTS,
         "selectors": TEXTS, "extra": [{"name": "text", "type": "text", "data": "text", "ttl": "number"}],
         "update": {"address": "text", "zone": "text", "key_name": "text", "key_file": "text"}, "leaving_to": "text", "?leaving_since": "number",
         "?sts": STAGE}
EXPORT = {"domain": "text", "whole": "flag", "records": "number", "?file": "text", "?fingerprint": "text", "?key": "text", "?to": "text"}
IMPORT = {"domain": "text", "host": "text", "written": "time", "fingerprint": "text",
          "records": [{"name": "text", "type": "text", "ttl": "number", "data": "text", "published": "flag"}], "findings": [FINDING],
          "missing": "number", "taken": "flag"}

# In this order: one verb's words, the status that it ends with, the shape of its document.
SITE = [
    ("domain add second.example", 0, {**DOMAIN_ROW, "keys": [KEY], "?unsigned": "text"}),
    ("domain list", 0, [DOMAIN_ROW]),
    (f"domain show {DOMAIN}", 0, {**DOMAIN_ROW, "postmaster": MAYBE_TEXT, "keys": [KEY], "accounts": TEXTS, "addresses": TEXTS, "groups": TEXTS,
                                  "selectors_seen": [{"selector": "text", "algorithm": "text", "key_bits": "number", "first_seen": "time",
                                                      "last_seen": "time"}]}),
    (f"domain keys {DOMAIN}", 0, [KEY]),
    (f"domain set {DOMAIN} --caa letsencrypt.org", 0, MODEL),
    (f"domain plan {DOMAIN}", 0, PLAN),
    (f"domain plan {DOMAIN} --format json", 0, PLAN),
    (f"domain timeline {DOMAIN}", 0, {"domain": "text", "now": "time", "events": [{"at": "time", "kind": "text", "what": "text", "why": "text"}]}),
    (f"domain rollout {DOMAIN}", 0, ROLLOUT),
    (f"domain check {DOMAIN}", 1, CHECK),
    (f"domain check {DOMAIN} nowhere.example", 1, [CHECK]),
    (f"domain watch {DOMAIN}", 0, WATCH),
    ("domain watch", 0, [WATCHED]),
    (f"domain export {DOMAIN} --to {{bundle}}", 0, None),
    (f"domain import {DOMAIN} {{bundle}}", 0, IMPORT),
    (f"domain leave {DOMAIN} --max-age 86400", 0, LEAVING),
    (f"domain park {DOMAIN}", 0, LEAVING),
    ("domain park second.example", 0, ROAD),
    ("domain leave nowhere.example", 1, {"error": {"kind": "text", "what": "text", "why": "text", "remedy": "text"}}),
    (f"check mta-sts {DOMAIN}", 1, {**STS, "mx": [{**MX, "?in_policy": "flag"}], "findings": [SHORT_FINDING]}),
    (f"check tls-rpt {DOMAIN}", 0, {"domain": "text", "result": "text", "valid": "flag", "record": Maybe({"v": "text", "rua": TEXTS}), "texts": TEXTS,
                                    "reason": "text", "answers": TEXTS, "findings": [SHORT_FINDING]}),
    (f"check mx {DOMAIN}", 1, {"domain": "text", "null_mx": "flag", "secure": "flag", "mx": [MX], "findings": [SHORT_FINDING]}),
    (f"check dane {HOST}", 1, {**HOST_FACTS, "result": "text", "findings": [SHORT_FINDING]}),
    (f"dns query MX {DOMAIN}", 0, QUERY),
    (f"dns query MX nothing.{DOMAIN}", 1, QUERY),
    ("certificate list", 0, [{"name": "text", "source": "text", "state": "text", "names": TEXTS, "issuer": "text", "key": "text",
                              "not_before": "time", "not_after": "time", "ends_soon": "flag", "tlsa": "text", "?bound_until": "time",
                              "?waits": "text", "?problem": "text"}]),
]


class Shapes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = ExitStack()
        cls.addClassCleanup(cls.stack.close)
        zone = Zone(300).mx(DOMAIN, HOST).host(HOST, "127.0.0.1").host(f"mta-sts.{DOMAIN}", "127.0.0.1")
        zone.lines += [f";; secure {DOMAIN}", f'{DOMAIN}. TXT "v=spf1 mx ~all"', f'_dmarc.{DOMAIN}. TXT "v=DMARC1; p=none"',
                       f'_mta-sts.{DOMAIN}. TXT "v=STSv1; id=1;"', f'_smtp._tls.{DOMAIN}. TXT "v=TLSRPTv1; rua=mailto:postmaster@{DOMAIN}"',
                       f"_25._tcp.{HOST}. TLSA 3 1 1 {'0' * 64}"]
        try:
            cls.site = cls.stack.enter_context(Posthorn(DOMAIN, zone=zone, listen=("smtp",), settings={"relay.allow_private": True}))
        except Unavailable as why:
            raise unittest.SkipTest(str(why)) from None

    def shape(self, words, status, spec):
        done = self.site.run(*words, "--json")
        self.assertEqual(done.returncode, status, done.stderr + done.stdout[:500])
        document = json.loads(done.stdout)
        if spec is not None:
            self.assertEqual(faults(document, spec), [])
        return document

    def test_of_every_verb(self):
        made = {"bundle": str(self.site.folder / "bundle.json")}
        sources = ["--dns", f"zone:{self.site.zone_file}"]
        for line, status, spec in SITE:
            with self.subTest(verb=line):
                words = line.format(**made).split()
                self.shape(words + (sources if words[0] in ("check", "dns") else []), status, spec)

    def test_what_is_asked_of_real_servers(self):
        try:
            server = self.stack.enter_context(Bind([f"{DOMAIN}. MX 10 {HOST}.", f'{DOMAIN}. TXT "v=spf1 mx -all"', f"{HOST}. A 192.0.2.1"]))
        except Unavailable as why:
            self.skipTest(str(why))
        self.shape(["domain", "compare", DOMAIN, "--a", server.source, "--b", server.source], 0,
                   {"domain": "text", "equal": "flag", "whole_a": "flag", "whole_b": "flag", "names": "number", "record_sets": "number",
                    "differences": [{"name": "text", "type": "text", "a": TEXTS, "b": TEXTS, "ttl_a": "number", "ttl_b": "number"}]})
        key = self.site.secret_file("pRP5FapFoJ95JEL06sv4PQzXwJgg0iz1n8y1wbYnxuY=")
        self.shape(["domain", "apply", DOMAIN, "--dns", server.source, "--server", server.source, "--zone", "example", "--key-name", "update.key",
                    "--key-file", key], 0,
                   {"domain": "text", "dry_run": "flag", "done": [STEP], "left": [STEP], "keys": [KEY], "problem": MAYBE_TEXT})
        self.shape(["dns", "query", "MX", DOMAIN, "--dns", server.source], 0, QUERY)
        self.shape(["dns", "trace", DOMAIN, "--dns", f"authoritative@{server.source}"], 0, TRACE)


@unittest.skipUnless(BINARY.exists(), f"{BINARY} is not built")
class Tools(unittest.TestCase):
    """Without a site."""

    def test_of_the_tools(self):
        for words, status, spec in [
                ("mta-sts check --policy /dev/null --mx a.example", 1, {"valid": "flag", "mode": MAYBE_TEXT, "max_age": MAYBE_NUMBER, "mx": TEXTS,
                                                                       "match": "flag", "?pattern": MAYBE_TEXT, "?findings": [SHORT_FINDING]}),
                ("parse record --type mta-sts v=STSv1;id=1", 0, {"valid": "flag", "record": Maybe({"v": "text", "id": "text"}), "?problem": MAYBE_TEXT,
                                                               "findings": [SHORT_FINDING], "?type": "text", "?corrected": MAYBE_TEXT,
                                                               "?corrected_because": TEXTS})]:
            with self.subTest(verb=words):
                done = subprocess.run([str(BINARY), *words.split(), "--json"], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertEqual(faults(json.loads(done.stdout), spec), [])


if __name__ == "__main__":
    cases.main()
