#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The end of a drain, from the command to the sockets.

    test_reset.py BUILD PEER.bpf.o ENGINE

Connections of Linux's TCP, IPv4 and IPv6, through an engine to two edges: some ask all the time,
some pour in one direction, some are silent. One edge is drained, its deadline passes, and nothing
happens to any; it is reset, and exactly its connections end, on both sides.
"""

import selectors
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools" / "lib"))

import lab  # noqa: E402
import netns  # noqa: E402
import plans  # noqa: E402
from cutover_lab.engine import ENGINES, Gateway  # noqa: E402
from processes import Failed, Watch  # noqa: E402

EACH = 12  # connections of each kind and family
KINDS = "asks", "silent", "sends", "receives"
FEW = {"sends": 2, "receives": 2}  # they fill the machine
ASK_EVERY, WITHIN = 0.05, 20  # seconds
CHUNK = b"x" * 4096
NO_CHECK = "affinity: none, check: none"  # these servers speak no TLS
FREEBIND = (socket.IPPROTO_IP, lab.IP_FREEBIND), (socket.IPPROTO_IPV6, lab.IPV6_FREEBIND)


def until(what, why, seconds=WITHIN):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise Failed(why() if callable(why) else why)
        time.sleep(0.02)


class Loop(threading.Thread):
    """Sockets of one side, whichever namespaces they are of. A handler is called when its socket
    can be read or written, and each 50 ms."""

    def __init__(self):
        super().__init__(daemon=True)
        self.selector, self.waiting, self.over = selectors.DefaultSelector(), [], False

    def add(self, handler):
        self.waiting.append(handler)

    def run(self):
        due = 0
        while not self.over:
            while self.waiting:
                handler = self.waiting.pop()
                self.selector.register(handler.socket, handler.events, handler)
            for key, _ in self.selector.select(0.02):
                self.serve(key.data, key.data.ready)
            if time.monotonic() >= due:
                due = time.monotonic() + ASK_EVERY
                for key in list(self.selector.get_map().values()):
                    self.serve(key.data, key.data.tick)

    def serve(self, handler, what):
        try:
            what()
        except BlockingIOError:
            return
        except OSError as error:
            handler.end = type(error).__name__
        if handler.end:
            self.selector.unregister(handler.socket)
            handler.socket.close()


class Server:
    """Says the edge's name to who connects; the connection then is a Served."""

    end, events = None, selectors.EVENT_READ

    def __init__(self, loop, edge, address):
        self.loop, self.edge, self.accepted = loop, edge, []
        with netns.inside(edge):
            self.socket = socket.create_server(
                (address, plans.TCP_PORT),
                family=socket.AF_INET6 if ":" in address else socket.AF_INET, backlog=256)
        self.socket.setblocking(False)

    def ready(self):
        connection, _ = self.socket.accept()
        connection.setblocking(False)
        connection.sendall(self.edge.encode())
        self.accepted.append(Served(connection))
        self.loop.add(self.accepted[-1])

    def tick(self):
        pass


class Served:
    end, events, pours = None, selectors.EVENT_READ, False

    def __init__(self, connection):
        self.socket = connection

    def ready(self):
        data = self.socket.recv(1 << 16)
        if not data:
            self.end = "closed"
        elif data.startswith(b"receives"):
            self.pours = True
        elif data.startswith(b"ask"):
            self.socket.send(data)

    def tick(self):
        for _ in range(8 if self.pours else 0):
            self.socket.send(CHUNK)

    def speak(self):
        """Whatever it says now, its client is gone."""
        try:
            self.socket.send(b"?")
        except OSError:
            pass


class Client:
    end, events, edge, asked, answered, moved = None, selectors.EVENT_READ, None, 0, 0, 0

    def __init__(self, kind, source, vip):
        self.kind, self.source = kind, source
        with netns.inside("client"):
            self.socket = socket.socket(socket.AF_INET6 if ":" in vip else socket.AF_INET)
        self.socket.setsockopt(*FREEBIND[":" in vip], 1)
        self.socket.bind((source, 0))
        self.socket.settimeout(WITHIN)
        self.socket.connect((vip, plans.TCP_PORT))
        self.edge = self.socket.recv(2).decode()
        self.socket.sendall(kind.encode())
        self.socket.setblocking(False)

    def ready(self):
        data = self.socket.recv(1 << 16)
        self.moved += len(data)
        if not data:
            self.end = "closed"
        elif self.kind == "asks":
            self.answered += data.count(b"ask")

    def tick(self):
        if self.kind == "asks":
            self.asked += 1
            self.socket.send(b"ask")
        elif self.kind == "sends":
            for _ in range(8):
                self.moved += self.socket.send(CHUNK)


