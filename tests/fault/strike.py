"""Strikes a running server at its n-th call: strike.c in the server, this beside it.

    with Strike(folder) as strike:
        posthorn.serve(env=strike.environment())
        strike.arm(7, "before")            … the 8th call that counts ends the process
"""
import errno
import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path

from unpack import Unavailable

SOURCE = Path(__file__).resolve().parent / "strike.c"
HOW = {"count": 0, "before": 1, "after": 2, "half": 3, "error": 4}
WRITE, SYNC, NAME, SEND = 1, 2, 4, 8
ALL = WRITE | SYNC | NAME | SEND
_AT, _COUNTED, _HOW, _KINDS, _ERROR, _STRUCK, _CALL = range(0, 56, 8)


class Strike:
    def __init__(self, folder):
        compiler = shutil.which("clang-19") or shutil.which("cc")
        if not compiler:
            raise Unavailable("no C compiler")
        self.shim, self.path = Path(folder) / "strike.so", Path(folder) / "strike.page"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", self.shim, SOURCE, "-ldl"], check=True)
        self.path.write_bytes(bytes(4096))
        with open(self.path, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), 4096)

    def environment(self):
        return {**os.environ, "LD_PRELOAD": str(self.shim), "STRIKE_PAGE": str(self.path)}

    def arm(self, at, how, kinds=ALL, error=errno.EIO):
        self.disarm()
        self._put(_COUNTED, 0)
        self._put(_STRUCK, 0)
        self._page[_CALL:_CALL + 64] = bytes(64)
        self._put(_AT, at)
        self._put(_ERROR, error)
        self._put(_HOW, HOW[how])
        self._put(_KINDS, kinds)  # last: from here on it counts

    def disarm(self):
        self._put(_KINDS, 0)

    @property
    def counted(self):
        return self._get(_COUNTED)

    @property
    def struck(self):
        return self._get(_STRUCK)

    @property
    def call(self):
        return self._page[_CALL:_CALL + 64].split(b"\0")[0].decode()

    def _put(self, place, value):
        self._page[place:place + 8] = struct.pack("<q", value)

    def _get(self, place):
        return struct.unpack("<q", self._page[place:place + 8])[0]
