"""The two IMAP servers under measure, as a client reaches them: TLS 1.3 on loopback, one certificate of one kind, logins
that cost little, so that what is measured is the mail. Dovecot 2.3 has its own defaults (sdbox, synced before it
answers APPEND), its login processes in the mode for many connections."""
import subprocess

from jail import USERS, Jail, accepts, free_port
from posthorn import Posthorn

DOMAIN = "bench.example"
SECRET = "a-password-of-the-benchmark"
RATE_WITHOUT_LIMIT = 1_000_000

DOVECOT = """base_dir = /run/dovecot
state_dir = /run/dovecot
log_path = /var/log/dovecot.log
mail_location = sdbox:~/mail
mail_fsync = {fsync}
first_valid_uid = 1
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = </etc/dovecot/cert.pem
ssl_key = </etc/dovecot/key.pem
ssl_min_protocol = TLSv1.2
auth_mechanisms = plain
auth_cache_size = 10M
mail_max_userip_connections = 0
default_vsz_limit = 4G
passdb {{
  driver = static
  args = password={secret}
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home=/var/mail/%n
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 2
  client_limit = 20000
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 20000
}}
service auth {{
  client_limit = 50000
}}
service anvil {{
  client_limit = 50000
}}
"""


class Dovecot:
    """With any user of the domain, all with one password."""
    label = "Dovecot 2.3 sdbox"

    def __init__(self, ground, users, fsync="optimized"):
        """fsync: Dovecot's default; "never" where only reading is measured, since filling a large mailbox takes long otherwise."""
        self.jail = Jail("dovecot", parent=ground.folder)
        self.address, self.port, uid = "127.0.0.1", free_port(), USERS["vmail"]
        self.users = [f"user{number}@{DOMAIN}" for number in range(users)]
        for path, owner in (("/var/log", "root"), ("/run/dovecot", "root"), ("/var/mail", "vmail")):
            self.jail.folder(path, owner, owner)
        self.jail.write("/etc/dovecot/dovecot.conf", DOVECOT.format(secret=SECRET, uid=uid, port=self.port, fsync=fsync))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                        f"/CN=mail.{DOMAIN}", "-keyout", self.jail.inside("/etc/dovecot/key.pem"), "-out",
                        self.jail.inside("/etc/dovecot/cert.pem")], check=True, capture_output=True)

    def __enter__(self):
        self.process = self.jail.start(["/usr/sbin/dovecot", "-F", "-c", "/etc/dovecot/dovecot.conf"])
        self.process.wait_for(lambda: accepts(self.address, self.port), 20, "dovecot listens")
        return self

    def __exit__(self, *_):
        self.process.stop()
        self.jail.remove()

    @property
    def session(self):
        return self.process.pid

    def logins(self):
        return [(user, SECRET) for user in self.users]

    def log(self):
        log = self.jail.inside("/var/log/dovecot.log")
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""


class Ours:
    """Posthorn with an application login for each account."""
    label = "posthorn"

    def __init__(self, ground, users):
        settings = {f"limits.{name}": RATE_WITHOUT_LIMIT for name in ("connections", "connections_per_address")}
        self.users = [f"user{number}@{DOMAIN}" for number in range(users)]
        self.server = Posthorn(DOMAIN, accounts={"bob": SECRET}, settings=settings, parent=ground.folder, listen=("imaps",))
        self.address = self.server.address

    def __enter__(self):
        self.server.__enter__()
        self.secrets = [self._make(user) for user in self.users]
        return self

    def _make(self, user):
        self.server.ok("account", "add", user, "--password-file", self.server.secret_file(SECRET))
        return self.server.json("login", "add", user, "bench", "--scope", "imap")["secret"]

    def __exit__(self, *reason):
        self.server.__exit__(*reason)

    @property
    def port(self):
        return self.server.port("imaps")

    @property
    def session(self):
        return self.server.process.pid

    def logins(self):
        return list(zip(self.users, self.secrets))

    def log(self):
        return self.server.process.tail(30)