class Site:
    def __init__(self, build, peer, engine, directory):
        self.network = lab.Lab("dnat", peer, ENGINES[engine].redirects)
        plan = directory / "plan.yaml"
        plan.write_text(plans.text_of("dnat").replace("affinity: none", NO_CHECK),
                        encoding="utf-8")
        self.watch = Watch()
        self.gateway = Gateway(ENGINES[engine](build, self.watch, directory), build, self.watch,
                               directory, plan)
        self.loop = Loop()
        self.clients, self.servers = [], []

    def start(self):
        self.network.resolve()
        self.gateway.start()
        self.servers = [Server(self.loop, edge, address)
                        for edge in plans.EDGES for address in plans.EDGES[edge]]
        for server in self.servers:
            self.loop.add(server)
        self.loop.start()
        n = 0
        for kind in KINDS:
            for vip in plans.VIPS:
                for _ in range(FEW.get(kind, EACH)):
                    n += 1
                    source = f"2001:db8:c:{n:x}::1" if ":" in vip else f"198.19.1.{n}"
                    self.clients.append(Client(kind, source, vip))
                    self.loop.add(self.clients[-1])

    def of(self, edge, *kinds):
        return [c for c in self.clients if c.edge == edge and c.kind in (kinds or KINDS)]

    def edge(self, name):
        answer = self.gateway.turnout("edges")
        return next(e for e in answer["edges"] if e["name"] == name)

    def all_go_on(self, clients):
        """Each that talks has talked since this was asked, and none has ended."""
        before = {c: (c.answered, c.moved) for c in clients}
        until(lambda: all(c.end or ((c.answered, c.moved) != before[c]) == (c.kind != "silent")
                          for c in clients),
              lambda: f"silent: {[c.kind for c in clients if (c.answered, c.moved) == before[c]]}")
        ended = [(c.kind, c.source, c.end) for c in clients if c.end]
        if ended:
            raise Failed(f"connections have ended that nobody has reset: {ended}")

    def all_reset(self, clients):
        until(lambda: all(c.end for c in clients),
              lambda: f"not reset: {[(c.kind, c.source) for c in clients if not c.end]}")
        others = [(c.kind, c.source, c.end) for c in clients if c.end != "ConnectionResetError"]
        if others:
            raise Failed(f"ended otherwise than by a reset: {others}")

    def close(self):
        self.loop.over = True
        self.gateway.close()
        self.network.close()


def check(good, what):
    if not good:
        raise Failed(what)


def drain(site):
    """The deadline passes, and nothing else happens."""
    site.gateway.turnout("drain", "e1", "--deadline", "1s", "--why", "tonight")
    until(lambda: any(r["what"] == "deadline" for r in site.gateway.journal()),
          "the deadline does not pass")
    until(lambda: site.edge("e1")["resettable"] == len(site.of("e1")),
          lambda: f"{len(site.of('e1'))} connections, and counted are {site.edge('e1')}")
    site.all_go_on(site.clients)
    edge = site.edge("e1")
    check(edge["overdue"] and not edge["safe_to_stop"], f"it is overdue, and not safe: {edge}")
    status = site.gateway.turnout("status")
    check("drain-e1" in [a["name"] for a in status["alarms"]], f"no alarm: {status['alarms']}")


def reset(site):
    """Who talks ends at once, who is silent as soon as the engine has made it talk."""
    stay = site.of("e2")
    site.gateway.turnout("drain", "e1", "--reset", "--yes", "--why", "midnight")
    begun = time.monotonic()
    site.all_reset(site.of("e1", "asks", "sends", "receives"))
    took = time.monotonic() - begun
    site.all_go_on(stay)
    site.all_reset(site.of("e1", "silent"))
    site.all_go_on(stay)
    record = [r for r in site.gateway.journal() if r["what"] == "edge"][-1]
    check((record["verb"], record["why"], record["resettable"]) ==
          ("reset", "midnight", len(site.of("e1"))), f"in the journal: {record}")
    until(lambda: site.edge("e1")["safe_to_stop"], lambda: f"not safe to stop: {site.edge('e1')}")
    return took


def afterwards(site):
    """The edge's sockets end by what their clients' kernels say; who dials again is elsewhere."""
    served = [c for s in site.servers if s.edge == "e1" for c in s.accepted]
    for connection in served:
        connection.speak()
    until(lambda: all(c.end for c in served),
          lambda: f"{sum(not c.end for c in served)} of e1's sockets are still open")
    for client in site.of("e1")[::4]:
        vip = plans.VIPS[":" in client.source]
        again = Client("asks", client.source, vip)
        check(again.edge == "e2", f"{client.source} is at {again.edge} again")
        site.clients.append(again)
        site.loop.add(again)
    site.all_go_on(site.of("e2"))
    site.gateway.turnout("retire", "e1", "--yes")


def main():
    build, peer, engine = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    netns.enter("live-reset")
    if engine == "xdp":
        netns.want_bpf()
    with tempfile.TemporaryDirectory(dir=netns.NETNS) as directory:
        site = Site(build, peer, engine, Path(directory))
        try:
            site.start()
            check(all(len(site.of(edge, kind)) for edge in ("e1", "e2") for kind in KINDS[:2]),
                  "every edge has connections of each kind")
            site.all_go_on(site.clients)
            drain(site)
            took = reset(site)
            afterwards(site)
            events = site.gateway.turnout("counters")["events"]
            check(events["reset-sent"] >= len(site.of("e1")) and not events["reset-unsent"],
                  f"counted: {events}")
            print(f"{engine}: {len(site.of('e1'))} connections reset, those that talked within "
                  f"{took * 1000:.0f} ms; {len(site.of('e2'))} others went on")
        except Failed as error:
            print(f"FAILED: {engine}: {error}")
            for process in (site.gateway.engine.process, site.gateway.daemon):
                if process:
                    print(f"── {process.name}:", *process.tail["err"], sep="\n   ")
            sys.exit(1)
        finally:
            site.close()


if __name__ == "__main__":
    main()
