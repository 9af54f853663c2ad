#!/usr/bin/env python3
"""The scripts of imaptest played against a running server, each in an account of its own making.

POSTHORN_SHARED_DATA names the folder that holds imap/imaptest. What a script needs and the server does not offer
(CONTEXT, ESORT, URLAUTH) is skipped by its capabilities line; where Dovecot's habits differ from the
standard, DIFFERENCES names the expectation and the section.
"""
import os
import sys
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent),
                str(Path(__file__).resolve().parent.parent / "interop")]
import cases  # noqa: E402
from player import Mismatch, Player  # noqa: E402
from posthorn import Posthorn  # noqa: E402
from script import read_script, script_names  # noqa: E402
from unpack import Unavailable  # noqa: E402
from wire import Connection  # noqa: E402

DATA = Path(os.environ.get("POSTHORN_SHARED_DATA", Path(__file__).resolve().parents[2] / ".." / "shared" / "data"))
FOLDER = DATA / "imap" / "imaptest"
USER, PASSWORD = "ann@posthorn.example", "ann's long pass phrase"
# (script, expectation): why we differ, with the section that says so. The rest of the script is played.
DIFFERENCES = {
    ("listext", '! list () $sep $mailbox${sep}test2 (childinfo ("subscribed"))'):
        "RFC 5258 3.1, note 2: for CHILDINFO it does not matter whether the child itself matches the pattern",
}
server, capabilities, trouble = None, [], ""


def setUpModule():
    global server, capabilities, trouble
    if not FOLDER.is_dir():
        trouble = f"{FOLDER} is not there"
        return
    try:
        server = Posthorn("posthorn.example", accounts={"ann": PASSWORD}, listen=("imaps",))
        server.__enter__()
    except Unavailable as error:
        trouble = str(error)
        return
    connection = Connection(server.address, server.port("imaps"))
    connection.ok(f'LOGIN "{USER}" "{PASSWORD}"')
    capabilities = [node.text.upper() for node in connection.ok("CAPABILITY")[0][1:]]
    connection.close()


def tearDownModule():
    if server:
        server.__exit__()


class Imaptest(unittest.TestCase):
    def test_the_scripts_are_there(self):
        if trouble:
            self.skipTest(trouble)
        self.assertEqual(len(script_names(FOLDER)), 72)

    def test_those_that_need_what_is_offered_are_played(self):
        if trouble:
            self.skipTest(trouble)
        scripts = [read_script(FOLDER / name) for name in script_names(FOLDER)]
        skipped = [script.name for script in scripts if any(word not in capabilities for word in script.capabilities)]
        self.assertEqual((len(scripts) - len(skipped), len(skipped)), (63, 9), skipped)

    def play(self, name):
        if trouble:
            self.skipTest(trouble)
        player = Player(read_script(FOLDER / name), server.address, server.port("imaps"), USER, PASSWORD)
        missing = player.missing(capabilities)
        if missing:
            self.skipTest(f"needs {' '.join(missing)}")
        player.differences = {text for script, text in DIFFERENCES if script == name}
        try:
            player.play()
        except Mismatch as error:
            self.fail(str(error))


def _case(name):
    return lambda self: self.play(name)


for _name in script_names(FOLDER) if FOLDER.is_dir() else []:
    setattr(Imaptest, f"test_{_name.replace('-', '_')}", _case(_name))

if __name__ == "__main__":
    cases.main()
