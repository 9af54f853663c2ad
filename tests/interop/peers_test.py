"""The bed itself: the real peers exchange mail with each other and with the sink, so that what fails in the
other tests is Posthorn's and not the harness's.
"""
import os
import smtplib
import socket
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import cases  # noqa: E402
from jail import wait_until  # noqa: E402
from peers import Exim, OpenSmtpd, Postfix, certificate  # noqa: E402
from sink import CUT, SinkServer  # noqa: E402
from unpack import Unavailable  # noqa: E402

MESSAGE = "From: ann@{0}.example\r\nTo: bob\r\nSubject: from {0}\r\nMessage-ID: <{0}@test>\r\n\r\nhello\r\n.dot\r\n"


class PeersTalk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = SinkServer(tls=certificate()).__enter__()
        kinds = {"postfix": Postfix, "exim": Exim, "opensmtpd": OpenSmtpd}
        try:
            cls.peers = {name: kind(f"{name}.example", tls="may") for name, kind in kinds.items()}
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason))
        for peer in cls.peers.values():
            peer.routes = {other.domain: (other.address, other.port) for other in cls.peers.values() if other is not peer}
            peer.routes["sink.example"] = (cls.sink.address, cls.sink.port)
            peer.start()

    @classmethod
    def tearDownClass(cls):
        for peer in cls.peers.values():
            peer.stop()
        cls.sink.stop()

    def send(self, peer, recipients):
        with smtplib.SMTP(peer.address, peer.port) as client:
            name = peer.domain.split(".")[0]
            client.sendmail(f"ann@{peer.domain}", recipients, MESSAGE.format(name))

    def test_each_peer_delivers_to_each_other_and_the_sink(self):
        for peer in self.peers.values():
            self.send(peer, [f"bob@{other.domain}" for other in self.peers.values()] + ["bob@sink.example"])
        for name, peer in self.peers.items():
            wait_until(lambda: len(peer.messages()) == 3, 30, lambda: f"{name} has {len(peer.messages())} of 3:\n{peer.log()[-2000:]}")
            self.assertTrue(all(b"\n.dot\n" in message for message in peer.messages()))
        wait_until(lambda: len(self.sink.messages) == 3, 30, lambda: f"the sink has {self.sink.messages}")
        self.assertTrue(all(message.tls for message in self.sink.messages))
        self.assertEqual({message.how for message in self.sink.messages}, {"DATA", "BDAT"})


class TheSink(unittest.TestCase):
    def test_it_misbehaves_as_told(self):
        def script(session, stage, argument):
            if stage == "rcpt" and "dead" in argument:
                return "550 5.1.1 no such user"
            return CUT if stage == "final" and session.number == 2 else None

        with SinkServer(script=script) as sink:
            with smtplib.SMTP(sink.address, sink.port) as client:
                refused = client.sendmail("a@x.example", ["dead@y.example", "alive@y.example"], "Subject: x\r\n\r\n..\r\n")
                self.assertEqual(refused, {"dead@y.example": (550, b"5.1.1 no such user")})
            with self.assertRaises((smtplib.SMTPServerDisconnected, ConnectionError)):
                client = smtplib.SMTP(sink.address, sink.port)
                client.sendmail("a@x.example", ["alive@y.example"], "Subject: x\r\n\r\n")
            client.close()
            self.assertEqual(len(sink.messages), 1)
            self.assertEqual(sink.messages[0].octets, b"Subject: x\r\n\r\n..\r\n")
            self.assertEqual(sink.sessions[1].attempts, 1)

    def test_it_ends_a_message_only_where_told(self):
        smuggled = b"Subject: x\r\n\r\nbody\n.\nMAIL FROM:<evil@x.example>\r\n.\r\n"
        for ends, count in (((b"\r\n.\r\n",), 1), ((b"\r\n.\r\n", b"\n.\n"), 2)):
            with self.subTest(ends=ends), SinkServer(ends=ends) as sink:
                with socket.create_connection((sink.address, sink.port)) as client:
                    client.sendall(b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n" + smuggled + b"QUIT\r\n")
                    while client.recv(4096):
                        pass
                commands = [line for line in sink.sessions[0].commands if line.startswith("MAIL")]
                self.assertEqual(len(commands), count)


if __name__ == "__main__":
    cases.main()
