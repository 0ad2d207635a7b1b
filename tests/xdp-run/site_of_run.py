# SPDX-License-Identifier: BSD-3-Clause
"""The live lab's network, with turnout-xdp between clients and edges that a test speaks for."""

import hashlib
import json
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / "live")]

import lab  # noqa: E402
import netns  # noqa: E402
import plans  # noqa: E402
import common  # noqa: E402 (of tests/replay, where plans has led)
from processes import Failed, Process, Watch  # noqa: E402

PATIENCE = 30  # seconds
VIP, UDP_PORT, SIP_PORT = plans.VIPS[0], plans.UDP_PORT, 5060
PLAN = """\
turnout: 1
site: {name: run, gateways: [192.0.2.1, 198.18.0.1]}
salt: xdp-run
pools:
  old: {role: legacy, edges: {e1: {a: 192.0.2.11}, e2: {a: 192.0.2.12}}}
  fresh: {role: new, edges: {n1: {a: 192.0.2.21}, n2: {a: 192.0.2.22}}}
services:
  access: {kind: sip-tls, vip: 203.0.113.100, protocol: tcp, port: "443", address: a,
           affinity: none}
  datagrams: {kind: other, vip: 203.0.113.100, protocol: udp, port: "5000", address: a,
              affinity: none}
  calls: {kind: sip, vip: 203.0.113.100, protocol: udp, port: "5060", address: a, affinity: none,
          idle: 1800s}
stages:
  - name: legacy
  - name: new
    routes: {access: 100, datagrams: 100, calls: 100}
"""
EDGE_BYTES, SEQUENCE = 2, struct.Struct("!Q")


def udp(where, address, port, server=False):
    """A socket in a namespace, bound there."""
    with netns.inside(where):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(server))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.bind((address, port))
    return s


class Network(lab.Lab):
    def __init__(self, peer):
        super().__init__("dnat", peer, True)
        self.resolve()

    def reconnect_client(self):
        """The cable to the client, which went with one of its ends, and what went with it."""
        self._link("gw", "outside", "client", "out0", "client")
        self.xdp("client", "out0", "peer_pass")
        netns.ip("client", f"addr add {lab.CLIENT[0]}/24 dev out0",
               f"route add default via {plans.GATEWAY_OUTSIDE[0]}")
        netns.ip("gw", f"addr add {plans.GATEWAY_OUTSIDE[0]}/24 dev outside",
               f"route add default via {lab.CLIENT[0]}")


