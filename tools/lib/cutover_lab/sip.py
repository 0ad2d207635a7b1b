# SPDX-License-Identifier: BSD-3-Clause
"""Calls: SIPp at both ends, with media in both directions."""

import csv
import os
import signal
from pathlib import Path

import cutover_lab.site as site
from netns import inside
from processes import Process, await_port

TONE = "tone.pcma"  # what callers say, over and over

CALLED = """<?xml version="1.0"?>
<scenario name="called">
  <recv request="OPTIONS" optional="true" next="alive"/>
  <recv request="INVITE"/>
  <send>{trying}</send>
  <label id="answer"/>
  <send retrans="500">{answer}</send>
  <recv request="INVITE" optional="true" next="answer"/>
  <recv request="ACK" optional="false" rtd="true"/>
  <recv request="BYE"/>
  <send next="end">{short_answer}</send>
  <label id="alive"/>
  <send>{short_answer}</send>
  <label id="end"/>
  <timewait milliseconds="32000"/>
</scenario>
"""

CALLER = """<?xml version="1.0"?>
<scenario name="caller">
  <send retrans="500">{invite}</send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rtd="true"/>
  <send>{ack}</send>
  <nop><action><exec rtp_stream="{tone},-1,8"/></action></nop>
  <pause milliseconds="{talk}"/>
  <nop><action><exec rtp_stream="pause"/></action></nop>
  <send retrans="500">{bye}</send>
  <recv response="200"/>
</scenario>
"""


def message(start, *headers, body=""):
    lines = [start, *headers]
    if body:
        lines += ["Content-Type: application/sdp", "Content-Length: [len]", "", *body.split("\n")]
    else:
        lines += ["Content-Length: 0", ""]
    return "<![CDATA[\n" + "\n".join(lines) + "\n]]>"


def sdp(port):
    return ("v=0\no=lab 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\n"
            f"m=audio {port} RTP/AVP 8\na=rtpmap:8 PCMA/8000")


def called():
    copied = "[last_Via:]", "[last_From:]", "[last_To:];tag=[call_number]", "[last_Call-ID:]", \
        "[last_CSeq:]", "Contact: <sip:edge@[local_ip]:[local_port];transport=[transport]>"
    return CALLED.format(trying=message("SIP/2.0 180 Ringing", *copied),
                         answer=message("SIP/2.0 200 OK", *copied, body=sdp(site.RTP)),
                         short_answer=message("SIP/2.0 200 OK", "[last_Via:]", "[last_From:]",
                                              "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]"))


def caller(directory, talk):
    def request(method, number, to):
        branch = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
        return [f"{method} sip:edge@[remote_ip]:[remote_port] SIP/2.0", branch,
                "From: <sip:caller@[local_ip]:[local_port]>;tag=[pid]-[call_number]", to,
                "Call-ID: [call_id]", f"CSeq: {number} {method}", "Max-Forwards: 70",
                "Contact: <sip:caller@[local_ip]:[local_port];transport=[transport]>"]

    to, known = "To: <sip:edge@[remote_ip]:[remote_port]>", \
        "To: <sip:edge@[remote_ip]:[remote_port]>[peer_tag_param]"
    return CALLER.format(
        invite=message(*request("INVITE", 1, to), body=sdp("[rtpstream_audio_port]")),
        ack=message(*request("ACK", 1, known)), bye=message(*request("BYE", 2, known)),
        tone=Path(directory, TONE), talk=talk)


def write_scenarios(directory, talk):
    Path(directory, "called.xml").write_text(called(), encoding="ascii")
    Path(directory, "caller.xml").write_text(caller(directory, talk), encoding="ascii")
    Path(directory, TONE).write_bytes(bytes([0xd5, 0x55]) * 4000)  # a second


class Called:
    """An edge's SIPp: it answers calls over UDP and TCP, and sends media back as it came."""

    def __init__(self, watch, directory, edge):
        address = site.address(edge)
        self.processes = [sipp(watch, directory, edge, f"{edge} called {transport}", [
            "sipp", "-sf", directory / "called.xml", "-i", address, "-p", site.SIP, "-t",
            transport, "-nostdin", "-skip_rlimit", "-rtp_echo", "-mi", address, "-mp", media])
            for transport, media in (("u1", site.RTP), ("t1", site.RTP_TCP))]
        for process, table in zip(self.processes, ("udp", "tcp")):
            await_port(process, table, site.SIP)


def sipp(watch, directory, where, name, argv):
    own = Path(directory, name.replace(" ", "-"))
    own.mkdir()
    with inside(where):
        return Process(watch, name, ["env", "-C", own, "TERM=dumb", *argv])


class Calls:
    """SIPp that calls, `rate` a second and at most `most` at a time, until it is told to stop."""

    def __init__(self, watch, directory, name, where, transport, *, most, rate, addresses):
        self.name, self.directory = name, directory
        argv = ["sipp", f"{site.SIP_VIP}:{site.SIP}", "-sf", directory / "caller.xml", "-t",
                transport, "-l", most, "-r", rate, "-nostdin", "-skip_rlimit", "-trace_stat",
                "-fd", "1s", "-recv_timeout", "20000", "-max_socket", "2000"]
        if len(addresses) > 1:
            listed = directory / f"{name}.csv"
            listed.write_text("SEQUENTIAL\n" + "".join(f"{a};\n" for a in addresses),
                              encoding="ascii")
            argv += ["-inf", listed, "-ip_field", "0"]
        argv += ["-i", addresses[0], "-mi", addresses[0]]
        self.process = sipp(watch, directory, where, name, argv)

    def stop(self):
        """No new calls; those that are there end as they would."""
        self.process.child.send_signal(signal.SIGUSR1)

    def wait(self, timeout):
        return self.process.wait(timeout)

    def counted(self):
        """The last line of its statistics."""
        files = list(Path(self.directory, self.name.replace(" ", "-")).glob("*.csv")) or \
            list(Path(self.directory).glob(f"caller_{self.process.child.pid}_.csv"))
        if not files or not os.path.getsize(files[0]):
            return {}
        with open(files[0], encoding="ascii") as f:
            rows = list(csv.DictReader(f, delimiter=";"))
        return rows[-1] if rows else {}
