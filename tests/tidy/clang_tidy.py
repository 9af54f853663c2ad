"""clang-tidy 19 over the release build's units, a case a unit. `--changed`: only units that differ from the last
commit on main, or that include a header that does.
"""
import argparse
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "release"


def units():
    """The project's own translation units, as the build compiles them."""
    database = json.loads((BUILD / "compile_commands.json").read_text())
    files = sorted({Path(entry["file"]) for entry in database})
    return [path.relative_to(ROOT) for path in files if path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "build")]


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


def check(unit):
    done = subprocess.run(["clang-tidy-19", "--quiet", "-p", str(BUILD), str(unit)], cwd=ROOT, capture_output=True, text=True)
    return unit, done.returncode, done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--changed", action="store_true")
    parser.add_argument("under", nargs="*", help="only units whose path begins so")
    options = parser.parse_args()
    chosen = [unit for unit in units() if not options.under or str(unit).startswith(tuple(options.under))]
    if options.changed:
        names = changed()
        chosen = [unit for unit in chosen if touched(unit, names)]
    failed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for unit, status, words in pool.map(check, chosen):
            if status:
                failed += 1
                print(f"FAIL {unit}")
                print("\n".join(f"     {line}" for line in words.splitlines()))
                sys.stdout.flush()
    print(f"{len(chosen) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
