"""Where the servers under measure keep their stores: one journalled file system for all of them.

A sync on a file system without a journal costs less than on the ones people run mail servers on. Where the
project's disk has none, an ext4 image is made in build/bench and mounted by loop; where that is not allowed,
the plain folder is used and every row says so.
"""
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE_GIGABYTES = 8


def has_journal(folder):
    device = os.stat(folder).st_dev
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[2] == f"{os.major(device)}:{os.minor(device)}":
            kind, source = fields[fields.index("-") + 1], fields[fields.index("-") + 2]
            if kind == "ext4":
                return any(Path("/proc/fs/jbd2").glob(f"{Path(source).resolve().name}-*"))
            return kind in ("xfs", "btrfs", "ext3", "zfs")
    return False


class Ground:
    """`with Ground() as ground:` ground.folder is fresh and empty; ground.words says what it stands on."""

    def __enter__(self):
        base = ROOT / "build" / "bench"
        base.mkdir(parents=True, exist_ok=True)
        self._alone = open(base / "lock", "w")
        try:
            fcntl.flock(self._alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"a bench runs in this project already (it holds {base / 'lock'}): a second one would disturb its figures and its disk")
        self._mounted = None
        if has_journal(base):
            self.words = "the project's disk, journalled"
        elif self._mount(base):
            self.words = "journalled ext4 image, loop device with direct I/O"
        else:
            self.words = "a disk WITHOUT a journal (no image could be mounted): syncs are cheaper than elsewhere"
        top = self._mounted or base
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=top))
        self.folder.chmod(0o755)
        return self

    def _mount(self, base):
        """Preallocated and with direct I/O beneath, so that the image adds neither allocation nor a second cache."""
        image, place = base / "ground.img", base / "ground"
        place.mkdir(exist_ok=True)
        with open(image, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, IMAGE_GIGABYTES << 30)
        device = subprocess.run(["losetup", "--direct-io=on", "--find", "--show", str(image)], capture_output=True, text=True).stdout.strip()
        made = device and subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1", device], capture_output=True)
        if not made or made.returncode or subprocess.run(["mount", device, str(place)], capture_output=True).returncode:
            if device:
                subprocess.run(["losetup", "--detach", device], capture_output=True)
            image.unlink()
            return False
        self._mounted, self._device = place, device
        return True

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._mounted:
            gone = subprocess.run(["umount", str(self._mounted)], capture_output=True, text=True)
            if gone.returncode:
                print(f"bench: {self._mounted} stays mounted: {gone.stderr.strip()}", file=sys.stderr)
            else:
                subprocess.run(["losetup", "--detach", self._device], capture_output=True)
                (ROOT / "build" / "bench" / "ground.img").unlink()
