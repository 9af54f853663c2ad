"""Compares a response with what a script expects, in the language of imaptest's FORMAT.md: variables, $ for anything,
$n for the message that was number n when the command began, and directives at the front of a list.
"""
import re
from dataclasses import dataclass, field

from wire import Atom, Code, Text

VARIABLE = re.compile(r"\$\$|\$\{([^}]*)\}|\$([A-Za-z_][A-Za-z0-9_]*|[0-9]+)")


@dataclass
class Rules:
    """How a list is compared."""
    unordered: int = 0  # length of the chains whose order does not matter; 0: all in order
    extra: bool = False
    ignore: set = field(default_factory=set)
    ban: set = field(default_factory=set)


def default_rules(path):
    """FORMAT.md, Directives: the defaults by where the list stands."""
    name = path[-1] if path else ""
    if path == ("fetch",):
        return Rules(unordered=2, extra=True)
    if path[:1] == ("fetch",) and name == "flags":
        return Rules(unordered=1, extra=False, ignore={"\\recent"})
    if path in (("list",), ("lsub",)):
        return Rules(unordered=1, extra=True)
    if path == ("status",):
        return Rules(unordered=2, extra=True)
    return Rules()


def rules_of(expected, path):
    """(rules, the list without its directives)"""
    directives = []
    rest = list(expected)
    while rest and isinstance(rest[0], Atom) and rest[0].text.startswith("$!"):
        directives.append(rest.pop(0).text[2:])
    if not directives:
        return default_rules(path), rest
    rules = Rules()
    for directive in directives:
        name, _, value = directive.partition("=")
        if name == "unordered":
            rules.unordered, rules.extra = int(value or 1), True
        elif name == "noextra":
            rules.extra = False
        elif name == "extra":
            rules.extra = True
        elif name == "ignore":
            rules.ignore.add(value.lower())
        elif name == "ban":
            rules.ban.add(value.lower())
    return rules, rest


class Matcher:
    def __init__(self, variables, numbers):
        self.variables = variables
        self.numbers = numbers  # the messages' numbers at the command's begin, in their present order
        self.found = {}

    # ---- whole responses

    def response(self, expected, actual):
        """True where it matches; the variables it set are then kept."""
        self.found = {}
        if not self._top(expected, actual):
            return False
        self.variables.update(self.found)
        return True

    def _top(self, expected, actual):
        kind = self._kind(expected)
        if len(expected) != len(actual) and not (kind in ("ok", "no", "bad", "bye") and len(expected) <= len(actual)):
            return False
        path = (kind,)
        for number, (want, got) in enumerate(zip(expected, actual)):
            in_list = path if isinstance(want, list) and self._is_ruled(kind, number) else ()
            if not self._node(want, got, in_list):
                return False
        return True

    @staticmethod
    def _kind(nodes):
        words = [node.text.lower() for node in nodes[:2] if isinstance(node, Atom)]
        if len(words) == 2 and words[1] in ("fetch", "expunge", "exists", "recent"):
            return words[1]
        return words[0] if words else ""

    @staticmethod
    def _is_ruled(kind, number):
        return (kind, number) in (("fetch", 2), ("list", 1), ("lsub", 1), ("status", 2))

    # ---- nodes

    def _node(self, want, got, path=()):
        if isinstance(want, Atom) and want.text == "$":
            return True
        if isinstance(want, list):
            return isinstance(got, list) and isinstance(want, Code) == isinstance(got, Code) and self._list(want, got, path)
        if isinstance(got, list):
            return False
        if isinstance(want, Atom) and want.text.upper() == "NIL":
            return isinstance(got, Atom) and got.text.upper() == "NIL"
        if isinstance(got, Atom) and got.text.upper() == "NIL":
            return isinstance(want, Atom) and "$" in want.text and self._text(want.text, got.text)
        if isinstance(want, Text) and want.is_literal8 and isinstance(got, Text):
            return self._literal8(want, got)
        return self._text(want.text, got.text)

    @staticmethod
    def _literal8(want, got):
        """Whether the line end in front of "}}}" belongs to a literal8 is for the reader of the script to guess."""
        return got.text in (want.text, want.text + "\n")

    def _text(self, want, got):
        pattern, names, at = "", [], 0
        for match in VARIABLE.finditer(want):
            pattern += re.escape(want[at:match.start()])
            pattern += self._pattern(match, names)
            at = match.end()
        pattern += re.escape(want[at:])
        whole = re.fullmatch(pattern, got, re.IGNORECASE | re.DOTALL)
        if not whole:
            return False
        self.found.update(zip(names, whole.groups()))
        return True

    def _pattern(self, match, names):
        name = match[1] or match[2]
        if match[0] == "$$":
            return re.escape("$")
        if name.startswith("case:"):
            return f"(?-i:{re.escape(name[5:])})"
        if name.isdigit():
            return str(self.numbers.index(int(name)) + 1) if int(name) in self.numbers else "(?!)"
        known = self.found.get(name, self.variables.get(name))
        if known is not None:
            return re.escape(known)
        names.append(name)
        return "(.*?)"

    # ---- lists

    def _list(self, expected, actual, path):
        rules, want = rules_of(expected, path)
        got = list(actual)
        if any(self._word(node) in rules.ban for node in got):
            return False
        if not rules.unordered:
            return len(want) == len(got) and all(self._node(w, g, path + (self._word(before),)) for w, g, before in
                                                 zip(want, got, [None] + want[:-1]))
        return self._chains(want, got, rules, path)

    def _chains(self, want, got, rules, path):
        size = rules.unordered
        chains = [got[at:at + size] for at in range(0, len(got), size)]
        for at in range(0, len(want), size):
            chain = want[at:at + size]
            match = next((c for c in chains if len(c) == len(chain) and self._chain(chain, c, path)), None)
            if match is None:
                return False
            chains.remove(match)
        return rules.extra or all(self._word(chain[0]) in rules.ignore for chain in chains)

    def _chain(self, want, got, path):
        before = dict(self.found)
        for w, g, name in zip(want, got, [None] + want[:-1]):
            if not self._node(w, g, path + ((self._word(name),) if name is not None else ())):
                self.found = before
                return False
        return True

    @staticmethod
    def _word(node):
        return node.text.lower() if isinstance(node, (Atom, Text)) else ""
