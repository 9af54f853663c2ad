"""A Posthorn site among neighbours on loopback: what the interop tests share.

Each neighbour has a loopback address of its own and all listen on one port, which is the site's
`relay.mx_port`; the zone file leads each domain there by MX, as the world would.
"""
import itertools
import smtplib
import ssl
import sys
from email.parser import BytesParser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from jail import free_port_on, wait_until  # noqa: E402
from posthorn import Posthorn, Zone  # noqa: E402

DOMAIN = "posthorn.example"
ANN, BOB = f"ann@{DOMAIN}", f"bob@{DOMAIN}"
PASSWORDS = {"ann": "ann's long pass phrase", "bob": "bob's long pass phrase"}
_numbers = itertools.count(1)


class Bed:
    def __init__(self, neighbours, **settings):
        """neighbours: how many addresses are needed; settings: keys of the configuration."""
        self.addresses = [f"127.0.1.{number + 1}" for number in range(neighbours)]
        self.mx_port = free_port_on(self.addresses) if neighbours else 25
        self.zone = Zone().host(f"mail.{DOMAIN}", "127.0.0.1").mx(DOMAIN, f"mail.{DOMAIN}")
        self.settings = {"relay.mx_port": self.mx_port, "relay.allow_private": True, **settings}
        self.posthorn = None

    def lead(self, domain, *addresses):
        """An MX for each address, the first preferred."""
        hosts = [f"mx{number}.{domain}" for number in range(1, len(addresses) + 1)]
        self.zone.mx(domain, *hosts)
        for host, address in zip(hosts, addresses):
            self.zone.host(host, address)

    def open(self, **more):
        self.posthorn = Posthorn(DOMAIN, zone=self.zone, accounts=PASSWORDS, settings=self.settings, **more)
        self.posthorn.__enter__()
        return self.posthorn

    def close(self):
        if self.posthorn:
            self.posthorn.__exit__()

    # ---- mail

    def login(self, user="ann", password=None, implicit=True):
        """An authenticated smtplib session on the submission port."""
        posthorn, context = self.posthorn, unchecked()
        if implicit:
            client = smtplib.SMTP_SSL(posthorn.address, posthorn.port("submissions"), context=context, local_hostname="client.example")
        else:
            client = smtplib.SMTP(posthorn.address, posthorn.port("submission"), local_hostname="client.example")
            client.starttls(context=context)
        client.ehlo()
        client.login(f"{user}@{DOMAIN}", password or PASSWORDS[user])
        return client

    def submit(self, recipients, *, message=None, user="ann", mail_options=(), rcpt_options=()):
        """Submits a small message and returns its Message-ID without brackets."""
        recipients = [recipients] if isinstance(recipients, str) else recipients
        message_id = f"test.{next(_numbers)}@{DOMAIN}"
        text = message or note(f"{user}@{DOMAIN}", recipients[0], message_id)
        with self.login(user) as client:
            refused = client.sendmail(f"{user}@{DOMAIN}", recipients, text, mail_options, rcpt_options)
        if refused:
            raise AssertionError(f"refused: {refused}")
        return message_id

    def trace(self, message_id):
        return self.posthorn.json("message", "trace", message_id)

    def state(self, message_id, recipient):
        """How the story of the message says that it stands with the recipient, and the last reply."""
        for row in self.trace(message_id)["recipients"]:
            if row["address"].lower() == recipient.lower():
                return row["state"], row.get("reply") or ""
        return None, ""

    def wait_for_state(self, message_id, recipient, state, seconds=30):
        wait_until(lambda: self.state(message_id, recipient)[0] == state, seconds,
                   lambda: f"{recipient} is {self.state(message_id, recipient)}, not {state}; {self.posthorn.process.tail(30)}")
        return self.state(message_id, recipient)[1]


def unchecked():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def note(sender, recipient, message_id, body="hello\r\n.a line with a dot\r\n", subject="a note"):
    return (f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {subject}\r\nMessage-ID: <{message_id}>\r\n"
            f"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\n{body}")


def parsed(octets):
    return BytesParser().parsebytes(octets)


def report_of(octets):
    """A delivery status notification as (per-message fields, [per-recipient fields]), or None for other mail."""
    message = parsed(octets)
    if message.get_content_type() != "multipart/report":
        return None
    for part in message.walk():
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            groups = part.get_payload()
            return groups[0], groups[1:]
    return None
