# SPDX-License-Identifier: BSD-3-Clause
"""A host under test and its neighbours, in namespaces of their own, and the library running there.

    host  eth0 ---- left   eth0      10.0.0.1/24, fd00:0::1    10.0.0.2, .3; fd00:0::2, ::3
          eth1 ---- right  eth0      10.0.1.1/24, fd00:1::1    10.0.1.2, .3; fd00:1::2, ::3
"""

import json
import os
import select
import subprocess
import time

PATIENCE = 30  # seconds: how long to wait for what must come; nothing is ever just waited out

HOST, LEFT, RIGHT = "host", "left", "right"
SIDES = {LEFT: 0, RIGHT: 1}


def namespace(name):
    return f"to-hops-{os.getpid()}-{name}"


def run(*command, fine=True):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if fine and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stdout}")
    return done


def ip(where, command):
    return run("ip", "-n", namespace(where), *command.split()).stdout


def can(where, command):
    return run("ip", "-n", namespace(where), *command.split(), fine=False).returncode == 0


def batch(where, lines):
    done = subprocess.run(["ip", "-n", namespace(where), "-batch", "-"], input="\n".join(lines),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stdout)


def sysctl(where, name, value):
    path = "/proc/sys/net/" + name
    run("ip", "netns", "exec", namespace(where), "sh", "-c", f"echo {value} >{path}")


def link(where, name):
    return json.loads(ip(where, f"-j link show dev {name}"))[0]


def addresses(where, name):
    return json.loads(ip(where, f"-j addr show dev {name}"))[0]["addr_info"]


def mac(where, name="eth0"):
    return link(where, name)["address"]


def join(side):
    """A cable from the host to one side, with addresses at both ends."""
    n = SIDES[side]
    ip(HOST, f"link add eth{n} type veth peer name eth0 netns {namespace(side)}")
    for where, name, last in ((HOST, f"eth{n}", (1,)), (side, "eth0", (2, 3))):
        for k in last:
            ip(where, f"addr add 10.0.{n}.{k}/24 dev {name}")
            ip(where, f"addr add fd00:{n}::{k}/64 dev {name} nodad")
    sysctl(side, "ipv4/conf/eth0/arp_notify", 1)
    sysctl(side, "ipv6/conf/eth0/ndisc_notify", 1)
    # They come up with a link-local address that needs no time to be taken into use.
    sysctl(HOST, f"ipv6/conf/eth{n}/accept_dad", 0)
    sysctl(side, "ipv6/conf/eth0/accept_dad", 0)
    ip(side, "link set eth0 up")
    ip(HOST, f"link set eth{n} up")


def make():
    for name in (HOST, *SIDES):
        run("ip", "netns", "add", namespace(name))
        ip(name, "link set lo up")
    for side in SIDES:
        join(side)


def remove():
    for name in (HOST, *SIDES):
        run("ip", "netns", "del", namespace(name), fine=False)


class Watcher:
    """hops_watch, running on the host."""

    def __init__(self, program, tick_ms=0, prefix=()):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace(HOST), *prefix, program, str(tick_ms)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.rest = b""
        self.seen = []  # all that was read
        self.unread = []  # what no test has asked for yet

    def close(self):
        self.process.stdin.close()
        try:
            code = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.stdout.close()
        if code:
            raise AssertionError(f"hops_watch ended with {code}")

    def _fill(self, deadline):
        wait = deadline - time.monotonic()
        if wait <= 0 or not select.select([self.process.stdout], [], [], wait)[0]:
            said = "\n".join(map(str, self.seen[-20:]))
            raise AssertionError(f"it never came; the last that did:\n{said}")
        data = self.process.stdout.read()
        if not data:
            raise AssertionError("hops_watch has ended")
        *lines, self.rest = (self.rest + data).split(b"\n")
        events = [json.loads(line) for line in lines]
        self.seen += events
        self.unread += events

    def find(self, wanted):
        """The next event that is wanted; those before it are dropped."""
        deadline = time.monotonic() + PATIENCE
        while True:
            while self.unread:
                event = self.unread.pop(0)
                if wanted(event):
                    return event
            self._fill(deadline)

    def await_hop(self, number, **fields):
        return self.find(lambda e: e.get("hop") == number and fields.items() <= e.items())

    def next_hop(self, number):
        return self.find(lambda e: e.get("hop") == number)

    def await_link(self, name, **fields):
        return self.find(lambda e: e.get("link") == name and fields.items() <= e.items())

    def command(self, line):
        """Runs it to its end. Returns its answer and what was reported up to then."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        before = []

        def is_answer(event):
            if "done" in event:
                return True
            before.append(event)
            return False
        answer = self.find(is_answer)
        return answer, before

    def watch(self, number, *words):
        """What is reported for it at once."""
        answer, before = self.command(f"watch {number} {' '.join(words)}")
        assert answer["ret"] == 0, answer
        return [e for e in before if e.get("hop") == number][-1]

    def watch_until(self, state, number, *words):
        event = self.watch(number, *words)
        return event if event["state"] == state else self.await_hop(number, state=state)

    def settle(self):
        """What has been reported of all that was done so far."""
        return self.command("process")[1]
