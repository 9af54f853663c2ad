"""Real mail servers as private instances, one interface for all (jail.py says where they live).

    with Postfix("postfix.example", routes={"posthorn.example": ("127.0.0.1", 2525)}) as postfix:
        smtplib.SMTP(postfix.address, postfix.port)…
        postfix.messages()          every message that arrived for its domain, oldest first
        postfix.log()               what it said, for failed assertions

A peer takes mail for any address of its domain, relays for clients on loopback, and sends what is for the
domains in `routes` to the given host and port without DNS. `tls` is what it does as a client: "none", "may"
(opportunistic, certificates unchecked) or "must". As servers Postfix and Exim always offer STARTTLS.
"""
import os
import subprocess

from jail import USERS, Jail, accepts, free_port
from unpack import PEERS, alone

READY_SECONDS = 20
MESSAGE_BYTES_MAX = 120_000_000


def certificate():
    """A self-signed certificate for peers, made once: (certificate, key) as texts."""
    folder = PEERS / "tls"
    with alone("tls"):
        if not (folder / "key.pem").exists():
            folder.mkdir(parents=True, exist_ok=True)
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=peer.example",
                            "-addext", "subjectAltName=DNS:*.example,DNS:localhost", "-keyout", folder / "key.pem",
                            "-out", folder / "cert.pem"], check=True, capture_output=True)
    return (folder / "cert.pem").read_text(), (folder / "key.pem").read_text()


class Peer:
    package = ""
    user = "root"          # who reads the private key
    maildir = "/var/mail/all/Maildir"
    log_path = "/output.log"

    def __init__(self, domain, *, address="127.0.0.1", port=None, routes=None, tls="may", parent=None, settings=None):
        self.domain, self.address, self.port = domain, address, port or free_port(address)
        self.routes, self.tls, self.settings = routes or {}, tls, settings or {}
        self.jail = Jail(self.package, parent)
        self.process = None

    def start(self):
        cert, key = certificate()
        self.jail.write("/etc/tls/cert.pem", cert)
        self.jail.write("/etc/tls/key.pem", key, 0o600)
        os.chown(self.jail.inside("/etc/tls/key.pem"), USERS[self.user], USERS[self.user])
        self.jail.folder("/var/mail", "vmail", "vmail")
        self.jail.folder("/var/log", mode=0o777)
        self.configure()
        self.process = self.jail.start(self.command())
        self.process.wait_for(lambda: accepts(self.address, self.port), READY_SECONDS, f"{self.package} accepts connections")
        return self

    def stop(self):
        if self.process:
            self.process.stop()
        self.jail.remove()

    def messages(self):
        return self.jail.messages(self.maildir)

    def log(self):
        texts = [self.jail.inside(path) for path in ("/output.log", self.log_path)]
        return "\n".join(path.read_text(errors="replace") for path in dict.fromkeys(texts) if path.exists())

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()


class Postfix(Peer):
    package = "postfix"
    maildir = "/var/mail/all"
    log_path = "/var/log/mail.log"

    SERVICES = """
        pickup    unix  n - n 60 1 pickup
        cleanup   unix  n - n -  0 cleanup
        qmgr      unix  n - n 300 1 qmgr
        tlsmgr    unix  - - n 1000? 1 tlsmgr
        rewrite   unix  - - n -  - trivial-rewrite
        bounce    unix  - - n -  0 bounce
        defer     unix  - - n -  0 bounce
        trace     unix  - - n -  0 bounce
        verify    unix  - - n -  1 verify
        flush     unix  n - n 1000? 0 flush
        proxymap  unix  - - n -  - proxymap
        proxywrite unix - - n -  1 proxymap
        smtp      unix  - - n -  - smtp
        relay     unix  - - n -  - smtp
        showq     unix  n - n -  - showq
        error     unix  - - n -  - error
        retry     unix  - - n -  - error
        discard   unix  - - n -  - discard
        local     unix  - n n -  - local
        virtual   unix  - n n -  - virtual
        lmtp      unix  - - n -  - lmtp
        anvil     unix  - - n -  1 anvil
        scache    unix  - - n -  1 scache
        postlog   unix-dgram n - n - 1 postlogd"""

    def main_cf(self):
        routes = " ".join(f"{{ {domain} = smtp:[{host}]:{port} }}," for domain, (host, port) in self.routes.items())
        return {
            "compatibility_level": "3.6", "mail_owner": "postfix", "setgid_group": "postdrop", "default_privs": "nobody",
            "maillog_file": self.log_path, "daemon_directory": "/usr/lib/postfix/sbin", "command_directory": "/usr/sbin",
            "queue_directory": "/var/spool/postfix", "data_directory": "/var/lib/postfix",
            "myhostname": f"mail.{self.domain}", "mydestination": "", "local_recipient_maps": "", "alias_maps": "",
            "inet_interfaces": "all", "inet_protocols": "ipv4", "mynetworks": "127.0.0.0/8",
            "virtual_mailbox_domains": self.domain, "virtual_mailbox_base": "/var/mail", "virtual_mailbox_maps": "static:all/",
            "virtual_uid_maps": "static:60106", "virtual_gid_maps": "static:60106", "virtual_minimum_uid": "1",
            "virtual_mailbox_limit": "0", "message_size_limit": str(MESSAGE_BYTES_MAX),
            "transport_maps": f"inline:{{ {routes.rstrip(',')} }}" if routes else "",
            "smtp_dns_support_level": "disabled", "smtp_host_lookup": "native", "smtpd_peername_lookup": "no",
            "smtpd_tls_cert_file": "/etc/tls/cert.pem", "smtpd_tls_key_file": "/etc/tls/key.pem", "smtpd_tls_security_level": "may",
            "smtp_tls_security_level": {"none": "none", "may": "may", "must": "encrypt"}[self.tls],
            "smtp_tls_loglevel": "1", "smtputf8_enable": "yes", "strict_smtputf8": "no",
            "minimal_backoff_time": "1s", "queue_run_delay": "1s", "maximal_backoff_time": "5s", **self.settings,
        }

    def configure(self):
        self.jail.write("/etc/postfix/main.cf", "".join(f"{name} = {value}\n" for name, value in self.main_cf().items()))
        listener = f"{self.address}:{self.port} inet n - n - - smtpd\n"
        self.jail.write("/etc/postfix/master.cf", listener + "\n".join(line.strip() for line in self.SERVICES.splitlines()) + "\n")
        self.jail.folder("/var/spool/postfix")
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"):
            self.jail.folder(f"/var/spool/postfix/{name}", "postfix", mode=0o700)
        self.jail.folder("/var/spool/postfix/pid")
        self.jail.folder("/var/spool/postfix/public", "postfix", "postdrop", 0o710)
        self.jail.folder("/var/spool/postfix/maildrop", "postfix", "postdrop", 0o1730)
        self.jail.folder("/var/lib/postfix", "postfix", "postfix", 0o700)

    def command(self):
        return ["/usr/lib/postfix/sbin/master", "-s"]


