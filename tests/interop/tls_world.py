"""What transport security needs around a site: a CA, an HTTPS host for MTA-STS policies, a name server that a
Postfix believes.

    authority = Authority(folder); cert, key = authority.issue("mx.example", "*.example")
    with PolicyHost(authority, {"mta-sts.a.example": "version: STSv1\\r\\n…"}) as host: host.port
    with NameServer({("a.example", "MX"): …}) as server: server.address
"""
import hashlib
import http.server
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
from pathlib import Path


class Authority:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "ca.pem"
        self.number = 0
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=Test CA", "-keyout",
                      self.folder / "ca.key", "-out", self.file)

    def issue(self, *names, common_name="leaf"):
        """A certificate for these names: paths of chain and key. The common name is nobody's (RFC 9525 2)."""
        self.number += 1
        cert, key, request, extension = (self.folder / f"{self.number}.{kind}" for kind in ("pem", "key", "csr", "ext"))
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={common_name}", "-keyout", key, "-out", request)
        extension.write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\n")
        self._openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.folder / "ca.key", "-CAcreateserial", "-days", "20",
                      "-extfile", extension, "-out", cert)
        return cert, key

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def tlsa_of(cert):
    """"3 1 1 …" of a certificate file."""
    pem = Path(cert).read_text()
    key = subprocess.run(["openssl", "x509", "-noout", "-pubkey"], input=pem, check=True, capture_output=True, text=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key.encode(), check=True, capture_output=True).stdout
    return f"3 1 1 {hashlib.sha256(der).hexdigest()}"


class PolicyHost:
    """Serves /.well-known/mta-sts.txt by host name; a body that is a URL is a redirect there."""

    def __init__(self, authority, bodies, names=None, address="127.0.0.1", port=0):
        cert, key = authority.issue(*(names or bodies))
        served = self
        self.bodies, self.requests = dict(bodies), []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers["Host"].split(":")[0]
                served.requests.append((host, self.path))
                body = served.bodies.get(host)
                known = body is not None and self.path == "/.well-known/mta-sts.txt"
                redirect = known and body.startswith("https://")
                self.send_response(301 if redirect else 200 if known else 404)
                if redirect:
                    self.send_header("Location", body)
                payload = body.encode() if known and not redirect else b""
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((address, port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "TLSA": 52}


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.strip(".").split(".")) + b"\0"


def wire_data(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "MX":
        preference, host = value.split()
        return struct.pack(">H", int(preference)) + wire_name(host)
    usage, selector, matching, digest = value.split()
    return bytes([int(usage), int(selector), int(matching)]) + bytes.fromhex(digest)


class NameServer:
    """Answers from a table {(name, type): [data]} over UDP on port 53 of a loopback address, with the AD bit set:
    a validating resolver as a mail server sees it. Needs root."""

    def __init__(self, address, table):
        served = self
        self.address, self.table, self.asked = address, table, []

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                octets, reply_socket = self.request
                reply_socket.sendto(served.answer(octets), self.client_address)

        self.server = socketserver.ThreadingUDPServer((address, 53), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, octets):
        labels, at = [], 12
        while octets[at]:
            labels.append(octets[at + 1:at + 1 + octets[at]].decode().lower())
            at += 1 + octets[at]
        name, question_end = ".".join(labels), at + 5
        number = struct.unpack(">H", octets[at + 1:at + 3])[0]
        kind = next((text for text, value in TYPES.items() if value == number), str(number))
        self.asked.append((name, kind))
        records = self.table.get((name, kind), [])
        exists = any(known == name or known.endswith("." + name) for known, _ in self.table)
        flags = 0x81a0 | (0 if records or exists else 3)  # response, RD, RA, AD; NXDOMAIN
        out = octets[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + octets[12:question_end]
        for value in records:
            data = wire_data(kind, value)
            out += b"\xc0\x0c" + struct.pack(">HHIH", number, 1, 60, len(data)) + data
        return out

    def close(self):
        self.server.shutdown()
        self.server.server_close()
