"""IMAP on the wire as a test sees it: a connection that sends lines and literals, and responses as trees.

A response is a list of nodes: Atom (with what stands in its brackets), Text (quoted or literal), a list of nodes for
parentheses, and Code for the brackets behind OK, NO, BAD, BYE and PREAUTH.
"""
import re
import socket
import ssl
from dataclasses import dataclass

STATUS_WORDS = {"ok", "no", "bad", "bye", "preauth"}
LITERAL = re.compile(rb"(~?)\{(\d+)\+?\}$")


@dataclass(frozen=True)
class Atom:
    text: str


@dataclass(frozen=True)
class Text:
    text: str
    is_literal8: bool = False


class Code(list):
    """[UIDVALIDITY 1]"""


def latin(octets):
    """Octets one by one as characters, so that nothing is lost and everything can be compared."""
    return octets.decode("latin-1")


class Reader:
    """Nodes of one response or of one expected response: text pieces with the literals that stand between them."""

    def __init__(self, pieces):
        self.pieces = pieces  # str and Text in turn
        self.piece, self.at = 0, 0

    def _text(self):
        return self.pieces[self.piece] if self.piece < len(self.pieces) and isinstance(self.pieces[self.piece], str) else ""

    def _skip_spaces(self):
        while self._text()[self.at:self.at + 1] == " ":
            self.at += 1

    def nodes(self, end=""):
        """Until `end` or the end of the response."""
        found = []
        while True:
            self._skip_spaces()
            if self.piece < len(self.pieces) and self.at >= len(self._text()):
                self.piece, self.at = self.piece + 1, 0
                if self.piece < len(self.pieces) and isinstance(self.pieces[self.piece], Text):
                    found.append(self.pieces[self.piece])
                    self.piece += 1
                if self.piece >= len(self.pieces):
                    return found
                continue
            if self.piece >= len(self.pieces):
                return found
            char = self._text()[self.at]
            if end and char == end:
                self.at += 1
                return found
            found.append(self._node(char))

    def _node(self, char):
        if char == "(":
            self.at += 1
            return self.nodes(")")
        if char == '"':
            return self._quoted()
        return self._atom()

    def _quoted(self):
        text, at, out = self._text(), self.at + 1, []
        while at < len(text) and text[at] != '"':
            if text[at] == "\\":
                at += 1
            out.append(text[at:at + 1])
            at += 1
        self.at = at + 1
        return Text("".join(out))

    def _atom(self):
        """An atom takes its brackets along: BODY[HEADER.FIELDS (FROM)]<0>."""
        text, start, depth = self._text(), self.at, 0
        while self.at < len(text):
            char = text[self.at]
            if char == "[":
                depth += 1
            elif char == "]":
                depth -= 1
            elif depth <= 0 and char in ' ()"':
                break
            self.at += 1
        if self.at == start:  # a stray closing parenthesis
            self.at += 1
        return Atom(text[start:self.at])


def parse(pieces):
    """A response without "* "; behind the brackets of a status response only words follow, which are left out."""
    first = pieces[0] if pieces and isinstance(pieces[0], str) else ""
    word, _, rest = first.lstrip().partition(" ")
    if word.lower() in STATUS_WORDS:
        nodes = [Atom(word)]
        if rest.startswith("["):
            nodes.append(Code(Reader([_bracketed(rest)]).nodes()))
        return nodes
    return Reader(pieces).nodes()


def _bracketed(rest):
    depth = 0
    for at, char in enumerate(rest):
        depth += (char == "[") - (char == "]")
        if depth == 0:
            return rest[1:at]
    return rest[1:]


class Gone(Exception):
    """The server ended the connection."""


class PlainConnection:
    """As it begins on port 143."""

    def __init__(self, address, port, seconds=30):
        self.socket = socket.create_connection((address, port), timeout=seconds)
        self.buffer = b""
        self.tags = 0
        self._begin()
        self.greeting = self.line()

    def _begin(self):
        pass

    def wrap(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def start_tls(self):
        self.ok("STARTTLS")
        self.wrap()

    def close(self):
        self.socket.close()

    def _more(self):
        got = self.socket.recv(65536)
        if not got:
            raise Gone("the server closed the connection")
        self.buffer += got

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def line(self):
        """The next response as pieces: text and literals in turn."""
        pieces = []
        while True:
            while b"\r\n" not in self.buffer:
                self._more()
            line, _, self.buffer = self.buffer.partition(b"\r\n")
            literal = LITERAL.search(line)
            if not literal:
                return pieces + [latin(line)]
            octets = self._take(int(literal[2]))
            pieces += [latin(line[:literal.start()]), Text(latin(octets), bool(literal[1]))]

    def send(self, tag, pieces):
        """Sends a command; literals synchronizing, as imaptest does."""
        pending = f"{tag} "
        for number, piece in enumerate(pieces):
            if isinstance(piece, str):
                pending += piece
                continue
            octets = piece.text.encode("latin-1")
            pending += f"{'~' if piece.is_literal8 else ''}{{{len(octets)}}}"
            self.socket.sendall(pending.encode("latin-1") + b"\r\n")
            answer = self.line()
            if not str(answer[0]).startswith("+"):
                return [answer]
            self.socket.sendall(octets)
            pending = ""
        self.socket.sendall(pending.encode("latin-1") + b"\r\n")
        return []

    def new_tag(self):
        self.tags += 1
        return f"x{self.tags}"

    def run(self, *pieces):
        """A command to its end: (untagged responses as trees, tagged response as text)."""
        tag = self.new_tag()
        lines = self.send(tag, list(pieces))
        untagged = []
        while True:
            line = lines.pop(0) if lines else self.line()
            if isinstance(line[0], str) and line[0].startswith(f"{tag} "):
                return untagged, line[0][len(tag) + 1:]
            untagged.append(parse([line[0][2:]] + line[1:]))

    def ok(self, *pieces):
        untagged, tagged = self.run(*pieces)
        if not tagged.lower().startswith("ok"):
            raise AssertionError(f"{pieces}: {tagged}")
        return untagged


class Connection(PlainConnection):
    """TLS from the first octet, as on port 993."""

    def _begin(self):
        self.wrap()
