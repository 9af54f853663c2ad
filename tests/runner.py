"""Runs groups of tests and adds up their cases; `./test` builds first and then calls this.

A group is a list of programs, run side by side on every core. Each is either a GoogleTest binary (its cases
are read from the JSON it writes), a fuzz target (one case: the seeds and a short run), or a Python test
(its last line says "N passed, N failed, N skipped"). The whole output of each stands in build/test-logs/.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
CORES = os.cpu_count() or 1
WAITING_AT_ONCE = 2 * CORES  # programs that mostly wait for a peer
LAST_LINE = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    troubles: list = field(default_factory=list)
    reasons: list = field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.troubles += other.troubles
        self.reasons += other.reasons

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass
class Program:
    """One process of a group: how to start it, and how to read what came of it."""
    name: str
    command: list
    read: callable
    seconds_max: int
    env: dict = field(default_factory=dict)


def run_program(program):
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{program.name}.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(program.command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   cwd=ROOT, env={**os.environ, **program.env}, start_new_session=True)
        try:
            status = process.wait(program.seconds_max)
        except subprocess.TimeoutExpired:
            status = None
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    tally = program.read(program, status, log)
    if status is None:
        tally.failed += 1
        tally.troubles.append(f"{program.name}: ended after {program.seconds_max} s without a result; see {log}")
    return tally


# ---- readers: what a finished program says

def gtest_report(program):
    return LOGS / f"{program.name}.json"


def read_gtest(program, status, log):
    tally = Tally()
    report = gtest_report(program)
    if not report.exists():
        return read_broken_gtest(program, status, log)
    for suite in json.loads(report.read_text()).get("testsuites", []):
        for case in suite.get("testsuite", []):
            name = f"{program.name}: {suite['name']}.{case['name']}"
            if case.get("failures"):
                tally.failed += 1
                tally.troubles.append("\n".join([name] + [f["failure"] for f in case["failures"]]))
            elif case.get("result") == "SKIPPED":
                tally.skipped += 1
                tally.reasons.append(name)
            elif case.get("status") == "RUN":
                tally.passed += 1
    if status not in (0, None) and not tally.failed:
        tally.failed += 1
        tally.troubles.append(f"{program.name}: exit status {status} after its cases; {tail(log)}")
    return tally


def read_broken_gtest(program, status, log):
    """A binary that died writes no report: what it passed counts, the case it died in failed."""
    text = log.read_text(errors="replace")
    tally = Tally(passed=len(re.findall(r"^\[       OK \]", text, re.M)))
    if status is not None:
        running = re.findall(r"^\[ RUN      \] (\S+)", text, re.M)
        tally.failed = 1
        where = f"in {running[-1]}" if running else "before its first case"
        tally.troubles.append(f"{program.name}: died ({status}) {where}\n{tail(log, 40)}")
    return tally


def read_python(program, status, log):
    lines = log.read_text(errors="replace").splitlines()
    match = LAST_LINE.match(lines[-1]) if lines else None
    if not match:
        return Tally(failed=0 if status is None else 1,
                     troubles=[] if status is None else [f"{program.name}: exit {status}, no last line\n{tail(log)}"])
    tally = Tally(*map(int, match.groups()))
    tally.troubles = blocks_of(program.name, lines, "FAIL")
    tally.reasons = [f"{program.name}: {line[5:]}" for line in lines if line.startswith("skip ")]
    return tally


def blocks_of(name, lines, word):
    blocks = []
    for line in lines:
        if line.startswith(word + " "):
            blocks.append(f"{name}: {line[len(word) + 1:]}")
        elif blocks and line.startswith("     "):
            blocks[-1] += "\n" + line
        elif blocks and not line.startswith("     "):
            blocks.append("")
    return [block for block in blocks if block]


def read_fuzz(program, status, log):
    if status == 0:
        return Tally(passed=1)
    if status is None:
        return Tally()
    return Tally(failed=1, troubles=[f"{program.name}: exit {status}\n{tail(log, 30)}"])


def tail(log, lines=20):
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


# ---- programs: what a group runs

def gtest_programs(flavour, pattern, options, shards=1):
    for binary in sorted((ROOT / "build" / flavour).rglob(pattern)):
        if not (os.access(binary, os.X_OK) and binary.is_file()):
            continue
        for shard in range(shards):
            name = binary.name if shards == 1 else f"{binary.name}.{shard + 1}of{shards}"
            program = Program(name, [str(binary), "--gtest_color=no"], read_gtest, options.seconds_max)
            report = gtest_report(program)
            report.unlink(missing_ok=True)
            program.command.append(f"--gtest_output=json:{report}")
            if shards > 1:
                program.env = {"GTEST_TOTAL_SHARDS": str(shards), "GTEST_SHARD_INDEX": str(shard)}
            yield program


def python_programs(folder, options):
    for test in sorted((ROOT / "tests" / folder).glob("*_test.py")):
        yield Program(f"{folder}.{test.stem}", [sys.executable, str(test)], read_python, options.seconds_max,
                      {"PYTHONPATH": str(ROOT / "tests"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"})


def fuzz_programs(options):
    # A fixed seed makes the short run the same each time; the long one looks for what nobody has seen.
    seconds, seed = (60, 0) if options.long else (4, 1)
    for binary in sorted((ROOT / "build" / "asan").rglob("fuzz_*")):
        if not (os.access(binary, os.X_OK) and binary.is_file()):
            continue
        name = binary.name.removeprefix("fuzz_")
        corpus = ROOT / "build" / "fuzz-corpus" / name
        corpus.mkdir(parents=True, exist_ok=True)
        command = [str(binary), f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=10", "-rss_limit_mb=2048",
                   f"-artifact_prefix={corpus}/found-", str(corpus)]
        seeds, words = ROOT / "fuzz" / "seeds" / name, ROOT / "fuzz" / f"{name}.dict"
        if seeds.is_dir():
            command.append(str(seeds))
        if words.exists():
            command.append(f"-dict={words}")
        yield Program(binary.name, command, read_fuzz, seconds + 120)


def tidy_programs(options):
    return python_programs("tidy", options)


def unit_programs(options):
    return [p for p in gtest_programs("asan", "test_*", options, shards=CORES)
            if not p.name.startswith(("test_fault", "test_simulation"))]


def fault_programs(options):
    return list(gtest_programs("release", "test_fault", options)) + list(python_programs("fault", options))


def simulation_programs(options):
    return list(gtest_programs("release", "test_simulation", options))


def tsan_programs(options):
    # A race ends a case as a failed one; the first is enough to read.
    for program in gtest_programs("tsan", "test_*", options):
        program.env |= {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"}
        yield program


def conformance_programs(options):
    return python_programs("conformance", options)


def interop_programs(options):
    return python_programs("interop", options)


def clang_tidy_programs(options):
    command = [sys.executable, str(ROOT / "tests" / "tidy" / "clang_tidy.py")] + ([] if options.long else ["--changed"])
    return [Program("clang-tidy", command, read_python, 3600)]


@dataclass
class Group:
    name: str
    builds: list  # flavours, each with the targets that are wanted where it is not all of them
    programs: callable
    about: str
    quick: bool = False
    only_long: bool = False
    at_once: int = CORES


TSAN_TARGETS = ("test_foundation", "test_platform", "test_site", "test_flow", "test_operations", "test_entrance")

GROUPS = [
    Group("tidy", [], tidy_programs, "the rules of the house, on the source text", quick=True),
    Group("unit", ["asan"], unit_programs, "every room's cases, vectors and transcripts, with ASan and UBSan", quick=True),
    Group("fuzz", ["asan"], fuzz_programs, "each parser's seeds and a short run of its fuzz target"),
    Group("simulation", ["release"], simulation_programs, "a domain's life with senders and caches, on virtual time"),
    Group("fault", ["release"], fault_programs, "kill, power loss, full and broken disks"),
    Group("conformance", ["release"], conformance_programs, "scripts of other projects, played against a running server",
          at_once=WAITING_AT_ONCE),
    Group("interop", ["release"], interop_programs, "Postfix, Exim, OpenSMTPD, Dovecot, clients of SMTP and IMAP, and a faulty peer",
          at_once=WAITING_AT_ONCE),
    Group("tsan", [f"tsan {' '.join(TSAN_TARGETS)}"], tsan_programs, "the floors with threads, with ThreadSanitizer", only_long=True),
    Group("clang-tidy", ["release"], clang_tidy_programs, "clang-tidy on changed files (--long: on all)", only_long=True),
]


def arguments():
    parser = argparse.ArgumentParser(prog="./test")
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--list", action="store_true", help="name the groups")
    parser.add_argument("--builds", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.groups) - {group.name for group in GROUPS}
    if unknown:
        parser.error(f"no group {', '.join(sorted(unknown))}; there are: {', '.join(g.name for g in GROUPS)}")
    options.seconds_max = 7200 if options.long else 900
    return options


def chosen_groups(options):
    if options.groups:
        return [group for group in GROUPS if group.name in options.groups]
    if options.quick:
        return [group for group in GROUPS if group.quick]
    return [group for group in GROUPS if options.long or not group.only_long]


def run_group(group, options):
    programs = list(group.programs(options))
    print(f"== {group.name}: {group.about} ({len(programs)} programs)", flush=True)
    tally, started, lock = Tally(), time.monotonic(), threading.Lock()

    def one(program):
        begun = time.monotonic()
        result = run_program(program)
        with lock:
            tally.add(result)
            print(f"   {program.name}: {result} ({time.monotonic() - begun:.1f} s)", flush=True)

    with ThreadPoolExecutor(group.at_once) as pool:
        list(pool.map(one, programs))
    print(f"== {group.name}: {tally} in {time.monotonic() - started:.0f} s", flush=True)
    return tally


def main():
    options = arguments()
    groups = chosen_groups(options)
    if options.list:
        if not options.builds:
            print("\n".join(f"{group.name:12} {group.about}" for group in GROUPS))
        return 0
    if options.builds:  # asked by ./test before anything else
        print("\n".join(sorted({build for group in groups for build in group.builds})))
        return 0
    if options.long:
        os.environ["POSTHORN_LONG"] = "1"
    total, started = Tally(), time.monotonic()
    for group in groups:
        total.add(run_group(group, options))
    for reason in total.reasons:
        print(f"skipped: {reason}")
    for trouble in total.troubles:
        print(f"\nFAILED: {trouble}")
    print(f"\nall groups took {time.monotonic() - started:.0f} s; full output in {LOGS.relative_to(ROOT)}/")
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
