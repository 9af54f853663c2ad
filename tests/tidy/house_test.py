"""The rules of the house, read off the source text (STYLE.md, ARCHITECTURE.md). Each case is one rule; a
message names file and line and says what would be right. A rule is a ratchet: it only gets tighter.
"""
import os
import re
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import cases  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
FILE_LINES_MAX = 800      # STYLE.md: no hand-written file over 800
FUNCTION_LINES_MAX = 100  # STYLE.md aims at 70; nothing may pass this
CPP = (".cpp", ".h")
OUR_CODE = ("src/", "tests/", "benchmarks/", "fuzz/", "cmake/")
THE_MACHINE = ("src/platform/runtime/",)  # the only room with threads, clocks and spawning

THE_ROOT = set(""".ci .clang-format .clang-tidy .gitignore ARCHITECTURE.md CHANGELOG.md CMakeLists.txt CMakePresets.json
CONTRIBUTING.md LICENSE README.md SECURITY.md STYLE.md bench benchmarks cmake docs fuzz packaging run share src test
tests""".split())  # a newcomer sees these first: a stray file among them is a litter

OWN_CLOCK = {  # exceptions to "the time comes from runtime", each with its reason
    "src/platform/storage/housekeeper.cpp",  # a thread that only paces itself; nothing it decides depends on the time
    "src/platform/net/socket_test.cpp",      # polls real sockets, which know no virtual time
    "src/platform/net/front_test.cpp",       # the same
}


@lru_cache
def tracked():
    """Paths of the project's files, relative to its root: what git tracks or would track."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True)
    if listed.returncode == 0:
        names = set(listed.stdout.splitlines())
    else:
        names = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if "build" not in path.parts}
    return sorted(name for name in names if (ROOT / name).is_file())


@lru_cache
def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


@lru_cache
def code_of(name):
    """The text with comments and literals blanked; line numbers stay."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())
    literal = r'R"(?P<mark>[^\s()\\]{0,16})\((?:.|\n)*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
    return re.sub(rf"//[^\n]*|/\*(?:.|\n)*?\*/|{literal}", blank, text_of(name))


def cpp_files(*under):
    return [name for name in tracked() if name.endswith(CPP) and name.startswith(under or OUR_CODE)]


def matches(pattern, names, text=code_of):
    """`file:line: matched text` for every match of the pattern in the files."""
    found = []
    for name in names:
        content = text(name)
        for match in re.finditer(pattern, content):
            line = content.count("\n", 0, match.start()) + 1
            found.append(f"{name}:{line}: {' '.join(match.group().split())[:90]}")
    return found


@lru_cache
def house():
    """cmake/houseplan.cmake as {room: (floor number, floor name, rooms it may use on its own floor)}."""
    rooms, number, floor = {}, 0, ""
    for line in text_of("cmake/houseplan.cmake").splitlines():
        if match := re.match(r"posthorn_floor\((\d+) (\w+)\)", line):
            number, floor = int(match[1]), match[2]
        elif match := re.match(r"posthorn_room\((\w+)(?: USES (\w+(?: \w+)*?))?(?: LIBS .*)?\)", line):
            rooms[match[1]] = (number, floor, (match[2] or "").split())
    return rooms


def room_of(path):
    parts = path.split("/")
    return parts[2] if len(parts) > 3 and parts[0] == "src" else None


