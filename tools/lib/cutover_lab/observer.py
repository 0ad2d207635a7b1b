# SPDX-License-Identifier: BSD-3-Clause
"""What really reached the edges: a capture between gateway and edges, and what it says of flows.
It shares nothing with the engine, whose word it is held against.

A flow is a Call-ID, or a TCP connection from its SYN on, or the client's socket of a TURN session.
One whose packets went to two edges has moved. Health checks of the gateway's own are none."""

import collections
import re
import struct

import cutover_lab.site as site
from netns import inside
from processes import Process

WHAT = (f"not src host {site.GATEWAY} and (udp dst port {site.SIP} or udp dst port {site.TURN} or "
        f"(tcp and (dst port {site.SIP} or dst port {site.TLS} or dst port {site.FEDERATION})))")
SNAP = 512  # a Call-ID is in the first lines
CALL_ID = re.compile(rb"^(?:Call-ID|i)[ \t]*:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
EDGE_OF = {bytes(map(int, site.address(e, w).split("."))): e
           for e in site.EDGES for w in ("sip", "media")}


class Observer:
    def __init__(self, watch, directory):
        self.path = directory / "edges.pcap"
        with inside("lan"):
            self.process = Process(watch, "observer", [
                "tcpdump", "-i", "gw", "-Q", "in", "-s", SNAP, "-B", "16384", "-U", "-w",
                self.path, WHAT])
        watch.until(self.process, "listening on", "err")

    def end(self):
        """The flows, when there is nothing more to see."""
        self.process.child.terminate()
        self.process.wait()
        return Flows(frames(self.path.read_bytes()))


def frames(data):
    """Those of a capture as tcpdump writes it here: little-endian, microseconds, Ethernet."""
    at = 24
    while at + 16 <= len(data):
        size, = struct.unpack_from("<I", data, at + 8)
        yield data[at + 16:at + 16 + size]
        at += 16 + size


class Flows:
    def __init__(self, seen):
        self.edges = collections.defaultdict(list)  # flow -> its edges, in the order of packets
        self.connections = collections.Counter()  # of a TCP tuple, how many it had
        self.packets = 0
        for frame in seen:
            self._add(frame)

    def _add(self, frame):
        edge = EDGE_OF.get(frame[30:34])
        if frame[12:14] != b"\x08\x00" or not edge:
            return
        self.packets += 1
        flow = self._flow(frame[23], frame[26:30], frame[14 + 4 * (frame[14] & 15):])
        if flow and (not self.edges[flow] or self.edges[flow][-1] != edge):
            self.edges[flow].append(edge)

    def _flow(self, protocol, source, segment):
        ports = segment[:4]
        if protocol == 6:
            key = source + ports
            if segment[13] & 0x12 == 2:  # SYN without ACK; sent again it is the same connection
                sequence = segment[4:8]
                if self.connections.get((key, "sequence")) != sequence:
                    self.connections[key] += 1
                    self.connections[key, "sequence"] = sequence
            return "tcp", key, self.connections[key]
        if ports[2:] == struct.pack(">H", site.SIP):
            found = CALL_ID.search(segment)
            return ("call", found[1]) if found else None
        return "turn", source + ports

    def moved(self):
        return {flow: edges for flow, edges in self.edges.items() if len(edges) > 1}

    def count(self):
        return collections.Counter(flow[0] for flow in self.edges)
