# SPDX-License-Identifier: BSD-3-Clause
"""A turnoutd that has no engine: docs/api.md, strictly.

It keeps what was asked of it in `requests`, and answers from `state`, which a test may change. A
request, or a member of one, that the page does not have is refused, as the page says.
"""
import copy
import json
import socket
import socketserver
import threading
import time

MEMBERS = {
    "status": set(), "stages": set(), "preview": {"to"}, "edges": set(),
    "flows": {"edge", "service", "pool", "client", "kind", "proven", "limit", "after"},
    "history": {"limit"}, "counters": set(),
    "switch": {"to", "to_next", "to_back", "force", "why"},
    "edge": {"edge", "pool", "verb", "force", "release", "deadline", "why"},
    "release": {"edge", "service", "why"}, "ack": {"name", "why"}, "unack": {"name", "why"},
    "reload": {"why"},
    "capture": {"verdict", "reason", "edge", "pool", "service", "client", "port", "proto", "sample",
                "count", "seconds", "rate", "snap", "why"},
}
STAGES = ["baseline", "access-10", "access-25"]
SHARES = {"baseline": 0, "access-10": 10, "access-25": 25}
STATES = {"drain": "draining", "undrain": "up", "retire": "retired", "readmit": "up",
          "down": "down", "up": "up", "reset": "resetting"}
ASKED = {"drain": "draining", "retire": "retired", "reset": "resetting"}


class No(Exception):
    def __init__(self, error, message, **more):
        super().__init__(message)
        self.answer = {"ok": False, "error": error, "message": message, **more}


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def edge(name, pool, total):
    return {"name": name, "pool": pool, "mode": "dnat", "state": "up", "asked": "up",
            "health": "up",
            "checks": [{"service": "access", "kind": "tls", "state": "up", "last": 1.5,
                        "message": "handshake done"}],
            "next_hop": True, "entries": {"access": {"proven": total - 1, "unproven": 1}}
            if total else {}, "total": total, "resettable": total, "drained_since": None,
            "deadline": None, "overdue": False, "safe_to_stop": False, "evidence": []}


def gate(text, is_open, now):
    return {"kind": text.split(":")[0], "text": text, "open": is_open, "now": now}


def beginning():
    now = time.time()
    return {
        "stage": "access-10", "generation": 14, "since": stamp(now - 11550), "uptime": 187200,
        "alarms": [], "switching": None, "acks": set(),
        "edges": [edge("e1", "legacy", 412), edge("e2", "legacy", 0), edge("n1", "new", 38),
                  edge("n2", "new", 40)],
        "gates": {"baseline": [], "access-10": [gate("soak: 24 h", True, "26 h")],
                  "access-25": [gate("ack: quiet-hour", False, "not acknowledged")]},
        "engine": {"kind": "dpdk", "build": "turnout-dp 0.1.0", "pid": 812,
                   "workers": [{"generation": 14, "silent_ms": 3},
                               {"generation": 14, "silent_ms": 5}],
                   "connected_since": stamp(now - 187130),
                   "ports": [{"name": "eth0", "zone": "outside", "up": True, "mode": None},
                             {"name": "eth1", "zone": "edges", "up": True, "mode": None}]},
        "journal": {"path": "/var/lib/turnout/journal", "records": 57, "ok": True},
        "records": [
            {"n": 1, "time": stamp(now - 90000), "what": "start", "version": "0.1.0"},
            {"n": 2, "time": stamp(now - 11551), "what": "intent", "generation": 14,
             "stage": "access-10", "cause": "switch", "plan": "69882c72", "checksum": "fa865d52",
             "edges": {}, "asked": {}, "by_hand": [], "unhealthy": [], "who": "ada",
             "why": "quiet hour"},
            {"n": 3, "time": stamp(now - 11550), "what": "live", "generation": 14,
             "stage": "access-10", "prepare_us": 1500, "live_us": 250,
             "counted": {"access": {"legacy": 0, "new": 0}}}],
        "flows": [flow(i) for i in range(2500)],
        "page": 1000, "entries_released": 0,
    }


def flow(i):
    v6 = i % 2
    return {"kind": "pin6" if v6 else "pin4", "proven": i % 5 != 0,
            "client": f"2001:db8::{i:x}" if v6 else f"198.51.100.{i % 250}",
            "client_port": 1024 + i, "vip": "2001:db8:1::1" if v6 else "203.0.113.100",
            "vip_port": 443, "proto": "tcp", "service": "access",
            "edge": "n1" if i % 3 else "e1", "pool": "new" if i % 3 else "legacy",
            "state": "open", "left": 1800 - i % 1000}


