"""A folder that a peer sees as its whole machine, and the processes in it.

A mail server wants users, a spool and paths of its own. Instead of giving it those of this machine, each
instance gets a root folder of its own: the unpacked package, the libraries it links, a passwd file, a few
device nodes. It is started there with chroot, in the foreground, and ended by its process group.
Needs root; without it the tests of real peers are skipped.
"""
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

from unpack import MULTIARCH, PEERS, Unavailable, alone, environment, unpacked

# Users as Debian's maintainer scripts make them, with numbers that no real account of a Debian system has.
USERS = {"root": 0, "daemon": 1, "mail": 8, "nobody": 65534, "postfix": 60101, "postdrop": 60102, "Debian-exim": 60103,
         "opensmtpd": 60104, "opensmtpq": 60105, "vmail": 60106, "dovecot": 60107, "dovenull": 60108}


def wait_until(condition, seconds, what):
    """Polls until the condition holds and returns its value; raises TimeoutError with `what` otherwise."""
    end = time.monotonic() + seconds
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"after {seconds} s: {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def free_port(address="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def free_port_on(addresses):
    """One port number that is free on every address."""
    for _ in range(50):
        port = free_port(addresses[0])
        probes = [socket.socket() for _ in addresses[1:]]
        try:
            for probe, address in zip(probes, addresses[1:]):
                probe.bind((address, port))
            return port
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
    raise Unavailable(f"no port is free on all of {addresses}")


def accepts(address, port):
    try:
        with socket.create_connection((address, port), 1):
            return True
    except OSError:
        return False


class Process:
    """A child in a session of its own; ending it ends its whole process group, and nothing else."""

    def __init__(self, command, log, **options):
        self.log = Path(log)
        self._out = open(self.log, "ab")
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._out, stderr=subprocess.STDOUT,
                                         start_new_session=True, **options)
        self.pid = self._process.pid
        self._command = command

    def running(self):
        return self._process.poll() is None

    def status(self):
        return self._process.poll()

    def wait_for(self, condition, seconds, what):
        def look():
            if not self.running():
                raise RuntimeError(f"{self._command[0]} ended ({self._process.returncode}) before {what}:\n{self.tail()}")
            return condition()
        return wait_until(look, seconds, lambda: f"{what}\n{self.tail()}")

    def tail(self, lines=25):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def stop(self, seconds=10):
        """SIGTERM to the child, then SIGKILL to whatever is left of its group; returns its exit status."""
        self.signal(signal.SIGTERM)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        self.kill()
        return self._process.returncode

    def kill(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        self._out.close()


class Jail:
    """One instance's root folder: `path` from outside, "/" to the peer."""

    def __init__(self, peer, parent=None):
        if os.geteuid() != 0:
            raise Unavailable("real peers run in a root folder of their own, which needs root")
        template = unpacked(peer)
        with alone(peer):
            _add_libraries(template)
        self.path = Path(tempfile.mkdtemp(prefix=f"{peer}-", dir=parent or _instances()))
        self.path.chmod(0o755)
        try:
            _link_tree(template, self.path)
            self._devices()
        except OSError as error:
            shutil.rmtree(self.path, ignore_errors=True)
            raise Unavailable(f"cannot make a root folder for {peer}: {error}") from error
        self._accounts()

    def inside(self, path):
        return self.path / path.lstrip("/")

    def write(self, path, text, mode=0o644):
        target = self.inside(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # it may be a link to the unpacked package
        target.write_text(text)
        target.chmod(mode)

    def folder(self, path, owner="root", group="root", mode=0o755):
        target = self.inside(path)
        target.mkdir(parents=True, exist_ok=True)
        os.chown(target, USERS[owner], USERS[group])
        target.chmod(mode)

    def start(self, command):
        return Process(command, self.inside("/output.log"), preexec_fn=self._enter, env=self._environment())

    def run(self, command, check=True):
        return subprocess.run(command, preexec_fn=self._enter, env=self._environment(), check=check, capture_output=True, text=True)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)

    def messages(self, maildir):
        """The messages of a Maildir, oldest first, as octets."""
        files = sorted(self.inside(maildir).glob("new/*"), key=lambda path: path.stat().st_mtime_ns)
        return [path.read_bytes() for path in files]

    def _enter(self):
        os.chroot(self.path)
        os.chdir("/")

    @staticmethod
    def _environment():
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}

    def _devices(self):
        (self.path / "dev").mkdir(exist_ok=True)
        for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
            node = self.path / "dev" / name
            os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(1, minor))
            node.chmod(0o666)
        (self.path / "tmp").mkdir(exist_ok=True)
        (self.path / "tmp").chmod(0o1777)

    def _accounts(self):
        rows = [f"{name}:x:{number}:{number}::/var/empty:/bin/false" for name, number in USERS.items()]
        self.write("/etc/passwd", "\n".join(rows) + "\n")
        self.write("/etc/group", "".join(f"{name}:x:{number}:\n" for name, number in USERS.items()))
        self.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n")
        self.write("/etc/hosts", "127.0.0.1 localhost\n")
        self.write("/etc/services", "smtp 25/tcp\nsubmission 587/tcp\n")
        self.write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.folder("/var/empty")


def _instances():
    folder = PEERS / "running"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _add_libraries(folder):
    """Copies what the unpacked programs link, the loader and /bin/sh into the folder; once."""
    done = folder / ".libraries"
    if done.exists():
        return
    libraries = folder / "usr/lib" / MULTIARCH
    libraries.mkdir(parents=True, exist_ok=True)
    (folder / "bin").mkdir(exist_ok=True)
    shutil.copy("/bin/sh", folder / "bin/sh", follow_symlinks=True)
    search = environment(folder)
    for program in [path for path in folder.rglob("*") if _is_elf(path)]:
        shown = subprocess.run(["ldd", str(program)], env=search, capture_output=True, text=True).stdout
        # A module of the peer's own that it finds by a path of its own is not missing.
        if absent := [name for name in re.findall(r"(\S+) => not found", shown) if not any(folder.rglob(name))]:
            raise Unavailable(f"{program.name} needs {', '.join(absent)}")
        for library in map(Path, re.findall(r"(?:=> )?(/\S+) \(0x", shown)):
            if not library.is_relative_to(folder):
                target = folder / "lib64" / library.name if library.name.startswith("ld-linux") else libraries / library.name
                target.parent.mkdir(exist_ok=True)
                if not target.exists():
                    shutil.copy(library, target, follow_symlinks=True)
    done.touch()


def _is_elf(path):
    if path.is_symlink() or not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def _link_tree(source, target):
    """The same tree, with hard links where the file system allows and copies elsewhere."""
    def link(origin, copy):
        try:
            os.link(origin, copy)
        except OSError:
            shutil.copy2(origin, copy)
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=link)
