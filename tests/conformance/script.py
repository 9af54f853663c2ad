"""Scripts of imaptest (their FORMAT.md): header, commands with what they expect, messages from an mbox beside them."""
import datetime
import re
from dataclasses import dataclass, field
from pathlib import Path

from wire import Text, latin, parse

CONDITIONS = ("ok", "no", "bad", '""')
OPENING = re.compile(r"(~?)\{\{\{$")


@dataclass
class Expected:
    kind: str  # "*" must come, "!" must not, "?" may
    nodes: list
    text: str


@dataclass
class Command:
    pieces: list
    connection: int
    tag: str = ""
    condition: str = ""
    prefix: str = ""
    expected: list = field(default_factory=list)

    @property
    def text(self):
        return "".join(piece if isinstance(piece, str) else "{…}" for piece in self.pieces)


@dataclass
class Script:
    name: str
    header: dict
    groups: list  # lists of commands that are sent together
    messages: list  # of the mbox: (octets, date or None)

    @property
    def capabilities(self):
        return [word.upper() for word in self.header.get("capabilities", "").split()]


def logical_lines(text):
    """Lines with their literals: lists of str and Text. A literal stands between "{{{" and a line with "}}}"."""
    lines = iter(text.split("\n"))
    for line in lines:
        pieces = [line]
        while isinstance(pieces[-1], str) and (opening := OPENING.search(pieces[-1])):
            body = []
            for inner in lines:
                if inner.startswith("}}}"):
                    break
                body.append(inner)
            pieces[-1] = pieces[-1][:opening.start()]
            pieces += [literal(body, bool(opening[1])), inner[3:]]
        yield pieces


def literal(lines, is_literal8):
    """Without its last line end. A literal8 stands as it is; others get the line ends of mail."""
    if is_literal8:
        return Text("\n".join(lines), True)
    return Text("\r\n".join(line.removesuffix("\r") for line in lines))


def read_header(lines):
    header = {}
    for pieces in lines:
        if not pieces[0].strip():
            break
        if pieces[0].startswith("#"):
            continue
        key, _, value = pieces[0].partition(":")
        header[key.strip()] = value.strip()
    return header


class _Parser:
    def __init__(self, several):
        self.several = several
        self.groups = []
        self.open = []  # commands whose end is not written yet
        self.last = None

    def line(self, pieces):
        text = pieces[0]
        if not "".join(map(str, pieces)).strip() or text.startswith("#"):
            return
        if text[:2] in ("* ", "! ", "? "):
            self.last.expected.append(Expected(text[0], parse([text[2:]] + pieces[1:]), text))
            return
        connection, rest = 1, text
        if self.several:
            number, _, after = text.partition(" ")
            if number.isdigit():
                connection, rest = int(number), after
        word, _, after = rest.partition(" ")
        if word.lower() in CONDITIONS:
            self._condition(word.lower(), after, connection, pieces[1:])
        elif re.fullmatch(r"tag\d*", word):
            self._tagged(word, after, connection, pieces[1:])
        else:
            self._command(Command([rest] + pieces[1:], connection))

    def _command(self, command, is_open=True):
        self.last = command
        if is_open and command.tag and self.open:
            self.groups[-1].append(command)
        else:
            self.groups.append([command])
        if is_open:
            self.open.append(command)

    def _condition(self, word, after, connection, rest):
        if self.open:
            command = self.open.pop(0)
            command.condition, command.prefix = word, after
        else:
            self._command(Command([after] + rest, connection, condition=word), is_open=False)

    def _tagged(self, tag, after, connection, rest):
        word, _, prefix = after.partition(" ")
        begun = next((command for command in self.open if command.tag == tag), None)
        if begun and word.lower() in CONDITIONS:
            begun.condition, begun.prefix = word.lower(), prefix
            self.open.remove(begun)
        else:
            self._command(Command([after] + rest, connection, tag=tag))


def read_mbox(path):
    """(octets with CRLF, the date of the From_ line) of each message."""
    messages, body, date = [], None, None
    for line in latin(path.read_bytes()).split("\n"):
        line = line.removesuffix("\r")
        if line.startswith("From "):
            if body is not None:
                messages.append((body, date))
            body, date = [], from_date(line)
        elif body is not None:
            body.append(line)
    if body is not None:
        messages.append((body[:-1] if body[-1:] == [""] else body, date))  # what follows the last line end
    return [("\r\n".join(lines) + "\r\n", date) for lines, date in messages]


def from_date(line):
    """INTERNALDATE of "From user  Mon Sep 17 20:03:27 2007 +0300"."""
    match = re.search(r"(\w{3} +\d+ \d\d:\d\d:\d\d \d{4})(?: ([+-]\d{4}))?", line)
    if not match:
        return None
    date = datetime.datetime.strptime(" ".join(match[1].split()), "%b %d %H:%M:%S %Y")
    return date.strftime("%d-%b-%Y %H:%M:%S ") + (match[2] or "+0000")


def read_script(path):
    text = latin(path.read_bytes())
    lines = logical_lines(text)
    has_header = re.match(r"(#[^\n]*\n)*[a-z_]+:", text)
    header = read_header(lines) if has_header else {}
    parser = _Parser(int(header.get("connections", "1")) > 1)
    for pieces in lines:
        parser.line(pieces)
    mbox = path.with_name(path.name + ".mbox")
    return Script(path.name, header, parser.groups, read_mbox(mbox if mbox.exists() else path.with_name("default.mbox")))


def script_names(folder):
    return sorted(path.name for path in Path(folder).iterdir() if path.suffix == "" and path.name != "LICENSE")
