"""A scripted SMTP server: takes mail like a plain MTA, or misbehaves at any stage it is told to.

    def script(session, stage, argument):      called before each answer; None: behave
        if stage == "rcpt" and "dead" in argument:
            return "550 5.1.1 no such user"
    with SinkServer(script=script) as sink: … sink.messages …

Stages: greeting, ehlo, starttls, mail, rcpt, data (before 354), content (354 given, before the message is read),
final (message read, before its answer), bdat (a chunk read, before its answer), quit.
Answers: a reply text; CUT (close); STALL (say nothing until the peer or stop() closes); Late(seconds, reply); Last(reply);
Raw(octets) writes octets that need not be a reply at all.
"""
import os
import re
import socket
import ssl
import struct
import tempfile
import threading
from dataclasses import dataclass, field

CUT = object()
STALL = object()


@dataclass
class Late:
    seconds: float
    reply: str = None


@dataclass
class Last:
    """Says the reply and hangs up on whatever the client still has to say."""
    reply: str


@dataclass
class Raw:
    octets: bytes


@dataclass
class Message:
    """A message that was answered with 250, and the transaction it came in."""
    mail_from: str
    mail_parameters: str
    recipients: list              # [(address, parameters)]
    octets: bytes                 # CRLF line ends, dots unstuffed, without the final dot
    tls: bool
    session: int
    how: str = "DATA"


@dataclass
class Session:
    number: int
    address: str
    commands: list = field(default_factory=list)   # every line the client sent, in order
    helo: str = ""
    tls: bool = False
    mail_from: str = None
    mail_parameters: str = ""
    recipients: list = field(default_factory=list)
    chunks: bytearray = field(default_factory=bytearray)
    attempts: int = 0             # messages read, answered or not

    def reset(self):
        self.mail_from, self.mail_parameters, self.recipients, self.chunks = None, "", [], bytearray()


class _Closed(Exception):
    pass


