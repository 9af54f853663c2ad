"""Dovecot as a judge: its imap process on a pair of pipes, already logged in, on mail of its own.

It runs in a root folder of its own (jail.py) as an ordinary user: no listener, no login process, no settings of this
machine.
"""
import os
import subprocess

from imap_wire import ImapWire
from jail import USERS, Jail

CONFIG = """base_dir = /run/dovecot
log_path = /var/log/dovecot.log
mail_location = mdbox:/var/mail/ann
mail_uid = {uid}
mail_gid = {uid}
first_valid_uid = 1
mailbox_list_index = yes
mail_fsync = never
protocols = imap
ssl = no
imap_capability =
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


class Dovecot:
    def __init__(self):
        self.jail = Jail("dovecot")
        uid = USERS["vmail"]
        for path in ("/var/mail/ann", "/var/log", "/run/dovecot"):
            self.jail.folder(path, "vmail", "vmail")
        self.jail.write("/etc/dovecot/dovecot.conf", CONFIG.format(uid=uid))
        self.processes = []

    def session(self):
        """A new ImapWire in the authenticated state."""
        uid = USERS["vmail"]

        def enter():
            self.jail._enter()
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)

        env = {**self.jail._environment(), "USER": "ann", "HOME": "/var/mail/ann"}
        process = subprocess.Popen(["/usr/lib/dovecot/imap", "-c", "/etc/dovecot/dovecot.conf"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=enter, env=env)
        self.processes.append(process)
        return ImapWire(_Pipes(process), process.stdin.close)

    def log(self):
        log = self.jail.inside("/var/log/dovecot.log")
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.jail.remove()


class _Pipes:
    """Both pipes of a process as one stream."""

    def __init__(self, process):
        self.write, self.flush = process.stdin.write, process.stdin.flush
        self.readline, self.read = process.stdout.readline, process.stdout.read
        self.close = process.stdout.close
