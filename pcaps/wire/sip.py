# SPDX-License-Identifier: BSD-3-Clause
"""SIP messages (RFC 3261) and SDP (RFC 8866)."""

CRLF = "\r\n"


def message(start, headers, body="", kind=None):
    """`headers`: (name, value) in their order; Content-Length is added."""
    lines = [start] + [f"{name}: {value}" for name, value in headers]
    if body and kind:
        lines.append(f"Content-Type: {kind}")
    lines.append(f"Content-Length: {len(body.encode())}")
    return (CRLF.join(lines) + CRLF + CRLF + body).encode()


def sdp(address, port, *, owner="-", rtcp=None, mux=False, codecs=("0 PCMU/8000", "8 PCMA/8000"),
        media="audio", more=()):
    family = "IP6" if ":" in address else "IP4"
    lines = ["v=0", f"o={owner} 2890844526 2890844526 IN {family} {address}", "s=call",
             f"c=IN {family} {address}", "t=0 0",
             f"m={media} {port} RTP/AVP {' '.join(c.split()[0] for c in codecs)}"]
    lines += [f"a=rtpmap:{c}" for c in codecs]
    lines += [f"a=rtcp:{rtcp}"] if rtcp else []
    lines += ["a=rtcp-mux"] if mux else []
    return CRLF.join([*lines, *more, "a=sendrecv"]) + CRLF


def host(address):
    return f"[{address}]" if ":" in address else address


class Call:
    """One dialog between a client and the service behind a VIP."""

    def __init__(self, client, cport, vip, call_id, tag, number=1, transport="UDP"):
        self.client, self.cport, self.vip = host(client), cport, host(vip)
        self.call_id, self.tag, self.number, self.transport = call_id, tag, number, transport
        self.cseq, self.to_tag = 1, None

    def branch(self, method, cseq):
        """ACK of a 2xx and BYE are transactions of their own."""
        return f"z9hG4bK{self.tag}{cseq}{method.lower()}"

    def _headers(self, method, cseq, branch, answered):
        to_tag = f";tag={self.to_tag}" if self.to_tag and answered else ""
        return [("Via", f"SIP/2.0/{self.transport} {self.client}:{self.cport};branch={branch}"
                        ";rport"),
                ("From", f"<sip:{self.number}@{self.client}>;tag={self.tag}"),
                ("To", f"<sip:100@{self.vip}>{to_tag}"),
                ("Call-ID", self.call_id), ("CSeq", f"{cseq} {method}")]

    def request(self, method, body="", kind="application/sdp", *, branch=None, cseq=None):
        cseq = cseq or self.cseq
        headers = self._headers(method, cseq, branch or self.branch(method, cseq), True)
        headers[1:1] = [("Max-Forwards", "70")]
        headers.append(("Contact", f"<sip:{self.number}@{self.client}:{self.cport}>"))
        return message(f"{method} sip:100@{self.vip} SIP/2.0", headers, body, kind)

    def response(self, code, phrase, method, body="", *, branch=None, cseq=None):
        cseq = cseq or self.cseq
        headers = self._headers(method, cseq, branch or self.branch(method, cseq), code > 100)
        if code > 100 and method != "CANCEL":
            headers.append(("Contact", f"<sip:100@{self.vip}:5060>"))
        return message(f"SIP/2.0 {code} {phrase}", headers, body, "application/sdp")
