# SPDX-License-Identifier: BSD-3-Clause
"""turnout-dp and testpmd as processes on the same virtual device, for row `forward`.

Each is started once; all but the one that is being measured are stopped (SIGSTOP). Each says itself
how many packets it has sent; the kernel says how long its workers ran, which is what workers alone on
their cores would have had.
"""
import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from bench_show import CannotMeasure

ROOM, SETTLE_S = 8192, 0.1  # pins, seconds
BURST, MBUFS = 64, 16383
DEVICE = "net_pcap0"
NEXTHOPS = ["--nexthop", "outside=02:00:00:00:00:01", "--nexthop", "edges=02:00:00:00:00:02"]
MEMORY_MB = 256
ANSWER_S = 20


def lcores(workers):
    """The workers on the last CPUs, one each. The main thread, which sleeps, on the first one: with
    as many workers as CPUs it shares that."""
    cpus = sorted(os.sched_getaffinity(0))
    return ",".join([f"0@{cpus[0]}", *(f"{i + 1}@{cpus[-1 - i]}" for i in range(workers))])


def eal(captures, prefix):
    """The same for both: a queue and a worker for each capture. Memory from huge pages if enough are
    reserved."""
    free = int(re.search(r"HugePages_Free:\s*(\d+)", Path("/proc/meminfo").read_text())[1])
    memory = ["--in-memory", "-m", str(MEMORY_MB)] if free * 2 >= 2 * MEMORY_MB \
        else ["--no-huge", "-m", str(MEMORY_MB)]
    queues = ",".join(f"rx_pcap={c}" for c in captures)
    return [f"--lcores={lcores(len(captures))}", "--main-lcore", "0", *memory, "--no-pci",
            "--no-shconf", "--no-telemetry", "--file-prefix", prefix, "--log-level", "*:error",
            "--vdev", f"{DEVICE},{queues},infinite_rx=1"]


class Sample:
    """Packets, nanoseconds that each worker ran, seconds of the clock."""

    def __init__(self, packets, ran, seconds):
        self.packets, self.ran, self.seconds = packets, ran, seconds

    def ns(self):
        """Of a worker, a packet."""
        return sum(self.ran) / self.packets

    def rate(self):
        """Packets a second, had each worker its CPU for itself."""
        return self.packets * len(self.ran) * 1e9 / sum(self.ran)

    def clock_rate(self):
        return self.packets / self.seconds

    def together(self):
        """Which part of the time, at the least, all workers ran at once."""
        lost = sum(max(self.seconds * 1e9 - ran, 0) for ran in self.ran)
        return max(1 - lost / (self.seconds * 1e9), 0)


class Process:
    """A forwarder whose only busy threads are its workers."""

    def __init__(self, command, workers, log):
        self.log, self.workers = log, workers
        self.name = Path(command[0]).name
        # by lines, though it is not a terminal that it writes to
        self.process = subprocess.Popen(["stdbuf", "-oL", *command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=log.open("w"), text=True)

    def read_until(self, end):
        """Lines up to the one that `end` matches."""
        lines = []
        alarm = threading.Timer(ANSWER_S, self.process.kill)
        alarm.start()
        try:
            for line in self.process.stdout:
                lines.append(line)
                if re.search(end, line):
                    return lines
        finally:
            alarm.cancel()
        raise CannotMeasure(f"{self.name} ended, or did not answer: {''.join(lines[-5:])}"
                            f"{self.log.read_text()[-500:]}")

    def workers_ns(self):
        """How long each worker has run."""
        ran = [int((task / "schedstat").read_text().split()[0])
               for task in Path(f"/proc/{self.process.pid}/task").iterdir()
               if "worker" in (task / "comm").read_text()]
        if len(ran) != self.workers:
            raise CannotMeasure(f"{self.name} has {len(ran)} workers, not {self.workers}")
        return sorted(ran)

    def sample(self, seconds):
        """A Sample of so many seconds."""
        self.process.send_signal(signal.SIGCONT)
        time.sleep(SETTLE_S)
        begin = self.sent(), self.workers_ns(), time.monotonic()
        time.sleep(seconds)
        end = self.sent(), self.workers_ns(), time.monotonic()
        self.process.send_signal(signal.SIGSTOP)
        if end[0] <= begin[0]:
            raise CannotMeasure(f"{self.name} forwarded nothing")
        return Sample(end[0] - begin[0], [e - b for b, e in zip(begin[1], end[1])],
                      end[2] - begin[2])

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Testpmd(Process):
    def __init__(self, captures, work):
        n = len(captures)
        super().__init__(["dpdk-testpmd", *eal(captures, f"bench-testpmd{n}"), "--", "-i",
                          "--forward-mode=macswap", f"--burst={BURST}", f"--nb-cores={n}",
                          f"--rxq={n}", f"--txq={n}", f"--total-num-mbufs={MBUFS}"],
                         n, work / f"testpmd{n}.log")
        self.ask("start")

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def sent(self):
        self.ask("show port stats 0")
        return int(re.search(r"TX-packets: (\d+)", self.read_until("TX-packets")[-1])[1])

    def wrong(self):
        """What it received and did not forward."""
        self.process.send_signal(signal.SIGCONT)
        self.ask("stop")
        lines = self.read_until("TX-dropped")
        self.ask("quit")
        self.process.communicate()
        return int(re.search(r"TX-dropped: (\d+)", lines[-1])[1])


class Turnout(Process):
    def __init__(self, build, captures, state, table, work):
        n = len(captures)
        super().__init__([str(build / "dataplane/turnout-dp"), "run",
                          *eal(captures, f"bench-dp{n}"), "--", "--table", str(table), "--port",
                          f"{DEVICE}:both", *NEXTHOPS, "--workers", str(n), "--state", str(state),
                          "--pins", str(ROOM), "--mbufs", str(MBUFS)],
                         n, work / f"turnout-dp{n}.log")
        self.wait_for_first()

    def report(self, number=signal.SIGUSR1):
        self.process.send_signal(number)
        lines = self.read_until(r"^\}")
        return json.loads("".join(lines[lines.index("{\n"):]))

    def wait_for_first(self):
        """SIGUSR1 is blocked from the beginning on, and answered when the workers are running."""
        deadline = time.monotonic() + ANSWER_S
        while "SigBlk" not in (status := self.status()) or not self.blocks(status):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise CannotMeasure(f"turnout-dp does not start: {self.log.read_text()[-500:]}")
            time.sleep(0.01)
        self.report()

    def status(self):
        return Path(f"/proc/{self.process.pid}/status").read_text()

    @staticmethod
    def blocks(status):
        return int(re.search(r"SigBlk:\s*(\w+)", status)[1], 16) >> (signal.SIGUSR1 - 1) & 1

    def sent(self):
        return self.report()["ports"]["sent"]["all"]

    def wrong(self):
        """Packets that were not steered by their pins, or not sent."""
        self.process.send_signal(signal.SIGCONT)
        end = self.report(signal.SIGTERM)
        self.process.communicate()
        received, sent = (end["ports"][k]["all"] for k in ("received", "sent"))
        pinned = sum(c["packets"] for c in end["counters"]
                     if c["reason"] == "pin" and c["service"] == "media")
        steered = end["verdicts"]["steer"]
        self.handed_over = end["ports"]["handed_over"]["all"]
        return received - min(steered, pinned, sent)