class Floors(unittest.TestCase):
    def complain(self, found, rule):
        if found:
            self.fail("\n".join([f"{rule}:", *found]))

    def test_every_source_file_belongs_to_a_room(self):
        homeless = []
        for name in cpp_files("src/"):
            room = room_of(name)
            known = room in house() and house()[room][1] == name.split("/")[1]
            if not known and room != "test_support" and name != "src/main.cpp":
                homeless.append(name)
        self.complain(homeless, "these stand in no room of cmake/houseplan.cmake")

    def test_the_root_holds_what_it_should(self):
        strays = {name.split("/")[0] for name in tracked()} - THE_ROOT
        self.complain(sorted(strays), "these do not belong at the project's root (a new one is named in THE_ROOT)")

    def test_includes_follow_the_table(self):
        wrong = []
        for name in cpp_files("src/"):
            here = room_of(name)
            if here not in house():
                continue
            floor, _, uses = house()[here]
            for line, target in enumerate(text_of(name).splitlines(), 1):
                if match := re.match(r'#include "([^"]+)"', target):
                    parts = match[1].split("/")
                    there = parts[1] if len(parts) > 2 else None
                    if there == "test_support" and name.endswith("_test.cpp"):
                        continue
                    if name.endswith("_test.cpp") and there in house() and house()[there][0] == floor:
                        continue  # a floor's tests are one binary, linked with all its rooms
                    if there not in house() or house()[there][1] != parts[0]:
                        wrong.append(f"{name}:{line}: {match[1]} is no header of a room (include by path from src)")
                    elif there != here and house()[there][0] >= floor and there not in uses:
                        wrong.append(f"{name}:{line}: {here} (floor {floor}) may not use {there} (floor {house()[there][0]})")
        self.complain(wrong, "includes against the table in cmake/houseplan.cmake")

    def test_beds_stand_on_their_floor(self):
        """What the tests of a floor share may use that floor and those below it."""
        number_of = {floor: number for number, floor, _ in house().values()}
        wrong = []
        for name in cpp_files("src/"):
            parts = name.split("/")
            if "test_support" not in parts:
                continue
            for line, target in enumerate(text_of(name).splitlines(), 1):
                match = re.match(r'#include "(\w+)/', target)
                if match and number_of.get(match[1], 0) > number_of[parts[1]]:
                    wrong.append(f"{name}:{line}: {match[1]} is above {parts[1]}")
        self.complain(wrong, "a floor's test_support uses a higher floor")

    def test_the_table_has_no_circle(self):
        for room, (number, _, uses) in house().items():
            for used in uses:
                self.assertIn(used, house(), f"{room} uses {used}")
                self.assertEqual(house()[used][0], number, f"{room} names {used}, which is on another floor")
                self.assertNotIn(room, house()[used][2], f"{room} and {used} use each other")


