# SPDX-License-Identifier: BSD-3-Clause
"""Row `forward`: turnout-dp against testpmd macswap, on the same virtual device.

Both processes are started once; all but the one that is being measured is stopped (SIGSTOP). Each
says itself how many packets it has sent; the kernel says how long its worker ran, which is what a
worker alone on its core would have had, and what the nanoseconds are of.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from bench_show import CannotMeasure, spread

TARGET = 0.60
FLOWS, ROOM = 4096, 8192
SAMPLES, SAMPLE_S, QUICK_S, SETTLE_S = 21, 1.0, 0.3, 0.1
BURST, MBUFS = 64, 16383
DEVICE = "net_pcap0"
NEXTHOPS = ["--nexthop", "outside=02:00:00:00:00:01", "--nexthop", "edges=02:00:00:00:00:02"]
MEMORY_MB = 256
ANSWER_S = 20


def eal(capture, prefix):
    """The same for both. Memory from huge pages if enough are reserved."""
    main, *_, worker = sorted(os.sched_getaffinity(0))
    free = int(re.search(r"HugePages_Free:\s*(\d+)", Path("/proc/meminfo").read_text())[1])
    memory = ["--in-memory", "-m", str(MEMORY_MB)] if free * 2 >= 2 * MEMORY_MB \
        else ["--no-huge", "-m", str(MEMORY_MB)]
    return ["-l", f"{main},{worker}", "--main-lcore", str(main), *memory, "--no-pci",
            "--no-shconf", "--no-telemetry", "--file-prefix", prefix, "--log-level", "*:error",
            "--vdev", f"{DEVICE},rx_pcap={capture},infinite_rx=1"]


class Process:
    """A forwarder whose only busy thread is its worker."""

    def __init__(self, command, log):
        self.log = log
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

    def worker_ns(self):
        """How long the one worker has run."""
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            if "worker" in (task / "comm").read_text():
                return int((task / "schedstat").read_text().split()[0])
        raise CannotMeasure(f"{self.name} has no worker")

    def sample(self, seconds):
        """(nanoseconds of CPU a packet, packets in a second of the clock)"""
        self.process.send_signal(signal.SIGCONT)
        time.sleep(SETTLE_S)
        begin = self.sent(), self.worker_ns(), time.monotonic()
        time.sleep(seconds)
        end = self.sent(), self.worker_ns(), time.monotonic()
        self.process.send_signal(signal.SIGSTOP)
        packets = end[0] - begin[0]
        if packets <= 0:
            raise CannotMeasure(f"{self.name} forwarded nothing")
        return (end[1] - begin[1]) / packets, packets / (end[2] - begin[2])

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Testpmd(Process):
    def __init__(self, capture, work):
        super().__init__(["dpdk-testpmd", *eal(capture, "bench-testpmd"), "--", "-i",
                          "--forward-mode=macswap", f"--burst={BURST}",
                          f"--total-num-mbufs={MBUFS}"], work / "testpmd.log")
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
    def __init__(self, build, capture, state, table, work):
        super().__init__([str(build / "dataplane/turnout-dp"), "run", *eal(capture, "bench-dp"),
                          "--", "--table", str(table), "--port", f"{DEVICE}:both", *NEXTHOPS,
                          "--state", str(state), "--pins", str(ROOM), "--mbufs", str(MBUFS)],
                         work / "turnout-dp.log")
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
        return received - min(steered, pinned, sent)


def prepare(top, build, work):
    """Capture, state with every flow proven, and table image."""
    plan = str(top / "tests/bench/plan.yaml")
    capture, state, table = work / "requests.pcap", work / "state", work / "table"
    for command in ([str(build / "tests/bench/bench_flows"), plan, str(FLOWS), str(ROOM),
                     str(state), str(capture)],
                    [str(build / "control/turnout"), "table", "write", plan, "--out", str(table)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotMeasure(done.stderr.strip())
    return capture, state, table


def take(build, work, files, seconds):
    """Samples of both in turn, and the wrong verdicts of both."""
    capture, state, table = files
    processes = []
    try:
        processes.append(Testpmd(capture, work))
        processes[0].sample(SETTLE_S)
        processes.append(Turnout(build, capture, state, table, work))
        processes[1].sample(SETTLE_S)
        samples = [[p.sample(seconds) for p in processes] for _ in range(SAMPLES)]
        return samples, [p.wrong() for p in processes]
    finally:
        for p in processes:
            p.kill()


def measure(top, build, quick):
    if len(os.sched_getaffinity(0)) < 2:
        raise CannotMeasure("it needs two CPUs, one of them for the worker alone")
    if not shutil.which("dpdk-testpmd"):
        raise CannotMeasure("dpdk-testpmd is missing: apt-get install dpdk-dev")
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as name:
        work = Path(name)
        samples, wrong = take(build, work, prepare(top, build, work),
                              QUICK_S if quick else SAMPLE_S)
    (testpmd, testpmd_pps), (turnout, turnout_pps) = (zip(*s) for s in zip(*samples))
    yardstick, subject = spread(testpmd), spread(turnout)
    yield {
        "of": f"{FLOWS:,} flows, 64-byte UDP, dnat, one worker",
        "yardstick_name": "testpmd macswap", "yardstick": yardstick,
        "subject_name": "turnout-dp", "subject": subject,
        "yardstick_pps": spread(testpmd_pps), "subject_pps": spread(turnout_pps),
        "samples": len(samples), "wrong": sum(wrong),
        "ratio": yardstick["min"] / subject["min"],
        "ratio_median": yardstick["median"] / subject["median"],
        "target": TARGET, "target_is": "least",
        "note": "packets a second of the clock, million, minimum / median / maximum: testpmd "
                f"{rates(testpmd_pps)}, turnout-dp {rates(turnout_pps)}",
    }


def rates(pps):
    s = spread(pps)
    return f"{s['min'] / 1e6:.1f} / {s['median'] / 1e6:.1f} / {s['max'] / 1e6:.1f}"
