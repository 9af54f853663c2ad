"""Plays one script of imaptest against a server and says what was not as expected."""
import re

from match import Matcher
from wire import Atom, Connection, Gone, Text, parse

MAILBOX = "imaptest"
NUMBERS = 10_000  # $n stands for messages up to this


class Mismatch(Exception):
    pass


class Player:
    def __init__(self, script, address, port, user, password):
        self.script = script
        self.address, self.port, self.user, self.password = address, port, user, password
        name, _, domain = user.partition("@")
        self.variables = {"mailbox": MAILBOX, "mailbox_url": MAILBOX, "user": user, "username": name, "domain": domain, "password": password}
        self.connections = []
        self.next_message = 0
        self.differences = set()  # expectations that the standard does not share

    # ---- the state a script begins in

    def missing(self, capabilities):
        return [word for word in self.script.capabilities if word not in capabilities]

    def play(self):
        try:
            self._begin()
            for group in self.script.groups:
                self._group(group)
        finally:
            for connection in self.connections:
                connection.close()

    def _begin(self):
        header = self.script.header
        state = header.get("state", "selected")
        for _ in range(int(header.get("connections", "1"))):
            connection = Connection(self.address, self.port)
            self.connections.append(connection)
            if state != "nonauth":
                connection.ok(f'LOGIN "{self.user}" "{self.password}"')
        if state == "nonauth":
            return
        first = self.connections[0]
        wipe(first)
        if state == "auth":
            return
        first.ok(f"CREATE {MAILBOX}")
        if state == "created":
            return
        wanted = header.get("messages", "all")
        for _ in range(len(self.script.messages) if wanted == "all" else int(wanted)):
            first.ok(*self._append([f"APPEND {MAILBOX}"]))
        if state == "selected":
            for connection in self.connections:
                connection.ok(f"SELECT {MAILBOX}")

    def _append(self, pieces):
        """An APPEND without a message gets the next one of the mbox."""
        octets, date = self.script.messages[self.next_message % len(self.script.messages)]
        self.next_message += 1
        words = pieces[0]
        if not re.match(r"append \S", words, re.IGNORECASE):
            words = f"APPEND {MAILBOX}"
        if date and '"' not in words:
            words += f' "{date}"'
        return [words + " ", Text(octets)]

    # ---- commands

    def _group(self, group):
        """Commands sent together on one connection, then their answers."""
        connection = self.connections[group[0].connection - 1]
        tags = {}
        begun = []
        for command in group:
            tag = connection.new_tag()
            tags[tag] = command
            self.variables["tag"] = tag
            begun += connection.send(tag, self._expanded(command))
        received, numbers = [], list(range(1, NUMBERS))
        waiting = [entry for command in group for entry in command.expected]
        matched = set()
        while tags:
            line = begun.pop(0) if begun else self._line(connection, group)
            tag, _, rest = str(line[0]).partition(" ")
            if tag in tags:
                self._tagged(tags.pop(tag), rest)
                continue
            nodes = parse([rest] + line[1:])
            received.append(rest + "".join(f" {{{len(p.text)}}}" if isinstance(p, Text) else p for p in line[1:]))
            self._untagged(nodes, waiting, matched, numbers)
        for number, entry in enumerate(waiting):
            if entry.text in self.differences:
                continue
            if entry.kind == "*" and number not in matched:
                raise Mismatch(self._words(group, f"did not say: {entry.text}", received))
            if entry.kind == "!" and number in matched:
                raise Mismatch(self._words(group, f"said what it should not: {entry.text}", received))

    @staticmethod
    def _words(group, trouble, received):
        return f"{'; '.join(command.text for command in group)}\n  {trouble}\n  it said: " + "\n           ".join(received or ["nothing"])

    def _line(self, connection, group):
        try:
            return connection.line()
        except (Gone, OSError) as error:
            raise Mismatch(self._words(group, str(error), [])) from error

    def _untagged(self, nodes, waiting, matched, numbers):
        for number, entry in enumerate(waiting):
            if number in matched:
                continue
            if Matcher(self.variables, numbers).response(entry.nodes, nodes):
                matched.add(number)
        if len(nodes) == 2 and isinstance(nodes[1], Atom) and nodes[1].text.lower() == "expunge":
            del numbers[int(nodes[0].text) - 1]

    def _tagged(self, command, rest):
        condition, _, words = rest.partition(" ")
        if command.condition not in ('""', condition.lower()):
            raise Mismatch(f"{command.text}\n  {command.condition} was wanted, it said: {rest}")
        if command.prefix.startswith("["):
            wanted = parse([f"{command.condition} {command.prefix}"])
            if not Matcher(self.variables, []).response(wanted, parse([rest])):
                raise Mismatch(f"{command.text}\n  {command.condition} {command.prefix} was wanted, it said: {rest}")
        elif command.prefix and not words.lower().startswith(self._replace(command.prefix).lower()):
            raise Mismatch(f"{command.text}\n  {command.condition} {command.prefix} was wanted, it said: {rest}")

    def _expanded(self, command):
        pieces = [self._replace(piece) if isinstance(piece, str) else piece for piece in command.pieces]
        if len(pieces) == 1 and re.match(r"append\b", pieces[0], re.IGNORECASE):
            return self._append(pieces)
        return pieces

    def _replace(self, text):
        def value(match):
            if match[0] == "$$":
                return "$"
            name = match[1] or match[2]
            if name not in self.variables:
                raise Mismatch(f"the script uses ${name}, which nothing has set")
            return self.variables[name]
        return re.sub(r"\$\$|\$\{([^}]*)\}|\$([A-Za-z_]\w*)", value, text)


def wipe(connection):
    """Deletes and unsubscribes what an earlier script left."""
    for node in reversed(connection.ok(f'LIST "" "{MAILBOX}*"')):
        name = node[3].text
        connection.run(f'DELETE "{name}"')
    for node in connection.ok(f'LSUB "" "{MAILBOX}*"'):
        connection.run(f'UNSUBSCRIBE "{node[3].text}"')
