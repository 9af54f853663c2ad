"""What people and scripts submit mail with: swaks, msmtp, and a bare socket for what no client would say."""
import os
import re
import socket
import ssl
import subprocess
import tempfile

from unpack import environment, unpacked


def swaks(server, port, *options, body=None):
    """Runs swaks; returns the finished process, its whole dialogue in stdout."""
    folder = unpacked("swaks")
    command = ["perl", str(folder / "usr/bin/swaks"), "--server", server, "--port", str(port), "--helo", "client.example", *options]
    if body is not None:
        command += ["--data", "-"]
    return subprocess.run(command, capture_output=True, text=True, input=body, env=environment(folder), timeout=60)


def msmtp(server, port, login, password, recipients, message, tls="starttls", sender=None):
    folder = unpacked("msmtp")
    with tempfile.NamedTemporaryFile("w", suffix=".msmtprc") as config:
        os.chmod(config.name, 0o600)
        config.write(f"account default\nhost {server}\nport {port}\nfrom {sender or login}\nauth on\nuser {login}\npassword {password}\n"
                     f"tls on\ntls_starttls {'on' if tls == 'starttls' else 'off'}\ntls_certcheck off\ndomain client.example\n")
        config.flush()
        return subprocess.run([str(folder / "usr/bin/msmtp"), "--file", config.name, *recipients], capture_output=True, text=True,
                              input=message, env=environment(folder), timeout=60)


class Wire:
    """A socket that says exactly the octets it is given and reads whole replies."""

    def __init__(self, address, port, *, tls=False, greet=True, source=None):
        self.socket = socket.create_connection((address, port), timeout=30, source_address=(source, 0) if source else None)
        self.buffer = b""
        if tls:
            self.start_tls()
        self.greeting = self.reply() if greet else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def start_tls(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket, server_hostname="mail.posthorn.example")

    def send(self, octets):
        self.socket.sendall(octets.encode() if isinstance(octets, str) else octets)

    def line(self):
        while b"\r\n" not in self.buffer:
            octets = self.socket.recv(65536)
            if not octets:
                raise ConnectionError(f"closed after {self.buffer!r}")
            self.buffer += octets
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("utf-8", "replace")

    def reply(self):
        """One reply, its lines joined by newline."""
        lines = [self.line()]
        while re.match(r"\d{3}-", lines[-1]):
            lines.append(self.line())
        return "\n".join(lines)

    def say(self, text):
        self.send(text + "\r\n")
        return self.reply()

    def rest(self):
        """What still comes until the server closes."""
        while True:
            try:
                octets = self.socket.recv(65536)
            except ConnectionError:
                break
            if not octets:
                break
            self.buffer += octets
        return self.buffer.decode("utf-8", "replace")
