"""clang-tidy 19 over the release build's units and the fuzz targets, those of a folder at once. `--changed`: only units that
differ from the last commit on main, or that include a header that does.

What passed is noted in build/clang-tidy-passed, under a digest of everything it hangs on in this tree: the units, every
header of ours that they reach, their flags, .clang-tidy, the tool's version. It is not looked at again while all that stays
the same (`--afresh`: it is). What failed always is.
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
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "release"
LEFT_OUT_HERE = "-bugprone-suspicious-include"  # units that include units are this script's own
PASSED = ROOT / "build" / "clang-tidy-passed"


def release_units():
    """(file, flags) of the files that the build compiles, also of those that it compiles as one unit."""
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        flags = tuple(word for before, word in zip(words, words[1:]) if before not in ("-o", "-c") and word not in ("-o", "-c"))
        files = [Path(entry["file"])]
        if files[0].parent.name == "Unity":
            files = [Path(name) for name in re.findall(r'(?m)^#include "([^"]+)"', files[0].read_text())]
        for file in files:
            if file.is_relative_to(ROOT) and not file.is_relative_to(ROOT / "build"):
                yield file.relative_to(ROOT), flags


@cache
def compiled():
    """(file, flags) of all that is looked at."""
    found = list(release_units())
    # The release build has no fuzz targets: they are read with the flags of main.cpp, which is linked with every room.
    flags_of_main = next(flags for file, flags in found if str(file) == "src/main.cpp")
    return found + [(file.relative_to(ROOT), flags_of_main) for file in sorted((ROOT / "fuzz").glob("*.cpp"))]


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
    """The units of a folder that are compiled alike: what may stand in one translation unit. Each fuzz target is a program
    by itself, and those with names of their own have many of them in common."""
    chosen, found = set(chosen), defaultdict(list)
    for file, flags in compiled():
        if file in chosen:
            place = file if str(file).startswith("fuzz/") and "\nnamespace {" in (ROOT / file).read_text() else file.parent
            found[place, flags].append(file)
    return [(flags, sorted(set(files))) for (_, flags), files in sorted(found.items(), key=lambda item: str(item[0][0]))]


@cache
def reached(file):
    """The headers of ours that a file names."""
    text = (ROOT / file).read_text(errors="replace")
    names = re.findall(r'(?m)^\s*#\s*include "([^"]+)"', text)
    return [place for name in names for place in (Path("src") / name, file.parent / name) if (ROOT / place).is_file()]


@cache
def tool():
    version = subprocess.run(["clang-tidy-19", "--version"], capture_output=True, text=True, check=True).stdout
    return "\n".join([version, LEFT_OUT_HERE, (ROOT / ".clang-tidy").read_text(), (ROOT / "cmake" / "pch.h").read_text()])


def digest_of(flags, files):
    """Of everything that the outcome hangs on, the machine's own headers apart."""
    known, new = set(files), list(files)
    while new:
        new = [header for header in {header for file in new for header in reached(file)} if header not in known]
        known.update(new)
    digest = hashlib.sha256(repr((tool(), flags)).encode())
    for file in sorted(known):
        digest.update(f"\n{file}\n".encode() + (ROOT / file).read_bytes())
    return digest.hexdigest()


def looked_at(flags, files, folder, afresh):
    """The group's outcomes as (units, words of the findings, whether it was known)."""
    note = PASSED / digest_of(flags, files)
    if note.exists() and not afresh:
        return [(files, "", True)]
    outcomes = [(units, words, False) for units, words in together(flags, files, folder)]
    if not any(words for _, words, _ in outcomes) and note.name == digest_of(flags, files):  # nobody wrote meanwhile
        PASSED.mkdir(parents=True, exist_ok=True)
        note.touch()
    return outcomes


def together(flags, files, folder):
    """Yields (units, words of the findings). Reading the headers costs most of a unit's time: those of a folder are read
    once for all its units, in halves where their file-local names clash."""
    digest = hashlib.sha256(" ".join(map(str, files)).encode()).hexdigest()[:16]
    unit = Path(folder) / f"{digest}.cpp"
    # Each fuzz target has the one entry that libFuzzer calls.
    unit.write_text("".join(f'#define LLVMFuzzerTestOneInput fuzz_{n}\n#include "{ROOT / file}"\n#undef LLVMFuzzerTestOneInput\n'
                            for n, file in enumerate(files)))
    command = ["clang-tidy-19", "--quiet", f"--config-file={ROOT / '.clang-tidy'}", f"--checks={LEFT_OUT_HERE}",
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
    parser.add_argument("--afresh", action="store_true", help="also what passed before and has not changed")
    parser.add_argument("under", nargs="*", help="only units whose path begins so")
    options = parser.parse_args()
    chosen = [unit for unit in units() if not options.under or str(unit).startswith(tuple(options.under))]
    if options.changed:
        names = changed()
        chosen = [unit for unit in chosen if touched(unit, names)]
    failed = set()  # a file may be a unit of several targets
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        for results in pool.map(lambda group: looked_at(*group, folder, options.afresh), groups(chosen)):
            for files, words, known in results:
                failed.update(files if words else ())
                print(f"{'FAIL' if words else 'ok  '} {' '.join(map(str, files))}{' (as before)' if known else ''}")
                print("\n".join(f"     {line}" for line in words.splitlines()), end="\n" if words else "")
                sys.stdout.flush()
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
