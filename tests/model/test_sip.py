# SPDX-License-Identifier: BSD-3-Clause
import unittest

from model import sdp, sip


def message(*lines, start=b"INVITE sip:b@x SIP/2.0", body=b""):
    return b"\r\n".join((start,) + lines) + b"\r\n\r\n" + body


class Sip(unittest.TestCase):
    def test_plain(self):
        m = sip.read(message(b"Via: SIP/2.0/UDP h;rport;branch=z9hG4bKa", b"Call-ID: 1@h",
                             b"CSeq: 1 INVITE"))
        self.assertEqual((m.request, m.method, m.call_id, m.branch),
                         (True, b"INVITE", b"1@h", b"z9hG4bKa"))

    def test_compact_folded_blanks_before_the_colon_and_any_case(self):
        m = sip.read(message(b"V : SIP/2.0/UDP h", b"\t; BRANCH = z9hG4bKa ;x", b"I :", b"  1@h  "))
        self.assertEqual((m.call_id, m.branch), (b"1@h", b"z9hG4bKa"))

    def test_the_first_header_and_the_first_value_count(self):
        m = sip.read(message(b"Via: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2",
                             b"Via: SIP/2.0/UDP c;branch=z9hG4bK3", b"Call-ID: x", b"i: y"))
        self.assertEqual((m.call_id, m.branch), (b"x", b"z9hG4bK1"))

    def test_a_branch_only_in_the_second_value_is_none(self):
        m = sip.read(message(b"Via: SIP/2.0/UDP a, SIP/2.0/UDP b;branch=z9hG4bK2", b"i: y"))
        self.assertIsNone(m.branch)

    def test_an_old_branch_is_none(self):
        self.assertIsNone(sip.read(message(b"v: SIP/2.0/UDP a;branch=1", b"i: y")).branch)

    def test_lengths(self):
        for size, want in ((255, b"a" * 255), (256, None)):
            self.assertEqual(sip.read(message(b"i: " + b"a" * size, b"i: other")).call_id, want)

    def test_response(self):
        m = sip.read(message(b"i: y", b"CSeq:  7   BYE", start=b"sip/2.0 481 Gone"))
        self.assertEqual((m.request, m.status, m.method), (False, 481, b"BYE"))

    def test_line_feeds_alone_and_leading_empty_lines(self):
        m = sip.read(b"\r\n\nBYE sip:a SIP/2.0\ni: q\n\n")
        self.assertEqual((m.method, m.call_id), (b"BYE", b"q"))

    def test_a_line_without_its_end_is_not_read(self):
        self.assertIsNone(sip.read(b"BYE sip:a SIP/2.0\r\ni: abc").call_id)

    def test_the_body_is_no_header(self):
        self.assertIsNone(sip.read(message(b"To: x", body=b"i: y\r\n")).call_id)

    def test_64_lines(self):
        fill = [b"X: y"] * 63
        self.assertEqual(sip.read(message(*fill, b"i: y")).call_id, b"y")
        self.assertIsNone(sip.read(message(*fill, b"X: y", b"i: y")).call_id)

    def test_1500_bytes(self):
        start = len(b"INVITE sip:b@x SIP/2.0\r\n")
        fits = 1500 - start - len(b"X: \r\ni: y\r\n")
        self.assertEqual(sip.read(message(b"X: " + b"z" * fits, b"i: y")).call_id, b"y")
        self.assertIsNone(sip.read(message(b"X: " + b"z" * (fits + 1), b"i: y")).call_id)


class Sdp(unittest.TestCase):
    def claims(self, *lines):
        return [(str(a), p) for a, p in sdp.claims(list(lines))]

    def test_session_and_media_addresses(self):
        self.assertEqual(self.claims(
            b"v=0", b"c=IN IP4 192.0.2.1", b"m=audio 5000 RTP/AVP 0", b"m=video 5002/2 RTP/AVP 31",
            b"c=IN IP6 2001:db8::1", b"a=rtcp:5009", b"m=audio 0 RTP/AVP 0", b"m=message 9 TCP *"),
            [("192.0.2.1", 5000), ("2001:db8::1", 5002), ("2001:db8::1", 5009)])

    def test_a_second_description_has_no_address_of_the_first(self):
        self.assertEqual(self.claims(b"c=IN IP4 192.0.2.1", b"m=audio 5 x", b"v=0", b"m=audio 6 x"),
                         [("192.0.2.1", 5)])

    def test_candidates(self):
        line = b"a=candidate:1 1 %s 99 192.0.2.1 %d typ %s"
        self.assertEqual(self.claims(
            line % (b"UDP", 1, b"relay"), line % (b"udp", 2, b"host"), line % (b"TCP", 3, b"host"),
            line % (b"UDP", 4, b"srflx")), [("192.0.2.1", 1), ("192.0.2.1", 2)])

    def test_ports_that_are_none(self):
        self.assertEqual(self.claims(b"c=IN IP4 192.0.2.1", b"m=audio 65536 x", b"m=audio +5 x",
                                     b"m=audio"), [])


if __name__ == "__main__":
    unittest.main()
