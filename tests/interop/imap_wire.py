"""IMAP as it stands on the wire: commands in, whole responses with their literals out. For tests that must see octets.

    wire = ImapWire.connect("127.0.0.1", 993, tls=True)
    wire.ok("LOGIN ann {6+}\r\nsecret")                 untagged responses as bytes, literals in them
    wire.command("SELECT missing")                     ("NO", [b"* …"], b"text of the tagged response")
"""
import re
import socket
import ssl

SECONDS = 60
LITERAL = re.compile(rb"\{(\d+)\}\r\n$")


class ImapWire:
    def __init__(self, stream, close):
        self.stream, self._close = stream, close
        self.number = 0
        self.greeting = self.response()

    @classmethod
    def connect(cls, address, port, *, tls=False):
        plain = socket.create_connection((address, port), timeout=SECONDS)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            plain = context.wrap_socket(plain)
        return cls(plain.makefile("rwb"), plain.close)

    def close(self):
        self.stream.close()
        self._close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, octets):
        self.stream.write(octets if isinstance(octets, bytes) else octets.encode())
        self.stream.flush()

    def response(self):
        """One response: its lines and literals without the last CRLF."""
        octets = b""
        while True:
            line = self.stream.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionError(f"the connection ended within {octets + line!r}")
            octets += line
            mark = LITERAL.search(line)
            if not mark:
                return octets[:-2]
            octets += self.stream.read(int(mark[1]))

    def begin(self, text):
        """Sends a command without waiting; returns its tag."""
        self.number += 1
        tag = f"t{self.number}"
        self.send(f"{tag} ".encode() + (text if isinstance(text, bytes) else text.encode()) + b"\r\n")
        return tag

    def end(self, tag):
        """Reads up to the tagged response: (condition, untagged, its text)."""
        untagged = []
        while True:
            response = self.response()
            if response.startswith(tag.encode() + b" "):
                condition, _, text = response[len(tag) + 1:].partition(b" ")
                return condition.decode(), untagged, text
            untagged.append(response)

    def command(self, text):
        return self.end(self.begin(text))

    def ok(self, text):
        condition, untagged, words = self.command(text)
        if condition != "OK":
            raise AssertionError(f"{text!r}: {condition} {words!r}")
        return untagged

    def append(self, mailbox, messages, flags=""):
        """MULTIAPPEND with literals that do not wait."""
        octets = b"APPEND " + mailbox.encode()
        for message in messages:
            octets += b" (%s) {%d+}\r\n" % (flags.encode(), len(message)) + message
        self.ok(octets)
