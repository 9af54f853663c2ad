"""Peers from Debian's packages: downloaded and unpacked into build/peers, never installed.

`python3 tests/interop/unpack.py` prepares all of them beforehand (tests prepare what they use by themselves).
"""
import fcntl
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "build" / "peers"
MULTIARCH = "x86_64-linux-gnu"


class Unavailable(Exception):
    """A peer cannot be had on this machine; the tests that need it are skipped with these words."""


def listed():
    """packaging/peer-packages.txt as {peer: [package]}."""
    lines = (ROOT / "packaging" / "peer-packages.txt").read_text().splitlines()
    rows = [line.split(":", 1) for line in lines if line and not line.startswith("#")]
    return {name: packages.split() for name, packages in rows}


def missing_dependencies(packages):
    """What apt would install for them and is not on this machine."""
    plan = subprocess.run(["apt-get", "-s", "-q", "install", "--no-install-recommends", *packages],
                          capture_output=True, text=True)
    return re.findall(r"^Inst (\S+)", plan.stdout, re.M)


def download(packages, folder):
    """apt-get download, after apt-get update where the lists are old or missing."""
    for attempt in ("as it is", "updated"):
        wanted = sorted(set(packages) | set(missing_dependencies(packages)))
        done = subprocess.run(["apt-get", "-q", "download", *wanted], cwd=folder, capture_output=True, text=True)
        if done.returncode == 0:
            return
        if attempt == "as it is":
            subprocess.run(["apt-get", "-qq", "update"], capture_output=True)
    raise Unavailable(f"apt-get download {' '.join(wanted)} failed: {done.stderr.strip().splitlines()[-1:]}")


@contextmanager
def alone(peer):
    """Holds the peer's lock: several test processes may prepare it at once."""
    PEERS.mkdir(parents=True, exist_ok=True)
    with open(PEERS / f"{peer}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unpacked(peer):
    """The folder with the peer's files; unpacked at first use."""
    packages = listed()[peer]
    target = PEERS / peer
    stamp = " ".join(packages)
    with alone(peer):
        done = target / ".unpacked"
        if done.exists() and done.read_text() == stamp:
            return target
        shutil.rmtree(target, ignore_errors=True)
        archives = PEERS / f"{peer}.debs"
        shutil.rmtree(archives, ignore_errors=True)
        archives.mkdir()
        download(packages, archives)
        target.mkdir()
        for archive in sorted(archives.glob("*.deb")):
            subprocess.run(["dpkg", "-x", str(archive), str(target)], check=True)
        shutil.rmtree(archives)
        done.write_text(stamp)
    return target


def environment(folder):
    """Environment variables that let unpacked programs find unpacked libraries and Perl modules."""
    libraries = [folder / part for part in (f"usr/lib/{MULTIARCH}", f"lib/{MULTIARCH}", "usr/lib", "usr/lib/postfix", "usr/lib/dovecot",
                                            "usr/lib/rspamd")]
    perl = [folder / part for part in ("usr/share/perl5", f"usr/lib/{MULTIARCH}/perl5/5.36", f"usr/lib/{MULTIARCH}/perl-base",
                                       f"usr/lib/{MULTIARCH}/perl/5.36", "usr/share/perl/5.36")]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "PERL5LIB": ":".join(str(path) for path in perl if path.is_dir())}


if __name__ == "__main__":
    for name in listed():
        print(f"{name}: {unpacked(name)}", flush=True)