class SinkServer:
    EXTENSIONS = ("PIPELINING", "SIZE 120000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING")

    def __init__(self, address="127.0.0.1", port=0, *, script=None, extensions=EXTENSIONS, tls=None, host="sink.example",
                 ends=(b"\r\n.\r\n",), keep_octets=True):
        """tls: (certificate, key) texts, or None for no STARTTLS. ends: what this server takes for the end of a message."""
        self.script, self.extensions, self.host, self.ends, self.keep_octets = script, list(extensions), host, ends, keep_octets
        self.sessions, self.messages, self.connections = [], [], 0
        self._context = _server_context(*tls) if tls else None
        if tls:
            self.extensions.append("STARTTLS")
        self._lock, self._open, self._stopping = threading.Lock(), set(), threading.Event()
        self._listener = socket.create_server((address, port), backlog=1024)
        self._listener.settimeout(0.2)  # how soon stop() is noticed
        self.address, self.port = self._listener.getsockname()[:2]

    def __enter__(self):
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stopping.set()
        self._listener.close()
        with self._lock:
            for connection in list(self._open):
                _abort(connection)
        self._thread.join(2)

    def recipients_seen(self):
        """Every recipient of every accepted message, as often as it was accepted."""
        with self._lock:
            return [address for message in self.messages for address, _ in message.recipients]

    def _accept(self):
        while not self._stopping.is_set():
            try:
                connection, peer = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with self._lock:
                self.connections += 1
                session = Session(self.connections, peer[0])
                self.sessions.append(session)
                self._open.add(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection, session), daemon=True).start()

    def _serve(self, connection, session):
        conversation = _Conversation(self, connection, session)
        try:
            conversation.run()
        except (_Closed, OSError, ssl.SSLError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            conversation.close()


class _Conversation:
    def __init__(self, server, connection, session):
        self.server, self.connection, self.session = server, connection, session
        self.buffer = b""

    def run(self):
        self.answer("greeting", "", f"220 {self.server.host} ESMTP sink")
        while True:
            line = self.line()
            self.session.commands.append(line)
            verb, _, argument = line.partition(" ")
            handler = getattr(self, f"on_{verb.lower()}", None)
            if not handler:
                self.say("502 5.5.1 command not known")
            elif handler(argument) is False:
                return

    def close(self):
        try:
            self.connection.close()
        except OSError:
            pass

    # ---- commands

    def on_ehlo(self, argument):
        self.session.helo = argument
        self.session.reset()
        words = [word for word in self.server.extensions if not (word == "STARTTLS" and self.session.tls)]
        lines = [self.server.host, *words]
        self.answer("ehlo", argument, "\r\n".join(f"250{'-' if number < len(lines) - 1 else ' '}{text}" for number, text in enumerate(lines)))

    def on_helo(self, argument):
        self.session.helo = argument
        self.session.reset()
        self.answer("ehlo", argument, f"250 {self.server.host}")

    def on_starttls(self, argument):
        if self.answer("starttls", argument, "220 2.0.0 go ahead"):
            self.connection = self.server._context.wrap_socket(self.connection, server_side=True)
            self.session.tls, self.buffer = True, b""

    def on_mail(self, argument):
        if self.answer("mail", argument, "250 2.1.0 ok"):
            self.session.mail_from, self.session.mail_parameters = _path(argument)

    def on_rcpt(self, argument):
        if self.session.mail_from is None:
            self.say("503 5.5.1 MAIL first")
            return
        if self.answer("rcpt", argument, "250 2.1.5 ok"):
            self.session.recipients.append(_path(argument))

    def on_data(self, argument):
        if not self.session.recipients:
            self.say("554 5.5.1 no valid recipients")
            return
        if not self.answer("data", argument, "354 go ahead"):
            return
        self.obey(self.ask("content", argument), "")
        octets = self.content()
        self.finish("final", re.sub(rb"(^|\r\n)\.", rb"\1", octets), "DATA")

    def on_bdat(self, argument):
        size, *last = argument.split()
        self.session.chunks += self.exactly(int(size))
        if not last:
            self.answer("bdat", argument, f"250 2.0.0 {size} octets")
        else:
            self.finish("final", bytes(self.session.chunks), "BDAT")

    def finish(self, stage, octets, how):
        session = self.session
        session.attempts += 1
        message = Message(session.mail_from, session.mail_parameters, list(session.recipients),
                          octets if self.server.keep_octets else octets[:2000], session.tls, session.number, how)
        if self.answer(stage, "", "250 2.0.0 kept"):
            with self.server._lock:
                self.server.messages.append(message)
        session.reset()

    def on_rset(self, _):
        self.session.reset()
        self.say("250 2.0.0 ok")

    def on_noop(self, _):
        self.say("250 2.0.0 ok")

    def on_quit(self, argument):
        self.answer("quit", argument, "221 2.0.0 bye")
        return False

    # ---- answers

    def ask(self, stage, argument):
        return self.server.script(self.session, stage, argument) if self.server.script else None

    def answer(self, stage, argument, usual):
        """Says the script's answer or the usual one; True where it is positive."""
        return self.obey(self.ask(stage, argument), usual)

    def obey(self, wish, usual):
        if wish is CUT:
            _abort(self.connection)
            raise _Closed
        if wish is STALL:
            self.server._stopping.wait()
            raise _Closed
        if isinstance(wish, Late):
            self.server._stopping.wait(wish.seconds)
            wish = wish.reply
        if isinstance(wish, Last):
            self.say(wish.reply)
            raise _Closed
        if isinstance(wish, Raw):
            self.connection.sendall(wish.octets)
            return False
        text = wish or usual
        if text:
            self.say(text)
        return text[:1] in "23"

    def say(self, text):
        self.connection.sendall(text.encode() + b"\r\n")

    # ---- reading

    def more(self):
        octets = self.connection.recv(65536)
        if not octets:
            raise _Closed
        self.buffer += octets

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("utf-8", "surrogateescape")

    def exactly(self, size):
        parts, wanted = [], size
        while wanted > len(self.buffer):
            parts.append(self.buffer)
            wanted -= len(self.buffer)
            self.buffer = b""
            self.more()
        parts.append(self.buffer[:wanted])
        self.buffer = self.buffer[wanted:]
        return b"".join(parts)

    def content(self):
        """The message up to an end this server honours; the first line may be the end (an empty message)."""
        text, scanned = bytearray(b"\r\n" + self.buffer), 0
        while True:
            places = [(text.find(end, scanned), end) for end in self.server.ends]
            places = [(at, end) for at, end in places if at >= 0]
            if places:
                at, end = min(places)
                self.buffer = bytes(text[at + len(end):])
                return bytes(text[2:at]) + b"\r\n" if at >= 2 else b""
            scanned = max(0, len(text) - 8)
            self.buffer = b""
            self.more()
            text += self.buffer


def _path(argument):
    """The path of MAIL FROM:<path> parameters, and the parameters."""
    match = re.match(r"(?:FROM|TO):\s*<((?:\"(?:\\.|[^\"])*\"|[^>])*)>\s*(.*)", argument, re.I)
    return (match[1], match[2]) if match else (argument, "")


def _abort(connection):
    """Closes with RST, as a crashed host or a firewall would."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    except OSError:
        pass


def _server_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(certificate + key)
        file.flush()
        os.chmod(file.name, 0o600)
        context.load_cert_chain(file.name)
    return context
