#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Another pair of eyes: what tshark says about every capture."""
import subprocess
import tempfile
import unittest
from pathlib import Path

from common import capture, frames, index

CHECKS = [x for option in ("ip.check_checksum", "tcp.check_checksum", "udp.check_checksum")
          for x in ("-o", option + ":TRUE")]
# Status 0 is "bad". What an ICMP error quotes is cut short, so its own sums cannot be right.
BAD = " || ".join([f"{layer}.checksum.status == 0" for layer in
                   ("ip", "icmp", "icmpv6", "zrtp", "igmp", "vrrp")]
                  + ["((tcp.checksum.status == 0 || udp.checksum.status == 0) && !icmp && !icmpv6)",
                     "stun.att.crc32.status == 0", "_ws.malformed", "tcp.analysis.lost_segment",
                     "tcp.analysis.ack_lost_segment"])
# SIP content that is broken on purpose, in whole packets.
BROKEN_CONTENT = {"sip-udp": "!sip"}
RTP = ["-d", "udp.port==54000-54010,rtp"]

# capture, display filter, how many frames at the least, more arguments
SEEN = [
    ("sip-udp", 'sip.Method == "INVITE"', 70, []),
    ("sip-udp", 'sip.Method == "CANCEL"', 6, []),
    ("sip-udp", "sip.Status-Code == 487", 3, []),
    ("sip-udp", "rtp", 1000, []),
    ("sip-udp", "sip && ipv6", 40, []),
    ("sip-udp", 'udp.payload contains "GET / HTTP"', 1, []),
    ("sip-udp-fragments", 'sip.Method == "INVITE" && ip.reassembled.length', 6, []),
    ("sip-udp-fragments", 'sip.Method == "INVITE" && ipv6.reassembled.length', 6, []),
    ("sip-udp-fragments", "ip.fragment.overlap || ipv6.fragment.overlap", 2, []),
    ("sip-tcp", 'sip.Method == "INVITE"', 36, []),
    ("sip-tcp", "sip && tcp.segments", 60, []),
    ("tls-sni", 'tls.handshake.extensions_server_name == "sip.contoso.com"', 80, []),
    ("tls-sni", 'tls.handshake.extensions_server_name == "webcon.contoso.com"', 40, []),
    ("tls-sni", "tls.handshake.type == 11", 60, []),
    ("tls-sni", "tcp.analysis.retransmission", 10, []),
    ("tls-sni", "tcp.flags.reset == 1", 10, []),
    ("tls-no-sni", "tls.handshake.type == 1", 60, []),
    ("pseudo-tls", "tls.handshake.type == 1 && tcp.len == 50", 12, []),
    ("pseudo-tls", "tls.handshake.type == 2 && tcp.len == 83", 12, []),
    ("federation-5061", "tls.handshake.type == 15 && tcp.dstport == 5061", 44, []),
    ("federation-5061", "tcp.flags == 2 && ip.dst == 198.51.100.0/24", 8, []),
    ("xmpp", 'tcp.port == 5269 && tcp.payload contains "jabber:server"', 12, []),
    ("xmpp", "tls.handshake.type == 1", 6, ["-d", "tcp.port==5269,tls"]),
    ("turn", "stun.type == 0x0003", 64, []),
    ("turn", "stun.att.error == 1", 32, []),
    ("turn", "stun.type == 0x0103", 32, []),
    ("turn", "stun.type == 0x0009", 32, []),
    ("turn", "stun.type == 0x0017", 64, []),
    ("turn", "stun.channel", 2000, []),
    ("turn", "stun.att.lifetime == 0", 32, []),
    ("turn", "stun && ipv6", 400, []),
    ("ms-turn", "classicstun.type == 0x0103", 24, []),
    ("ms-turn", "classicstun.type == 0x0115", 240, []),
    ("ms-turn", "udp.payload[0:2] == ff:10", 144, []),
    ("stun-binding", "classicstun", 90, []),
    ("stun-binding", "stun", 120, []),
    ("dtls-srtp", "dtls.handshake.type == 1", 20, []),
    ("dtls-srtp", "dtls.use_srtp.protection_profile", 20, []),
    ("dtls-srtp", "dtls.handshake.type == 14", 10, []),
    ("rtp-rtcp", "rtp", 1900, ["--enable-heuristic", "rtp_udp"]),
    ("rtp-rtcp", "rtcp.pt == 200", 40, []),
    ("rtp-rtcp", "rtcp.pt == 203", 20, []),
    ("rtp-rtcp", "ieee8021ad && vlan && ipv6", 200, []),
    ("zrtp", "zrtp.type", 60, RTP),
    ("icmp-errors", "icmp.type == 3 && udp", 30, []),
    ("icmp-errors", "icmpv6.type == 2", 16, []),
    ("dsr", "icmp.mtu == 1300 || icmpv6.mtu == 1300", 12, []),
    ("dsr", "ip.len == 1500 || ipv6.plen == 1460", 24, []),
    ("contoso-day", "tls.handshake.type == 1", 1500, []),
    ("contoso-day", "stun.channel", 2000, []),
    ("contoso-day", "tcp.analysis.retransmission", 100, []),
    ("contoso-day", "dns.srv.name", 30, []),
    ("syn-flood", "tcp.flags == 2", 20000, []),
    ("udp-flood", "udp", 20000, []),
    ("not-ours", "arp", 6, []),
    ("not-ours", "lldp", 5, []),
    ("not-ours", "stp", 5, []),
    ("not-ours", "bgp.type == 4", 8, []),
    ("not-ours", "icmpv6.type == 135 || icmpv6.type == 136 || icmpv6.type == 134", 7, []),
    ("not-ours", "vrrp || igmp || mdns || ntp", 5, []),
    ("malformed", "_ws.malformed", 100, []),
    ("malformed", "ip.checksum.status == 0", 10, []),
]
NEVER = [
    ("tls-no-sni", "tls.handshake.extensions_server_name"),
    ("federation-5061", "tls.handshake.extensions_server_name"),
]


