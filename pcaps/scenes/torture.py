# SPDX-License-Identifier: BSD-3-Clause
"""SIP messages that are legal but odd, or broken, in the spirit of RFC 4475 and RFC 5118.

Each is (Call-ID that a reader finds, or None; the bytes). None: there is none, or not one that
counts (docs/state.md, section 4), and the message goes the way of a keepalive.
"""
from wire.sip import sdp

BRANCH = "z9hG4bKtort"


def lines(*rows, end="\r\n"):
    return (end.join(rows) + end + end).encode()


def common(number, *, via=None, cseq="1 OPTIONS"):
    via = via or f"Via: SIP/2.0/UDP 198.51.100.20:5060;branch={BRANCH}{number}"
    return [via, "Max-Forwards: 70", f"From: <sip:t@198.51.100.20>;tag=t{number}",
            "To: <sip:100@203.0.113.100>", f"CSeq: {cseq}", "Contact: <sip:t@198.51.100.20>"]


def options(number, *extra, method="OPTIONS", **kw):
    kw.setdefault("cseq", f"1 {method}")
    return lines(f"{method} sip:100@203.0.113.100 SIP/2.0", *common(number, **kw), *extra,
                 "Content-Length: 0")


def multipart(number):
    body = sdp("198.51.100.20", 30000)
    parts = "".join(f"--unique\r\nContent-Type: application/sdp\r\n\r\n{body}\r\n"
                    for _ in range(2)) + "--unique--\r\n"
    head = lines("INVITE sip:100@203.0.113.100 SIP/2.0", *common(number, cseq="1 INVITE"),
                 f"Call-ID: mpart.{number}", "Content-Type: multipart/mixed;boundary=unique",
                 f"Content-Length: {len(parts)}")
    return head + parts.encode()


def legal():
    """Odd, but what any SIP element must take."""
    return [
        ("compact.1", lines("OPTIONS sip:100@203.0.113.100 SIP/2.0",
                            f"v: SIP/2.0/UDP 198.51.100.20;branch={BRANCH}1", "Max-Forwards: 70",
                            "f: <sip:t@198.51.100.20>;tag=t1", "t: <sip:100@203.0.113.100>",
                            "i: compact.1", "CSeq: 1 OPTIONS", "m: <sip:t@198.51.100.20>",
                            "l: 0")),
        ("folded.2", options(2, "Call-ID:", " folded.2", "Subject: one", "\ttwo", "  three")),
        ("Odd.Case.3", options(3, "cALL-iD: Odd.Case.3",
                               via=f"vIA: SIP/2.0/UDP 198.51.100.20;BRANCH={BRANCH}3")),
        ("blanks.4", options(4, "Call-ID \t : \t blanks.4 \t ",
                             via=f"Via : SIP / 2.0 / UDP 198.51.100.20 ; branch = {BRANCH}4")),
        ("lf-only.5", lines("OPTIONS sip:100@203.0.113.100 SIP/2.0", *common(5),
                            "Call-ID: lf-only.5", "Content-Length: 0", end="\n")),
        ("crlf-first.6", b"\r\n\r\n" + options(6, "Call-ID: crlf-first.6")),
        ("method.7", options(7, "Call-ID: method.7",
                             method="!interesting-Method0123456789_*+`.%indeed'~")),
        ("service.8", options(8, "Call-ID: service.8", method="SERVICE")),
        ("benotify.9", options(9, "Call-ID: benotify.9", method="BENOTIFY")),
        ("via-list.10", options(10, "Call-ID: via-list.10", via=(
            f"Via: SIP/2.0/UDP 198.51.100.20;branch={BRANCH}10, SIP/2.0/TCP 192.0.2.1;"
            "branch=z9hG4bKnever"))),
        ("long" + "x" * 251, options(11, "Call-ID: long" + "x" * 251)),
        ("values.12", options(12, "Subject: " + "long value " * 60, "Call-ID: values.12")),
        ("mpart.13", multipart(13)),
        ("far.25", options(25, "Subject: " + "z" * 1100, "Call-ID: far.25")),
        ("quoted@[2001:db8::1]", options(14, "Call-ID: quoted@[2001:db8::1]",
                                         'Subject: "i: not.this"')),
        ("unicode.15", options(15, "Call-ID: unicode.15", "Subject: Grüße ☎")),
        ("last.16", lines("OPTIONS sip:100@203.0.113.100 SIP/2.0", *common(16),
                          *[f"X-{n}: {n}" for n in range(56)], "Call-ID: last.16")),
    ]


def broken():
    """What RFC 3261 forbids; a steering gateway sends it where an edge can say so."""
    return [
        (None, options(20)),
        (None, options(21, "Call-ID: " + "y" * 256)),
        (None, options(22, "Call-ID:")),
        (None, options(23, "X-Call-ID: not.this", "Calls-ID: nor.this")),
        (None, options(24, *[f"X-{n}: {n}" for n in range(70)], "Call-ID: line.beyond.64")),
        ("first.26", options(26, "Call-ID: first.26", "Call-ID: second.26", "i: third.26")),
        ("no-cookie.27", options(27, "Call-ID: no-cookie.27",
                                 via="Via: SIP/2.0/UDP 198.51.100.20;branch=old.style.27")),
        ("no-branch.28", options(28, "Call-ID: no-branch.28",
                                 via="Via: SIP/2.0/UDP 198.51.100.20")),
        ("length.29", options(29, "Call-ID: length.29").replace(b"Length: 0", b"Length: 9999")),
        ("length.30", options(30, "Call-ID: length.30").replace(b"Length: 0", b"Length: -999")),
        ("cseq.31", options(31, "Call-ID: cseq.31", cseq="36893488147419103232 OPTIONS")),
        ("cut.32", options(32, "Call-ID: cut.32", "Subject: cut here")[:-24]),
        ("two.33", options(33, "Call-ID: two.33") + options(34, "Call-ID: swallowed.34")),
        ("bytes.35", options(35, "Call-ID: bytes.35") + bytes(range(256))),
        ("no-end.36", options(36, "Call-ID: no-end.36")[:-2]),
        (None, options(37).replace(b"\r\n\r\n", b"\r\n\r\nCall-ID: in.the.body\r\n")),
    ]


def stray_responses():
    """Answers to what nobody asked: steered, and nothing remembered."""
    rows = []
    for number, start in enumerate(("SIP/2.0 200 OK", "SIP/2.0 699 No Sense At All",
                                    "SIP/2.0 100 ", "SIP/2.0 4294967301 better not")):
        rows.append((f"stray.{number}", lines(start, *common(40 + number),
                                              f"Call-ID: stray.{number}")))
    return rows


def not_sip():
    """What else lives on port 5060."""
    return [b"\r\n\r\n", b"\r\n", b"\0\0\0\0", b"hello", b" ", b"",
            b"GET / HTTP/1.1\r\nHost: 203.0.113.100\r\n\r\n", b"SIP/2.0", b"OPTIONS",
            b"INVITE sip:100@203.0.113.100 SIP/3.0\r\n\r\n"]
