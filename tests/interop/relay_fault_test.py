"""A receiving host that misbehaves at every stage, and what must become of the message (RFC 5321 4.2.4, 4.5.4.1).

One site, one faulty neighbour a case; all messages are submitted first and fail side by side. "queued" cases are
then retried against a neighbour that has come to its senses, and must be delivered.
"""
import unittest

import bed
import cases
from bed import ANN, Bed, report_of
from jail import wait_until
from sink import CUT, STALL, Last, Late, Raw, SinkServer
from unpack import Unavailable

# Without CHUNKING, so that the message goes by DATA and each of its stages is there to fail.
NO_CHUNKING = [word for word in SinkServer.EXTENSIONS if word != "CHUNKING"]


def at(stage, answer, times=None):
    """A script that gives the answer at one stage, to the first `times` sessions that come to it (all: None)."""
    met = []

    def script(session, now, _argument):
        if now != stage or (times is not None and len(met) >= times):
            return None
        met.append(session.number)
        return answer
    return script


# name: (script, how it must end, what the story or the report must show)
FAULTS = {
    # RFC 5321 4.2.4.2: a 5yz about the host moves to the next host and then to the next attempt.
    "greeting_554": (at("greeting", "554 no service here"), "queued", "554"),
    "greeting_421": (at("greeting", "421 4.3.2 too busy"), "queued", "421"),
    "greeting_cut": (at("greeting", CUT), "queued", ""),
    "greeting_garbage": (at("greeting", Raw(b"\x00\xff\xfe nonsense\r\n")), "queued", ""),
    "greeting_endless": (at("greeting", Raw(b"220-" + b"x" * 200_000)), "queued", ""),
    "greeting_late": (at("greeting", Late(3)), "relayed", "250"),
    "ehlo_cut": (at("ehlo", CUT), "queued", ""),
    "ehlo_garbage": (at("ehlo", Raw(b"250-one\r\n999 two\r\n")), "queued", ""),
    # RFC 5321 4.5.4.1: a 4yz keeps the message, a 5yz to MAIL, RCPT or the message is final.
    "mail_451": (at("mail", "451 4.3.0 later"), "queued", "451"),
    "mail_550": (at("mail", "550 5.7.1 not from you"), "returned", "5.7.1"),
    "mail_cut": (at("mail", CUT), "queued", ""),
    "rcpt_450": (at("rcpt", "450 4.2.0 greylisted"), "queued", "450"),
    "rcpt_550": (at("rcpt", "550 5.1.1 no such user"), "returned", "5.1.1"),
    "rcpt_cut": (at("rcpt", CUT), "queued", ""),
    "data_451": (at("data", "451 4.3.0 no room"), "queued", "451"),
    "data_554": (at("data", "554 5.6.0 not this"), "returned", "5.6.0"),
    "data_cut": (at("data", CUT), "queued", ""),
    "content_cut": (at("content", CUT), "queued", ""),
    "final_451": (at("final", "451 4.3.0 disk full"), "queued", "451"),
    "final_554": (at("final", "554 5.7.1 looks like spam"), "returned", "5.7.1"),
    "final_garbage": (at("final", Raw(b"ok, thank you\r\n")), "queued", ""),
    "final_cut": (at("final", CUT), "queued", ""),
    "quit_cut": (at("quit", CUT), "relayed", "250"),
}