class Edges(threading.Thread):
    """Echo every datagram, with the edge's name in front."""

    def __init__(self):
        super().__init__(daemon=True)
        self.sockets = {udp(name, plans.EDGES[name][0], UDP_PORT, True): name.encode()
                        for name in plans.EDGES}
        self.start()

    def run(self):
        poll = select.poll()
        by_fd = {s.fileno(): (s, name) for s, name in self.sockets.items()}
        for s in self.sockets:
            s.setblocking(False)
            poll.register(s, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                s, name = by_fd[fd]
                try:
                    while True:
                        data, peer = s.recvfrom(64)
                        s.sendto(name + data, peer)
                except BlockingIOError:
                    continue


class Flow(threading.Thread):
    """A UDP flow through the VIP that counts: a datagram a millisecond or two, all of them echoed
    by one edge."""

    def __init__(self, client="198.19.0.1", port=20000):
        super().__init__(daemon=True)
        self.socket = udp("client", client, port)
        self.socket.connect((VIP, UDP_PORT))
        self.socket.setblocking(False)
        self.sent, self.heard, self.edges = 0, set(), set()
        self.going = True
        self.start()

    def _read(self):
        while True:
            try:
                data = self.socket.recv(64)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                self.edges.add("nobody")
                return
            self.edges.add(data[:EDGE_BYTES].decode())
            self.heard.add(SEQUENCE.unpack(data[EDGE_BYTES:])[0])

    def run(self):
        while self.going:
            self.socket.send(SEQUENCE.pack(self.sent))
            self.sent += 1
            select.select([self.socket], [], [], 0.002)
            self._read()
            time.sleep(0.001)

    def goes_on(self, datagrams=20):
        """Awaits that many more echoes, of datagrams that have not been sent yet."""
        first, end = self.sent, time.monotonic() + PATIENCE
        while not all(n in self.heard for n in range(first, first + datagrams)):
            if time.monotonic() > end or not self.is_alive():
                raise AssertionError(f"the flow does not go on: {self.lost()[:20]} are lost")
            time.sleep(0.002)

    def lost(self):
        return sorted(set(range(self.sent)) - self.heard)

    def stop(self):
        """Returns what was lost and where it went."""
        self.going = False
        self.join()
        end = time.monotonic() + 2
        while self.lost() and time.monotonic() < end:
            select.select([self.socket], [], [], 0.1)
            self._read()
        self.socket.close()
        return self.lost(), self.edges


def tcp_client():
    with netns.inside("client"):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.bind(("198.19.3.1", 0))
    s.settimeout(PATIENCE)
    return s


def listen():
    sockets = []
    for name in plans.EDGES:
        with netns.inside(name):
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((plans.EDGES[name][0], plans.TCP_PORT))
        s.listen()
        sockets.append(s)
    return sockets


def accept(listeners):
    ready = select.select(listeners, [], [], PATIENCE)[0]
    server = ready[0].accept()[0]
    server.settimeout(PATIENCE)
    return server


def connect():
    """A TCP connection through the VIP: both of its ends."""
    listeners, client = listen(), tcp_client()
    client.connect((VIP, plans.TCP_PORT))
    server = accept(listeners)
    for s in listeners:
        s.close()
    return client, server


def wait_for_clock(seconds):
    """Until the clock that entries live by is that much further."""
    end = int(time.clock_gettime(time.CLOCK_BOOTTIME)) + seconds
    time.sleep(end - time.clock_gettime(time.CLOCK_BOOTTIME))


def open_flows(number, client="198.19.1.1"):
    """That many proven pins, by a datagram each that is echoed. Returns their sockets."""
    step = 100  # a veth holds 256 frames
    sockets = []
    for first in range(0, number, step):
        some = [udp("client", client, 1024 + n) for n in range(first, min(first + step, number))]
        for s in some:
            s.sendto(SEQUENCE.pack(0), (VIP, UDP_PORT))
        for s in some:
            s.settimeout(PATIENCE)
            s.recv(64)
        sockets += some
    return sockets


class Gateway:
    """turnout-xdp on the gateway: its program, its pins, its processes."""

    ports = ("outside:outside", "edges:edges")

    def __init__(self, directory, turnout, programs):
        self.programs = programs
        self.program = programs["real"]
        self.watch = Watch(lambda process, line: None)
        self.process = None
        self.table = directory / "table"
        self.images = {}
        (directory / "plan.yaml").write_text(PLAN, encoding="utf-8")
        for stage in "legacy", "new":
            path = directory / stage
            netns.run(turnout, "table", "write", directory / "plan.yaml", "--stage", stage, "--out",
                    path)
            self.images[stage] = path.read_bytes()
        (directory / "bpf").mkdir()
        netns.run("mount", "-t", "bpf", "bpf", directory / "bpf")
        self.bpf = directory / "bpf"
        self.pin = self.bpf / "turnout"

    def publish(self, stage, number):
        self.table.write_bytes(common.renumbered(self.images[stage], number))

    def argv(self, *options, program="real", ports=None, mode="native"):
        return [self.programs[program], "run", "--table", self.table, "--pin", self.pin, "--mode",
                mode, *(w for p in ports or self.ports for w in ("--port", p)), *options]

    def spawn(self, *options, stumble=None, **which):
        if stumble and "program" not in which:
            which["program"] = "stumbling"
        argv = self.argv(*options, **which)
        with netns.inside("gw"):
            return Process(self.watch, "turnout-xdp",
                           ["env", f"TURNOUT_STUMBLE={stumble or ''}", *argv])

    def start(self, *options, **which):
        """Returns what it has said up to when it is ready."""
        if self.process:
            self.kill()
        self.process = self.spawn(*options, **which)
        return self.watch.until(self.process, r"(?s)\A.*steering on [^\n]*", "err", PATIENCE)[0]

    def start_to_its_end(self, *options, **which):
        """Of one that will not come up. Returns its exit status and what it has said."""
        process = self.spawn(*options, **which)
        try:
            return process.wait(PATIENCE), process.text["err"]
        except Failed as error:
            process.child.kill()
            process.wait()
            raise AssertionError(f"it came up: {process.text['err']}") from error

    def die(self, step, *options, **which):
        """Dies just before a step."""
        process = self.spawn(*options, stumble=f"kill:{step}", **which)
        try:
            code = process.wait(PATIENCE)
        except Failed as error:
            process.child.kill()
            process.wait()
            raise AssertionError(f"it does not come to {step}") from error
        if code != -signal.SIGKILL:
            raise AssertionError(f"{step}: {code}: {process.text['err']}")

    def stumble(self, where, *options, **which):
        """Stops just before a step: what is done now, is done in that moment. See go_on()."""
        self.process = self.spawn(*options, stumble=f"stop:{where}", **which)
        self.watch.until(self.process, "stumbles before", "err", PATIENCE)
        end = time.monotonic() + PATIENCE
        stat = Path(f"/proc/{self.process.child.pid}/stat")
        while stat.read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "T":
            if time.monotonic() > end:
                raise AssertionError("it does not stop")

    def go_on(self):
        self.process.child.send_signal(signal.SIGCONT)
        return self.watch.until(self.process, r"(?s)\A.*steering on [^\n]*", "err", PATIENCE)[0]

    def kill(self):
        self.process.child.kill()
        self.process.wait()
        self.process = None

    def command(self, *argv):
        """Of turnout-xdp, run to its end. Returns status, stdout, stderr."""
        with netns.inside("gw"):
            done = subprocess.run([self.programs["real"], *argv], capture_output=True, text=True,
                                  check=False)
        return done.returncode, done.stdout, done.stderr

    def status(self, program="real"):
        with netns.inside("gw"):
            done = subprocess.run([self.programs[program], "status", "--pin", self.pin, "--json"],
                                  capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"status: {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def entries(self, kind="pins-ipv4"):
        return self.status()["entries"][kind]["proven"]

    def dump(self, name):
        """What a pinned map has, by its BTF: [(key, value)]."""
        dumped = json.loads(netns.run("bpftool", "-j", "map", "dump", "pinned",
                                    self.pin / "maps" / name))
        return [(e["formatted"]["key"], e["formatted"]["value"]) for e in dumped]

    def digest(self, name):
        """Of all that a pinned map has, which may be much."""
        command = ["bpftool", "map", "dump", "pinned", self.pin / "maps" / name]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as dump:
            found = hashlib.file_digest(dump.stdout, "sha256").hexdigest()
        if dump.returncode:
            raise AssertionError(f"bpftool map dump {name}: {dump.returncode}")
        return found

    @staticmethod
    def await_detached(interface):
        """The kernel lets a program go some time after the last one has."""
        end = time.monotonic() + PATIENCE
        while "xdp" in netns.run("ip", "-n", "gw", "link", "show", interface):
            if time.monotonic() > end:
                raise AssertionError(f"a program is still attached to {interface}")
            time.sleep(0.01)

    def close(self):
        netns.run("umount", self.bpf)

    def clear(self):
        """As if nothing had ever run here."""
        if self.process:
            self.kill()
        netns.run(self.programs["real"], "detach", "--pin", self.pin)


SIP = """\
{start}\r
Via: SIP/2.0/UDP 198.19.2.1;branch=z9hG4bK{call}.{branch}\r
Call-ID: {call}@198.19.2.1\r
CSeq: {branch} {method}\r
Content-Length: 0\r
\r
"""


class Caller:
    """A SIP client, and the edges that its calls come to."""

    def __init__(self):
        self.client = udp("client", "198.19.2.1", SIP_PORT)
        self.edges = {udp(name, plans.EDGES[name][0], SIP_PORT, True): name
                      for name in plans.EDGES}
        self.branch = 0

    def close(self):
        for s in (self.client, *self.edges):
            s.close()

    def _hear(self, sockets):
        ready = select.select(sockets, [], [], PATIENCE)[0]
        if not ready:
            raise AssertionError("a SIP message does not arrive")
        data, peer = ready[0].recvfrom(2000)
        return ready[0], data.decode(), peer

    def request(self, call, method, branch=None):
        """Sends it; returns what answers it: call it with a status line."""
        self.branch = branch or self.branch + 1
        number = self.branch
        message = SIP.format(start=f"{method} sip:a@example.com SIP/2.0", call=call, branch=number,
                             method=method)
        self.client.sendto(message.encode(), (VIP, SIP_PORT))
        edge, _, peer = self._hear(list(self.edges))

        def answer(start):
            text = SIP.format(start=f"SIP/2.0 {start}", call=call, branch=number, method=method)
            edge.sendto(text.encode(), peer)
            _, heard, source = self._hear([self.client])
            if not heard.startswith(f"SIP/2.0 {start}") or source != (VIP, SIP_PORT):
                raise AssertionError(f"{heard} from {source}")
            return self.edges[edge]
        return answer
