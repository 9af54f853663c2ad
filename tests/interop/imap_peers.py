"""What people read mail with: mbsync, OfflineIMAP, fetchmail, getmail, neomutt, curl. Each runs once and ends."""
import os
import pty
import select
import subprocess
import time

from unpack import environment, unpacked

SECONDS = 240
PYTHON = "/usr/bin/python3"  # Debian's own: its packages are made for it


class Account:
    """Where a client finds its mail: the server, the login and the certificate to trust."""

    def __init__(self, posthorn, user, password, certificate):
        self.host, self.port = posthorn.address, posthorn.port("imaps")
        self.user, self.password, self.certificate = user, password, certificate


def _run(peer, command, *, home, python=False, stdin=None):
    folder = unpacked(peer)
    env = {**environment(folder), "HOME": str(home)}
    if python:
        paths = (folder / "usr/lib/python3/dist-packages", folder / f"usr/share/{peer}3")
        env["PYTHONPATH"] = ":".join(map(str, paths))
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, input=stdin, env=env, timeout=SECONDS)


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def mbsync(account, folder):
    """Both directions between the account and Maildirs below `folder`."""
    mail = folder / "mail"
    mail.mkdir(parents=True, exist_ok=True)
    rc = _write(folder / "mbsyncrc", f"""FSync no

IMAPAccount posthorn
Host {account.host}
Port {account.port}
User {account.user}
Pass "{account.password}"
SSLType IMAPS
CertificateFile {account.certificate}

IMAPStore far
Account posthorn

MaildirStore near
Path {mail}/
Inbox {mail}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
    return _run("isync", [unpacked("isync") / "usr/bin/mbsync", "-c", rc, "-a"], home=folder)


def offlineimap(account, folder, fingerprint):
    mail = folder / "mail"
    rc = _write(folder / "offlineimaprc", f"""[general]
accounts = posthorn
metadata = {folder}/metadata
ui = basic

[Account posthorn]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = {mail}

[Repository far]
type = IMAP
remotehost = {account.host}
remoteport = {account.port}
remoteuser = {account.user}
remotepass = {account.password}
ssl = yes
cert_fingerprint = {fingerprint}
""")
    return _run("offlineimap", [PYTHON, unpacked("offlineimap") / "usr/bin/offlineimap", "-c", rc, "-o"], home=folder, python=True)


def fetchmail(account, folder, options="keep"):
    """Fetches INBOX into one file with a line of dashes before every message."""
    out = folder / "fetched"
    rc = _write(folder / "fetchmailrc", f"""poll {account.host} protocol IMAP port {account.port}
  username "{account.user}" password "{account.password}"
  ssl sslproto "TLS1.2+" no sslcertck {options}
  mda "(echo -----; cat) >> {out}"
""")
    folder.mkdir(parents=True, exist_ok=True)
    return _run("fetchmail", [unpacked("fetchmail") / "usr/bin/fetchmail", "-f", rc, "--nodetach", "--nosyslog",
                              "--pidfile", folder / "pid"], home=folder)


def getmail(account, folder):
    mail = folder / "mail"
    (mail / "new").mkdir(parents=True, exist_ok=True)
    (mail / "cur").mkdir(exist_ok=True)
    _write(folder / "getmailrc", f"""[retriever]
type = SimpleIMAPSSLRetriever
server = {account.host}
port = {account.port}
username = {account.user}
password = {account.password}
mailboxes = ("INBOX",)

[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat > {mail}/new/$$")
allow_root_commands = true

[options]
read_all = false
delete = false
delivered_to = false
received = false
""")
    return _run("getmail", [PYTHON, unpacked("getmail") / "usr/bin/getmail", "--getmaildir", folder, "--rcfile", "getmailrc"],
                home=folder, python=True)


def curl(account, path, *options, stdin=None):
    command = [unpacked("curl") / "usr/bin/curl", "--silent", "--show-error", "--insecure", "--max-time", "60",
               "--user", f"{account.user}:{account.password}", *options, f"imaps://{account.host}:{account.port}/{path}"]
    return _run("curl", command, home="/nonexistent", stdin=stdin)


def neomutt(account, folder, keys):
    """Opens INBOX on a terminal, types `keys` (as neomutt's push understands them) and waits for its end."""
    rc = _write(folder / "neomuttrc", f"""set imap_user = "{account.user}"
set imap_pass = "{account.password}"
set folder = "imaps://{account.host}:{account.port}/"
set spool_file = "+INBOX"
set certificate_file = "{account.certificate}"
set ssl_ca_certificates_file = "{account.certificate}"
set ssl_verify_host = no
set ssl_verify_dates = no
set ssl_starttls = no
set confirm_append = no
set confirm_create = no
set delete = yes
set move = no
set mark_old = no
set quit = yes
set wait_key = no
set header_cache = ""
push "{keys}"
""")
    home = folder
    program = unpacked("neomutt") / "usr/bin/neomutt"
    env = {**environment(unpacked("neomutt")), "HOME": str(home), "TERM": "vt100", "LANG": "C.UTF-8", "LINES": "40", "COLUMNS": "120"}
    child, terminal = pty.fork()
    if child == 0:
        os.execve(program, [str(program), "-n", "-F", str(rc)], env)
    return _watch(child, terminal)


def _watch(child, terminal):
    """Reads the terminal until the child ends; returns (exit status, what it showed)."""
    shown, end = b"", time.monotonic() + SECONDS
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    else:
        os.kill(child, 9)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode(errors="replace")
