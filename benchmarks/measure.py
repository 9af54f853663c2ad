"""CPU, memory and syncs of a server: of all processes in its session, the ones that ended included."""
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
SYNCS = "fsync,fdatasync,sync_file_range,msync,syncfs,sync"


def _stats(session):
    """The fields of /proc/PID/stat after the name, of each process in the session, or in any of several."""
    sessions = session if isinstance(session, tuple) else (session,)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rsplit(") ", 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) in sessions:
                yield int(folder.name), fields


def cpu_seconds(session):
    """User and system time, of living processes and of the children they have waited for."""
    return sum(sum(map(int, fields[11:15])) for _, fields in _stats(session)) / TICK


def memory_kilobytes(session, lines=r"^Pss:\s+(\d+)"):
    """Proportional set size of the session: what it takes of the machine, shared pages split among sharers. Other
    `lines` of smaps_rollup are added up where they are asked for."""
    total = 0
    for pid, _ in _stats(session):
        try:
            total += sum(map(int, re.findall(lines, Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)))
        except OSError:
            continue
    return total


class SyncCounter:
    """Counts calls that ask the disk to keep something, by strace; slows the server, so measure rates apart."""

    def __init__(self, session):
        self._pids = [pid for pid, _ in _stats(session)]

    def __enter__(self):
        self._file = tempfile.NamedTemporaryFile()
        attach = [word for pid in self._pids for word in ("-p", str(pid))]
        self._strace = subprocess.Popen(["strace", "-f", "-q", "-e", f"trace={SYNCS}", "-o", self._file.name, *attach],
                                        stderr=subprocess.DEVNULL)
        while not all(self._traced(pid) for pid in self._pids) and self._strace.poll() is None:
            time.sleep(0.01)
        return self

    @staticmethod
    def _traced(pid):
        try:
            return "TracerPid:\t0" not in Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return True

    def __exit__(self, *_):
        self._strace.send_signal(signal.SIGINT)
        self._strace.wait()
        lines = Path(self._file.name).read_text().splitlines()
        self.count = sum(1 for line in lines if re.search(rf"\b({SYNCS.replace(',', '|')})\(", line) and "resumed" not in line)