class Answers:
    """What it says, without anybody to say it to."""

    def __init__(self):
        self.state = beginning()

    def answer(self, request):
        do = request.get("do")
        try:
            if do not in MEMBERS:
                raise No("usage", f"there is no request '{do}'")
            wrong = set(request) - MEMBERS[do] - {"do", "id"}
            if wrong:
                raise No("usage", f"'{do}' has no member '{wrong.pop()}'")
            return {"ok": True, **getattr(self, "do_" + do)(**{
                k: v for k, v in request.items() if k not in ("do", "id")})}
        except No as no:
            return no.answer

    def do_status(self):
        s = self.state
        at = STAGES.index(s["stage"]) if s["stage"] else None
        share = SHARES.get(s["stage"], 0)
        return {
            "site": "contoso-hq", "plan": "/etc/turnout/plan.yaml", "stage": s["stage"],
            "next": STAGES[at + 1] if at is not None and at + 1 < len(STAGES) else None,
            "previous": STAGES[at - 1] if at else None, "generation": s["generation"],
            "live": s["stage"] is not None, "since": s["since"], "switching": s["switching"],
            "engine": s["engine"],
            "pools": [{"name": p, "role": p, "edges": 2,
                       "up": sum(e["state"] == "up" for e in s["edges"] if e["pool"] == p),
                       "entries": sum(e["total"] for e in s["edges"] if e["pool"] == p),
                       "new_flows": 1000} for p in ("legacy", "new")],
            "services": [
                {"name": "access", "kind": "sip-tls", "share": {"default": share,
                                                                "exceptions": []},
                 "new_flows": {"legacy": 9000, "new": 1234}, "entries": {"legacy": 412,
                                                                         "new": 78}},
                {"name": "federation", "kind": "federation",
                 "share": {"default": 0, "exceptions": [{"partner": "fabrikam", "share": 100}],
                       "more": 7},
                 "new_flows": {"legacy": 20, "new": 3}, "entries": {"legacy": 0, "new": 0}}],
            "edges": s["edges"], "alarms": s["alarms"], "journal": s["journal"],
            "uptime": s["uptime"]}

    def do_stages(self):
        return {"stages": [{"name": n, "live": n == self.state["stage"],
                            "gates": self.state["gates"][n]} for n in STAGES]}

    def find_stage(self, to):
        if to not in STAGES:
            raise No("usage", f"the plan has no stage '{to}'")
        return STAGES.index(to)

    def changes(self, to):
        before, after = SHARES[self.state["stage"]], SHARES[to]
        return [{"service": "access", "who": "everyone", "from": before, "to": after}] \
            if before != after else []

    def passed(self, to):
        at = STAGES.index(self.state["stage"])
        return [{**g, "stage": n} for n in STAGES[at + 1:self.find_stage(to) + 1]
                for g in self.state["gates"][n]]

    def do_preview(self, to):
        self.find_stage(to)
        return {"from": self.state["stage"], "to": to, "changes": self.changes(to),
                "gates": self.passed(to)}

    def do_switch(self, to=None, to_next=None, to_back=None, force=False, why=None):
        if (to is not None) + bool(to_next) + bool(to_back) != 1:
            raise No("usage", "'switch' wants one of to, to_next and to_back")
        at = STAGES.index(self.state["stage"])
        to = to or STAGES[at + (1 if to_next else -1)]
        shut = [g for g in self.passed(to) if not g["open"]]
        if shut and not force:
            raise No("gate", f"stage {to}: {shut[0]['text']}: {shut[0]['now']}", gates=shut)
        moved = self.changes(to)
        self.state.update(stage=to, generation=self.state["generation"] + 1, since=time.time())
        for worker in self.state["engine"]["workers"]:
            worker["generation"] = self.state["generation"]
        return {"generation": self.state["generation"], "stage": to, "prepare_us": 20153,
                "live_us": 412, "moved": moved}

    def do_edges(self):
        return {"edges": self.state["edges"]}

    def chosen(self, name, pool):
        if (name is None) == (pool is None):
            raise No("usage", "'edge' wants one of edge and pool")
        found = [e for e in self.state["edges"] if e["name"] == name or e["pool"] == pool]
        if not found:
            raise No("usage", f"there is no edge '{name or pool}'")
        return found

    def do_edge(self, verb, edge=None, pool=None, force=False, release=False, deadline=None,
                why=None):
        found = self.chosen(edge, pool)
        if verb not in STATES:
            raise No("usage", f"there is no verb '{verb}'")
        if force != release or (force and verb != "retire"):
            raise No("usage", "'force' and 'release' go together, with verb retire")
        if deadline is not None and (verb != "drain" or not 1 <= deadline <= 30 * 86400):
            raise No("usage", "'deadline' is 1 to 2592000, in seconds, of a drain")
        if verb == "reset" and any(e["asked"] not in ("draining", "resetting") for e in found):
            raise No("gate", f"edge {found[0]['name']}: it is not draining")
        if verb == "retire" and not force and any(e["asked"] == "up" for e in found):
            raise No("gate", f"edge {found[0]['name']} takes new flows")
        if verb == "retire" and any(e["total"] for e in found) and not (force and release):
            raise No("gate", f"edge {found[0]['name']} has {found[0]['total']} live entries")
        released = sum(e["total"] for e in found)
        for e in found:
            e["state"] = STATES[verb]
            e["asked"] = ASKED.get(verb, "up")
            if verb == "drain":
                e["deadline"] = stamp(time.time() + deadline) if deadline else None
            if verb == "retire":
                e.update(total=0, resettable=0, entries={})
        self.state["generation"] += 1
        return {"generation": self.state["generation"], "stage": self.state["stage"],
                "prepare_us": 1500, "live_us": 9148,
                **({"released": released} if release else {})}

    def do_release(self, edge, service=None, why=None):
        found = self.chosen(edge, None)[0]
        if service is not None and service not in ("access", "federation"):
            raise No("usage", f"there is no service '{service}'")
        count = found["total"]
        found.update(total=0, entries={})
        return {"entries": count}

    def do_flows(self, edge=None, service=None, pool=None, client=None, kind=None, proven=None,
                 limit=100, after=None):
        if not isinstance(limit, int) or not 1 <= limit <= 1000:
            raise No("usage", "limit: 1 to 1000")
        if kind is not None and kind not in ("pin4", "pin6", "dialog"):
            raise No("usage", f"there is no kind '{kind}'")
        asked = {"edge": edge, "service": service, "pool": pool, "client": client, "kind": kind,
                 "proven": proven}
        found = [f for f in self.state["flows"]
                 if all(v is None or f[k] == v for k, v in asked.items())]
        first = int(after or 0)
        last = first + min(limit, self.state["page"])
        return {"flows": found[first:last], "after": str(last) if last < len(found) else None}

    def do_history(self, limit=50):
        return {"records": self.state["records"][-limit:]}

    def do_counters(self):
        return {"rows": [
            {"service": "access", "pool": "legacy", "edge": "e1", "class": "tls", "reason": "pin",
             "packets": 12878, "bytes": 9000000},
            {"service": None, "pool": None, "edge": None, "class": "none", "reason": "not-ours",
             "packets": 7, "bytes": 420}],
            "events": {"entry-lost": 0, "proven": 512},
            "verdicts": {"kernel": 7, "steer": 12878, "reply": 9000, "out": 0, "drop": 3},
            "entries": {"pins-ipv4": {"proven": {"used": 412, "capacity": 1048576},
                                      "unproven": {"used": 3, "capacity": 65536}}},
            "named": {"sent": 21878}}

    def do_ack(self, name, why=None):
        for gates in self.state["gates"].values():
            for g in gates:
                if g["text"] == f"ack: {name}":
                    g.update(open=True, now="acknowledged")
                    return {}
        raise No("usage", f"no gate of the plan waits for '{name}'")

    def do_unack(self, name, why=None):
        for gates in self.state["gates"].values():
            for g in gates:
                if g["text"] == f"ack: {name}":
                    g.update(open=False, now="not acknowledged")
                    return {}
        raise No("usage", f"no gate of the plan waits for '{name}'")

    def do_capture(self, **_):
        return {"edges": ["e1", "e2", "n1", "n2"], "services": ["access", "federation"],
                "ports": ["eth0", "eth1"], "build": "turnout-dp 0.1.0"}

    def do_reload(self, why=None):
        return {"generation": self.state["generation"] + 1}