class OneHost(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bed = Bed(len(FAULTS) + 1, **{"relay.retry": ["1h"]})
        cls.sinks, cls.ids = {}, {}
        for (name, (script, _, _)), address in zip(FAULTS.items(), cls.bed.addresses):
            cls.sinks[name] = SinkServer(address, cls.bed.mx_port, script=script, extensions=NO_CHUNKING).__enter__()
            cls.bed.lead(domain_of(name), address)
        cls.silent = SinkServer(cls.bed.addresses[-1], cls.bed.mx_port, script=at("greeting", STALL)).__enter__()
        cls.bed.lead("silent.example", cls.bed.addresses[-1])
        try:
            cls.bed.open()
        except Unavailable as reason:
            cls.tearDownClass()
            raise unittest.SkipTest(str(reason))
        cls.bed.submit("rcpt@silent.example")  # must not hold up the others
        for name in FAULTS:
            cls.ids[name] = cls.bed.submit(f"rcpt@{domain_of(name)}")

    @classmethod
    def tearDownClass(cls):
        cls.bed.close()
        for sink in [*cls.sinks.values(), cls.silent]:
            sink.stop()

    def outcome(self, name):
        _, state, words = FAULTS[name]
        sink, message_id, recipient = self.sinks[name], self.ids[name], f"rcpt@{domain_of(name)}"
        if state == "queued":
            row = wait_until(lambda: self.tried(recipient), 30, lambda: f"never tried: {self.bed.posthorn.queue()}")
            self.assertIn(words, row.get("last_reply") or "")
            sink.script = None
            self.bed.posthorn.ok("queue", "retry", recipient)
            self.bed.wait_for_state(message_id, recipient, "relayed")
        else:
            self.assertIn(words, self.bed.wait_for_state(message_id, recipient, state))
        accepted = sink.recipients_seen().count(recipient)
        self.assertEqual(accepted, 0 if state == "returned" else 1)
        if accepted:
            self.assertIn(b"\r\n\r\nhello\r\n.a line with a dot\r\n", sink.messages[-1].octets)
        self.assertEqual(bool(self.reports(recipient)), state == "returned")

    def tried(self, recipient):
        for message in self.bed.posthorn.queue():
            for row in message["recipients"]:
                if row["address"] == recipient and row["attempts"] >= 1 and row.get("next_attempt"):
                    return row
        return None

    def reports(self, recipient):
        found = []
        for octets in self.bed.posthorn.messages(ANN):
            report = report_of(octets)
            if report and any(recipient in (row["Final-Recipient"] or "") for row in report[1]):
                found.append(report)
        return found


def domain_of(name):
    return f"{name.replace('_', '-')}.example"


for fault in FAULTS:
    setattr(OneHost, f"test_{fault}", lambda self, name=fault: self.outcome(name))


class SeveralHosts(unittest.TestCase):
    """Two hosts a domain: the first one's trouble is the second one's mail, unless its word is final."""

    @classmethod
    def setUpClass(cls):
        cls.bed = Bed(16, **{"relay.retry": ["1h"]})
        cls.sinks = {}
        pairs = {"refuses": at("greeting", "554 go away"), "busy": at("mail", "451 4.3.0 later"), "cuts": at("ehlo", CUT), "final": at("rcpt", "550 5.1.1 no such user"),
                 "no-tls": at("starttls", "554 5.7.0 no TLS here")}
        addresses = iter(cls.bed.addresses)
        for name, script in pairs.items():
            first, second = next(addresses), next(addresses)
            extensions = [*SinkServer.EXTENSIONS, *(["STARTTLS"] if name == "no-tls" else [])]
            cls.sinks[name] = [SinkServer(first, cls.bed.mx_port, script=script, extensions=extensions).__enter__(), SinkServer(second, cls.bed.mx_port).__enter__()]
            cls.bed.lead(f"{name}.example", first, second)
        dead, alive, seven_bit, mixed, data_no, chunk_no = addresses
        for name, address, extensions in (("data-no", data_no, NO_CHUNKING), ("chunk-no", chunk_no, SinkServer.EXTENSIONS)):
            extensions = [word for word in extensions if not word.startswith("SIZE")]
            script = at("bdat" if name == "chunk-no" else "content", Last("552 5.3.4 too large for me"))
            cls.sinks[name] = [SinkServer(address, cls.bed.mx_port, script=script, extensions=extensions).__enter__()]
            cls.bed.lead(f"{name}.example", address)
        cls.bed.lead("dead.example", dead, alive)
        cls.bed.lead("seven-bit.example", seven_bit)
        cls.bed.lead("mixed.example", mixed)
        cls.bed.zone.mx("null.example", ".")
        cls.bed.zone.steer("servfail", "servfail.example", "MX").host("servfail.example", alive)
        cls.sinks["alive"] = [SinkServer(alive, cls.bed.mx_port).__enter__()]
        cls.sinks["seven-bit"] = [SinkServer(seven_bit, cls.bed.mx_port, extensions=("PIPELINING", "SIZE", "ENHANCEDSTATUSCODES")).__enter__()]
        reject = lambda _session, stage, argument: "550 5.1.1 no such user" if stage == "rcpt" and "dead" in argument else None
        cls.sinks["mixed"] = [SinkServer(mixed, cls.bed.mx_port, script=reject).__enter__()]
        try:
            cls.bed.open()
        except Unavailable as reason:
            cls.tearDownClass()
            raise unittest.SkipTest(str(reason))

    @classmethod
    def tearDownClass(cls):
        cls.bed.close()
        for pair in cls.sinks.values():
            for sink in pair:
                sink.stop()

    def goes_to_the_second(self, name):
        self.bed.wait_for_state(self.bed.submit(f"rcpt@{name}.example"), f"rcpt@{name}.example", "relayed")
        self.assertEqual(len(self.sinks[name][1].messages), 1)

    def test_a_refusing_host_is_passed_over(self):
        self.goes_to_the_second("refuses")

    def test_a_busy_host_is_passed_over(self):
        self.goes_to_the_second("busy")

    def test_a_host_that_hangs_up_is_passed_over(self):
        self.goes_to_the_second("cuts")

    def test_a_host_that_refuses_starttls_is_passed_over(self):
        self.goes_to_the_second("no-tls")

    def test_a_no_in_the_middle_of_a_message_is_an_answer(self):
        # The peer does not read on, so nothing more can be written to it: what it said is its answer all the same.
        for name in ("data-no", "chunk-no"):
            recipient = f"rcpt@{name}.example"
            text = bed.note(ANN, recipient, f"{name}@posthorn.example", ("y" * 76 + "\r\n") * 250_000)
            self.bed.submit(recipient, message=text)
            self.assertIn("552 5.3.4 too large for me", self.bed.wait_for_state(f"{name}@posthorn.example", recipient, "returned"))

    def test_eight_bits_are_seen_though_the_author_did_not_say_so(self):
        text = bed.note(ANN, "undeclared@seven-bit.example", "undeclared@posthorn.example", "gr\u00fc\u00dfe\r\n").encode()
        self.bed.submit("undeclared@seven-bit.example", message=text)
        self.bed.wait_for_state("undeclared@posthorn.example", "undeclared@seven-bit.example", "returned")
        self.assertEqual(self.report("undeclared@seven-bit.example")["Status"], "5.6.3")

    def test_a_dead_host_is_passed_over(self):
        self.bed.wait_for_state(self.bed.submit("rcpt@dead.example"), "rcpt@dead.example", "relayed")
        self.assertIn("rcpt@dead.example", self.sinks["alive"][0].recipients_seen())

    def test_a_final_no_is_not_asked_again(self):
        message_id = self.bed.submit("rcpt@final.example")
        self.assertIn("5.1.1", self.bed.wait_for_state(message_id, "rcpt@final.example", "returned"))
        self.assertEqual(self.sinks["final"][1].connections, 0)

    def test_null_mx_returns_at_once(self):
        # RFC 7505 4.1: no address lookup, no retries, 5.1.10.
        message_id = self.bed.submit("rcpt@null.example")
        self.bed.wait_for_state(message_id, "rcpt@null.example", "returned", seconds=5)
        self.assertEqual(self.report("rcpt@null.example")["Status"], "5.1.10")

    def test_failed_mx_lookup_does_not_fall_back_to_the_address(self):
        # RFC 5321 5.1: only "no MX" leads to the address record; SERVFAIL is not that.
        before = self.sinks["alive"][0].recipients_seen().count("rcpt@servfail.example")
        message_id = self.bed.submit("rcpt@servfail.example")
        wait_until(lambda: any(row["attempts"] for message in self.bed.posthorn.queue() for row in message["recipients"]
                               if row["address"] == "rcpt@servfail.example"), 20, "a first attempt")
        self.assertEqual(self.bed.state(message_id, "rcpt@servfail.example")[0], "queued")
        self.assertEqual(self.sinks["alive"][0].recipients_seen().count("rcpt@servfail.example"), before)

    def test_eight_bits_do_not_go_to_a_seven_bit_host(self):
        # RFC 6152 3: never converted after signing; returned with 5.6.3.
        text = bed.note(ANN, "rcpt@seven-bit.example", "eight@posthorn.example", "gr\u00fc\u00dfe\r\n")
        text = text.replace("\r\n\r\n", "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", 1).encode()
        self.bed.submit("rcpt@seven-bit.example", message=text, mail_options=["BODY=8BITMIME"])
        self.bed.wait_for_state("eight@posthorn.example", "rcpt@seven-bit.example", "returned")
        self.assertEqual(self.report("rcpt@seven-bit.example")["Status"], "5.6.3")
        self.assertNotIn("rcpt@seven-bit.example", self.sinks["seven-bit"][0].recipients_seen())

    def test_ascii_that_was_declared_eight_bit_goes_to_a_seven_bit_host(self):
        # RFC 6152 3: what holds no octet above 127 needs no 8BITMIME.
        text = bed.note(ANN, "ascii@seven-bit.example", "ascii@posthorn.example", "plain\r\n")
        self.bed.submit("ascii@seven-bit.example", message=text, mail_options=["BODY=8BITMIME"])
        self.bed.wait_for_state("ascii@posthorn.example", "ascii@seven-bit.example", "relayed")
        self.assertIn("ascii@seven-bit.example", self.sinks["seven-bit"][0].recipients_seen())

    def test_one_dead_recipient_among_three(self):
        recipients = [f"{name}@mixed.example" for name in ("one", "dead", "two")]
        message_id = self.bed.submit(recipients)
        for name, state in zip(recipients, ("relayed", "returned", "relayed")):
            self.bed.wait_for_state(message_id, name, state)
        self.assertEqual(sorted(self.sinks["mixed"][0].recipients_seen()), ["one@mixed.example", "two@mixed.example"])
        self.assertEqual(self.report("dead@mixed.example")["Action"], "failed")

    def report(self, recipient):
        """The recipient's group of fields in the report that the sender got."""
        def look():
            for octets in self.bed.posthorn.messages(ANN):
                found = report_of(octets)
                for row in found[1] if found else []:
                    if recipient in (row["Final-Recipient"] or ""):
                        return row
            return None
        return wait_until(look, 20, f"a report about {recipient}")


class PrivateTargets(unittest.TestCase):
    def test_private_addresses_are_not_connected_to(self):
        site = Bed(1, **{"relay.allow_private": False})
        site.lead("inside.example", site.addresses[0])
        with SinkServer(site.addresses[0], site.mx_port) as sink:
            try:
                site.open()
                message_id = site.submit("rcpt@inside.example")
                wait_until(lambda: site.state(message_id, "rcpt@inside.example")[0] in ("returned", "queued") and
                           not any(row["attempts"] == 0 for message in site.posthorn.queue() for row in message["recipients"]), 20, "a decision")
                self.assertEqual(sink.connections, 0)
            except Unavailable as reason:
                self.skipTest(str(reason))
            finally:
                site.close()


if __name__ == "__main__":
    cases.main()