class Exim(Peer):
    package = "exim"
    user = "Debian-exim"
    log_path = "/var/log/exim4/mainlog"

    def configure(self):
        relay_domains = " : ".join(self.routes)
        tls = {"none": "hosts_avoid_tls = *", "may": "hosts_try_fastopen = :", "must": "hosts_require_tls = *"}[self.tls]
        extra = "\n".join(f"{name} = {value}" for name, value in self.settings.items())
        self.jail.write("/etc/exim4/exim4.conf", f"""
            exim_user = Debian-exim
            exim_group = Debian-exim
            keep_environment =
            primary_hostname = mail.{self.domain}
            domainlist local_domains = {self.domain}
            domainlist routed_domains = {relay_domains}
            local_interfaces = <; {self.address}
            daemon_smtp_ports = {self.port}
            tls_advertise_hosts = *
            tls_certificate = /etc/tls/cert.pem
            tls_privatekey = /etc/tls/key.pem
            smtputf8_advertise_hosts = *
            dsn_advertise_hosts = *
            chunking_advertise_hosts = *
            pipelining_connect_advertise_hosts = :
            message_size_limit = {MESSAGE_BYTES_MAX}
            recipients_max = 50000
            acl_smtp_rcpt = rcpt
            acl_smtp_data = accept
            never_users =
            host_lookup =
            rfc1413_query_timeout = 0s
            smtp_accept_max = 100
            smtp_enforce_sync = true
            queue_run_in_order = false
            log_selector = +all
            {extra}
            begin acl
            rcpt:
              accept domains = +local_domains : +routed_domains
              accept hosts = 127.0.0.0/8
              deny message = relay not permitted
            begin routers
            local:
              driver = accept
              domains = +local_domains
              transport = maildir
            routed:
              driver = manualroute
              domains = +routed_domains
              route_data = ${{extract{{$domain}}{{{self._route_table()}}}}}
              transport = smtp
              self = send
            begin transports
            maildir:
              driver = appendfile
              directory = {self.maildir}
              maildir_format
              delivery_date_add
              envelope_to_add
              return_path_add
              user = vmail
              group = vmail
              create_directory
            smtp:
              driver = smtp
              {tls}
              hosts_try_dane = :
              tls_verify_hosts = :
              tls_try_verify_hosts = :
              hosts_try_chunking = *
            begin retry
            * * F,1h,2s
        """.replace("\n            ", "\n"))
        self.jail.folder("/var/spool/exim4", "Debian-exim", "Debian-exim", 0o750)
        self.jail.folder("/var/log/exim4", "Debian-exim", "Debian-exim", 0o750)
        self.jail.folder("/run/exim4", "Debian-exim", "Debian-exim", 0o750)

    def _route_table(self):
        return " ".join(f'{domain}="{host}::{port}"' for domain, (host, port) in self.routes.items())

    def command(self):
        return ["/usr/sbin/exim4", "-bdf", "-q2s"]


class OpenSmtpd(Peer):
    """Speaks TLS as a client only: Debian 12's OpenSMTPD 6.8 keeps its key in another process by way of an RSA
    method that OpenSSL 3 no longer asks, so every handshake of its server fails."""
    package = "opensmtpd"

    def configure(self):
        scheme = {"none": "smtp+notls", "may": "smtp", "must": "smtp+tls"}[self.tls]
        actions = "".join(f'action "to-{number}" relay host {scheme}://{host}:{port}{" tls no-verify" if self.tls != "none" else ""}\n'
                          for number, (host, port) in enumerate(self.routes.values()))
        matches = "".join(f'match from any for domain "{domain}" action "to-{number}"\n' for number, domain in enumerate(self.routes))
        self.jail.write("/etc/smtpd.conf", f"""smtp max-message-size "{MESSAGE_BYTES_MAX}"
listen on {self.address} port {self.port} hostname mail.{self.domain}
action "local" maildir "{self.maildir}" virtual {{ "@" = vmail }}
{actions}match from any for domain "{self.domain}" action "local"
{matches}""")
        self.jail.write("/etc/mailname", f"mail.{self.domain}\n")
        self.jail.folder("/var/spool")
        self.jail.folder("/var/run")

    def command(self):
        return ["/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf"]
