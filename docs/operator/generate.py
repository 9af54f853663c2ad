"""Writes commands.md and configuration.md from what the built program says of itself:

    python3 docs/operator/generate.py            (tests/interop/operation_test.py checks that they are current)
"""
import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BINARY = HERE.parent.parent / "build" / "release" / "posthorn"

COMMANDS = """# Commands

One program, `posthorn`; the verbs below. Made by `generate.py` from `posthorn help`.

- Every reading command takes `--json` and then prints exactly one JSON document. Times are RFC 3339 in UTC, sizes are octets, durations seconds.
- Exit status: **0** done, or an answer was reached; **1** the answer is "no": not found, invalid; **2** wrong use, or the input cannot be read;
  **3** not possible now: network, lock, disk.
- Errors stand on standard error: `posthorn: WHAT: WHY; WHAT TO DO`. With `--json` a failure that has no answer of its own prints
  `{"error":{"kind","what","why","remedy"}}` besides, where `kind` is `no` (status 1), `usage` (2) or `unavailable` (3).
- Administration goes to the running server by a socket in the store's folder, and is done directly where no server runs.
"""

CONFIGURATION = """# Configuration

One TOML file. Made by `generate.py` from `posthorn config explain`; `posthorn config check` says what is wrong with a file, with line and key.
SIGHUP or `posthorn reload` read it again; what needs a restart is then named in the log. What changes while the server runs (domains, accounts,
addresses, groups, logins) is not here but in the store: `posthorn help`.

Durations are written `30s`, `5m`, `4h`, `5d`; sizes `64M`; relative paths are taken from the file's folder.

| key | default | what it is |
|---|---|---|
"""

ZONE = """
## DNS from a file

`dns.source = "zone:FILE"` answers every question from a master file (RFC 1035) read as a flat list of records of any zones: `$TTL`, `$ORIGIN`,
`\\\\DDD` escapes, wildcards and CNAMEs work; a name that is absent does not exist. Comment lines make failures: `;; timeout NAME [TYPE]`,
`;; servfail NAME [TYPE]`, `;; bogus NAME [TYPE]`; `;; secure NAME` marks the names at and below as validated by DNSSEC.
"""


def said(*words):
    return subprocess.run([str(BINARY), *words], capture_output=True, text=True, check=True).stdout


def verbs():
    return re.findall(r"(?m)^  ([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)?) {2,}\S", said("help"))


def commands():
    parts = [COMMANDS]
    for verb in dict.fromkeys(verbs()):
        if verb.startswith("posthorn"):
            continue
        text = said("help", *verb.split()).rstrip()
        parts.append(f"## {verb}\n\n" + "\n".join(f"    {line}".rstrip() for line in text.splitlines()[2:]) + "\n")
    return "\n".join(parts)


def configuration():
    rows = []
    for key in json.loads(said("config", "explain", "--json")):
        rule = f" ({key['rule']})" if key["rule"] else ""
        cell = lambda text: text.replace("|", "\\|")
        rows.append(f"| `{key['key']}` | {cell('`' + key['default'] + '`' if key['default'] else 'absent')} | "
                    f"{cell(key['explanation'])} {cell(key['type'])}{cell(rule)} |")
    return CONFIGURATION + "\n".join(rows) + "\n" + ZONE.replace("\\\\", "\\")


PAGES = {"commands.md": commands, "configuration.md": configuration}

if __name__ == "__main__":
    stale = []
    for name, make in PAGES.items():
        text = make()
        if "--check" in sys.argv:
            stale += [name] if (HERE / name).read_text() != text else []
        else:
            (HERE / name).write_text(text)
    sys.exit(f"run docs/operator/generate.py: {', '.join(stale)} differ from what the program says" if stale else 0)