def tshark(path, *more):
    done = subprocess.run(["tshark", "-n", "-r", path, *CHECKS, *more], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise AssertionError(f"tshark {more}: {done.stderr}")
    return done.stdout.splitlines()


def matching(path, condition, more=()):
    """The lines of the frames that the condition holds for."""
    return tshark(path, *more, "-Y", condition)


def counts(path, conditions, more):
    """How many frames each condition holds for, in one pass."""
    lines = tshark(path, *more, "-q", "-z", ",".join(["io,stat,0", *conditions]))
    row = next(line for line in lines if "<>" in line)
    cells = [cell.strip() for cell in row.split("|")]
    return [int(cell) for cell in [c for c in cells if c][1::2]]


class Tshark(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        for row in index():
            cls.path(row["name"]).write_bytes(capture.dump(frames(row["name"])))

    @classmethod
    def tearDownClass(cls):
        cls.work.cleanup()

    @classmethod
    def path(cls, name):
        return Path(cls.work.name, name + ".pcap")

    def test_valid(self):
        for row in index():
            if row["valid"]:
                name = row["name"]
                only = BROKEN_CONTENT.get(name)
                condition = f"({BAD}) && {only}" if only else BAD
                with self.subTest(name):
                    self.assertEqual(matching(self.path(name), condition,
                                              RTP if name == "zrtp" else ()), [])

    def test_seen(self):
        for row in index():
            mine = [(condition, least, more) for name, condition, least, more in SEEN
                    if name == row["name"]]
            self.assertTrue(mine, row["name"])
            for more in {tuple(more) for *_, more in mine}:
                wanted = [(c, least) for c, least, m in mine if tuple(m) == more]
                found = counts(self.path(row["name"]), [c for c, _ in wanted], more)
                self.assertEqual(len(found), len(wanted))
                for (condition, least), count in zip(wanted, found):
                    with self.subTest(row["name"], condition=condition):
                        self.assertGreaterEqual(count, least)

    def test_never(self):
        for name, condition in NEVER:
            with self.subTest(name, condition=condition):
                self.assertEqual(matching(self.path(name), condition), [])


if __name__ == "__main__":
    unittest.main()
