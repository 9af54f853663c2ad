"""clang-tidy 19 over the release build's units, those of a room at once. `--changed`: only units that differ from the last
commit on main, or that include a header that does.
"""
import argparse
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "release"


def compiled():
    """(file, flags) of the project's own files, also of those that the build compiles as one unit."""
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        flags = tuple(word for before, word in zip(words, words[1:]) if before not in ("-o", "-c") and word not in ("-o", "-c"))
        files = [Path(entry["file"])]
        if files[0].parent.name == "Unity":
            files = [Path(name) for name in re.findall(r'(?m)^#include "([^"]+)"', files[0].read_text())]
        for file in files:
            if file.is_relative_to(ROOT) and not file.is_relative_to(ROOT / "build"):
                yield file.relative_to(ROOT), flags


def units():
    return sorted({file for file, _ in compiled()})


def changed():
    command = ["git", "-C", str(ROOT), "diff", "--name-only", "main", "--"]
    done = subprocess.run(command, capture_output=True, text=True)
    return set(done.stdout.split()) if done.returncode == 0 else set()


def touched(unit, names):
    """Whether the unit or a header it names itself is among the changed files."""
    if str(unit) in names:
        return True
    headers = re.findall(r'#include "([^"]+)"', (ROOT / unit).read_text(errors="replace"))
    return any(f"src/{header}" in names for header in headers)


def groups(chosen):
    """The units of a folder that are compiled alike: what may stand in one translation unit."""
    chosen, found = set(chosen), defaultdict(list)
    for file, flags in compiled():
        if file in chosen:
            found[file.parent, flags].append(file)
    return [(flags, sorted(set(files))) for (_, flags), files in sorted(found.items(), key=lambda item: str(item[0][0]))]


def together(flags, files, folder):
    """Yields (units, words of the findings). Reading the headers costs most of a unit's time: those of a folder are read
    once for all its units, in halves where their file-local names clash."""
    digest = hashlib.sha256(" ".join(map(str, files)).encode()).hexdigest()[:16]
    unit = Path(folder) / f"{digest}.cpp"
    unit.write_text("".join(f'#include "{ROOT / file}"\n' for file in files))
    command = ["clang-tidy-19", "--quiet", f"--config-file={ROOT / '.clang-tidy'}", "--checks=-bugprone-suspicious-include",
               f"--header-filter={re.escape(str(ROOT))}/.*", str(unit), "--", *flags, "-w"]
    done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True)
    if "[clang-diagnostic-error]" in done.stdout and len(files) > 1:
        half = len(files) // 2
        yield from together(flags, files[:half], folder)
        yield from together(flags, files[half:], folder)
        return
    yield files, "" if done.returncode == 0 else (done.stdout.strip() or done.stderr.strip())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--changed", action="store_true")
    parser.add_argument("under", nargs="*", help="only units whose path begins so")
    options = parser.parse_args()
    chosen = [unit for unit in units() if not options.under or str(unit).startswith(tuple(options.under))]
    if options.changed:
        names = changed()
        chosen = [unit for unit in chosen if touched(unit, names)]
    failed = set()  # a file may be a unit of several targets
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        for results in pool.map(lambda group: list(together(*group, folder)), groups(chosen)):
            for files, words in results:
                failed.update(files if words else ())
                print(f"{'FAIL' if words else 'ok  '} {' '.join(map(str, files))}")
                print("\n".join(f"     {line}" for line in words.splitlines()), end="\n" if words else "")
                sys.stdout.flush()
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