class Daemon(Answers):
    def __init__(self, path):
        super().__init__()
        self.requests = []
        self.engine = None  # plays(socket) the engine of a capture
        self.fault = None  # "hang", "gone", "garbage", "oversized", "two", or a function of it
        self.closed = False
        self.release_hang = threading.Event()
        daemon = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    if not daemon.reply(line, self.wfile, self.connection):
                        return

        self.server = socketserver.ThreadingUnixStreamServer(path, Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.closed = True
        self.release_hang.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def reply(self, line, out, connection):
        assert len(line) <= 65536, "a request has at most 64 KiB"
        request = json.loads(line)
        self.requests.append(copy.deepcopy(request))
        fault = self.fault if not isinstance(self.fault, dict) else self.fault.get(request["do"])
        if self.closed:
            return False
        if fault == "hang":
            self.release_hang.wait()
            return False
        if fault == "gone":
            return False
        if fault == "oversized":
            try:
                for _ in range(1024):
                    out.write(b"x" * 16384)
            except OSError:
                pass
            return False
        if isinstance(fault, bytes):
            out.write(fault)
            return True
        answer = self.answer(request)
        if "id" in request:
            answer["id"] = request["id"]
        text = json.dumps(answer).encode() + b"\n"
        if request["do"] == "capture" and answer["ok"] and self.engine:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            threading.Thread(target=self.engine, args=(ours,), daemon=True).start()
            socket.send_fds(connection, [text], [theirs.fileno()])
            theirs.close()
            return True
        out.write(text + (text if fault == "two" else b""))
        return True