class Shape(unittest.TestCase):
    complain = Floors.complain

    def test_no_file_is_over_the_limit(self):
        long = [f"{name}: {text_of(name).count(chr(10))} lines" for name in tracked()
                if name.endswith(CPP + (".py", ".sh", ".cmake")) and text_of(name).count("\n") > FILE_LINES_MAX]
        self.complain(long, f"over {FILE_LINES_MAX} lines: split by meaning")

    def test_no_function_is_over_the_limit(self):
        self.complain([f"{name}:{line}: {length} lines" for name in cpp_files()
                       for line, length in functions_of(name) if length > FUNCTION_LINES_MAX],
                      f"functions over {FUNCTION_LINES_MAX} lines")

    def test_headers_open_with_what_they_are(self):
        bad = [name for name in cpp_files() if name.endswith(".h") and
               not (text_of(name).startswith("//") and "#pragma once" in text_of(name))]
        self.complain(bad, "a header opens with a comment that says what it is, and has #pragma once")

    def test_clang_format_agrees(self):
        names = [name for name in cpp_files("src/", "tests/", "benchmarks/", "fuzz/")]
        batches = [names[start:start + 20] for start in range(0, len(names), 20)]
        command = ["clang-format-19", "--dry-run", "-Werror", "--ferror-limit=1"]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            runs = list(pool.map(lambda batch: subprocess.run(command + batch, cwd=ROOT, capture_output=True, text=True), batches))
        wrong = sorted({line.split(":")[0] for run in runs for line in run.stderr.splitlines() if "error:" in line})
        self.complain(wrong, "run clang-format-19 -i on")
        self.assertTrue(all(run.returncode == 0 for run in runs), [run.stderr for run in runs if run.returncode])

    def test_scripts_are_clean(self):
        scripts = [name for name in tracked() if name in ("run", "test", "bench", ".ci/run") or name.endswith(".sh")]
        found = subprocess.run(["shellcheck", "-x", *scripts], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(found.returncode, 0, found.stdout)


def functions_of(name):
    """(first line, lines) of each function at namespace level; the formatter puts its closing brace in column 0."""
    start, head = None, ""
    for number, line in enumerate(code_of(name).splitlines(), 1):
        if start is None and re.match(r"[A-Za-z_\[~]", line) and not re.match(r"(namespace|using|extern|typedef)\b", line):
            start, head = number, ""
        if start is None:
            continue
        head += line + " "
        if line.startswith("}"):
            if "(" in head.split("{")[0] and not re.match(r"(struct|class|enum|union)\b", head):
                yield start, number - start + 1
            start = None
        elif line.rstrip().endswith(";") and "{" not in head:
            start = None


class Coroutines(unittest.TestCase):
    complain = Floors.complain

    def test_no_lambda_coroutine_captures(self):
        lambda_coroutine = r"\[[^\[\]\s][^\[\]]*\]\s*(\([^{};]*?\))?\s*(mutable\s*)?(noexcept\s*)?->\s*(posthorn::|asio::|boost::asio::)*(Task|awaitable)\b"
        names = [name for name in cpp_files() if not name.endswith("_test.cpp")]  # a test awaits it in the same scope
        self.complain(matches(lambda_coroutine, names),
                      "a lambda coroutine with captures outlives them: use a named function that takes values")

    def test_only_runtime_spawns(self):
        names = [name for name in cpp_files() if not name.startswith(THE_MACHINE) and "/test_support/" not in name]
        self.complain(matches(r"\bdetached\b|\bco_spawn\b", names), "spawn through platform/runtime, which counts and awaits its children")

    def test_only_runtime_knows_the_time(self):
        names = [name for name in cpp_files("src/") if not name.startswith(THE_MACHINE) and name not in OWN_CLOCK]
        clock = r"_clock::now\b|\bsleep(_for|_until)?\s*\(|\b(u|nano)sleep\s*\(|\bgettimeofday\b|\bclock_gettime\b|\btime\((nullptr|NULL|0)\)"
        self.complain(matches(clock, names), "the time comes from platform/runtime, so that tests can turn the clock")


class Together(unittest.TestCase):
    """A build from nothing compiles a room's files, and its tests, as few units (POSTHORN_TOGETHER, cmake/compiler.cmake)."""
    complain = Floors.complain

    @staticmethod
    def declared(name):
        """What stands at the left margin, as clang-format leaves it, of types, constants and functions without linkage."""
        for part in re.findall(r"(?m)^namespace \{$[\s\S]*?^\} {2,}$", code_of(name)):
            for kind in re.findall(r"(?m)^(?:struct|class|enum class) (\w+)[^;\n]*\{", part):
                yield kind
            for constant in re.findall(r"(?m)^(?:static |inline )*(?:constexpr|const) [^(={;\n]*?(\w+)(?:\[\w*\])? ?[={;]", part):
                yield constant
            for function, taken in re.findall(r"(?m)^(?!template)[A-Za-z][\w:<>,&* ]* \*?&?(\w+)\(([^;{}]*?)\) (?:const )?\{$", part):
                kinds = [re.sub(r"(?<=[\w>&*]) ?\b\w+( = .*)?$", "", one.strip()) for one in taken.split(",")]
                yield f"{function}({', '.join(kinds)})"

    def test_names_of_a_room_are_unique(self):
        places = {}
        for name in cpp_files("src/"):
            if not name.endswith(".cpp"):
                continue
            kind = "tests" if name.endswith("_test.cpp") else "sources"
            if Path(name).name.startswith("noun_"):
                continue  # a noun's stand in a namespace of its own
            for declared in set(self.declared(name)):
                places.setdefault((Path(name).parent, kind, declared), []).append(name)
        self.complain([f"{declared}: {', '.join(names)}" for (_, _, declared), names in sorted(places.items()) if len(names) > 1],
                      "files of a room are compiled together: each needs names of its own")


class Standards(unittest.TestCase):
    complain = Floors.complain

    @staticmethod
    def register():
        rows = [line.split("\t") for line in text_of("docs/rfc/register.tsv").splitlines() if line and not line.startswith("#")]
        return rows[0], rows[1:]

    def test_register_rows_are_well_formed(self):
        head, rows = self.register()
        self.assertEqual(head, ["number", "status", "title", "room"])
        for row in rows:
            with self.subTest(row=row[0]):
                self.assertEqual(len(row), 4)
                self.assertRegex(row[0], r"^\d{3,5}$")
                self.assertIn(row[1], ("yes", "partial", "planned", "no"))
                for room in row[3].split():
                    self.assertIn(room, house())
        numbers = [int(row[0]) for row in rows]
        self.assertEqual(numbers, sorted(set(numbers)), "rows are sorted by number, each once")

    def test_cited_rfcs_are_registered(self):
        known = {row[0] for row in self.register()[1]}
        missing = {}
        for name in cpp_files("src/", "fuzz/", "tests/"):
            for number in re.findall(r"\bRFC[ \n/]*0*(\d{3,5})\b", text_of(name)):
                if number not in known:
                    missing.setdefault(number, name)
        self.complain([f"RFC {number}, cited in {name}" for number, name in sorted(missing.items())],
                      "RFCs without a row in docs/rfc/register.tsv")


class Findings(unittest.TestCase):
    """What a check can find is fixed: scripts go by the ids (docs/operator/findings.md)."""
    complain = Floors.complain
    PAGE = "docs/operator/findings.md"

    def rows(self):
        return dict(re.findall(r"^\| `([a-z0-9-]+)` \| (\w+) \|", text_of(self.PAGE), re.M))

    def test_every_id_that_is_printed_is_listed_with_its_level(self):
        listed, wrong = self.rows(), []
        self.assertGreater(len(listed), 70)
        for name in cpp_files("src/"):
            if name.endswith("_test.cpp"):
                continue
            for found, level in re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"\s*,\s*FindingLevel::(\w+)', text_of(name)):
                if listed.get(found) != level:
                    wrong.append(f"{name}: {found} is {level}; {self.PAGE} says {listed.get(found)}")
        self.complain(wrong, "findings that are not those of the list")

    def test_the_page_is_the_list_that_stays_fixed(self):
        shared = Path(os.environ.get("POSTHORN_SHARED_DATA", ROOT / ".." / "shared" / "data")).parent / "FINDINGS.tsv"
        if not shared.exists():
            self.skipTest("the list of findings is not here (POSTHORN_SHARED_DATA)")
        fixed = dict(line.split("\t")[:2] for line in shared.read_text().splitlines()[1:])
        self.assertEqual(self.rows(), fixed)


class Words(unittest.TestCase):
    complain = Floors.complain

    def test_nothing_unfinished_is_marked(self):
        marks = r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|not impl" + r"emented|unimpl" + r"emented|st" + r"ub(?! resolver| zone|-zone:|-addr:|-prime:))\b"
        self.complain(matches(marks, [name for name in tracked() if name.startswith(OUR_CODE)], text_of),
                      "finish it, or take it out: what is not built is not there")

    def test_no_machine_is_named(self):
        places = r"(?<![\w./])/(work|home|Users|root)/\w+|\b(deb\.debian\.org|pypi\.org|registry\.npmjs\.org|crates\.io|proxy\.golang\.org)\b"
        names = [name for name in tracked() if not name.startswith("tests/tidy/")]
        self.complain(matches(places, names, text_of), "paths and hosts of one machine")

    def test_links_in_documents_lead_somewhere(self):
        broken = []
        for name in tracked():
            if name.endswith(".md"):
                for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(name)):
                    if not ((ROOT / name).parent / target).exists():
                        broken.append(f"{name}: {target}")
        self.complain(broken, "links to files that are not there")


class Fuzzing(unittest.TestCase):
    def test_every_target_has_seeds(self):
        listed = re.findall(r"^\s*posthorn_fuzz\((\w+)", text_of("fuzz/CMakeLists.txt"), re.M)
        sources = [Path(name).stem for name in tracked() if re.fullmatch(r"fuzz/\w+\.cpp", name)]
        self.assertEqual(sorted(listed), sorted(sources), "fuzz/*.cpp and the lines of fuzz/CMakeLists.txt")
        for target in listed:
            with self.subTest(target=target):
                self.assertTrue(any(name.startswith(f"fuzz/seeds/{target}/") for name in tracked()), f"fuzz/seeds/{target}/ is empty")


if __name__ == "__main__":
    cases.main()
