# SPDX-License-Identifier: BSD-3-Clause
"""Processes of the gateway that are killed, or hang, under the load of a cutover."""

import random
import statistics
import time

import cutover_lab.cutover as cutover
import cutover_lab.site as site
import cutover_lab.tls as tls
from cutover_lab.probe import Probe
from processes import Failed

PROBE = 1950  # the client that probes
MOMENTS = "idle", "switch", "start"
SWITCH, START = 0.05, 0.4  # seconds that one takes, roughly: a kill comes within them
RECOVERED = 20  # seconds at most
PAUSE = {"daemon": 0.2, "engine": 1.5, "worker": 1.5}  # seconds: what was lost is sent again
WITHOUT = 1000  # milliseconds without forwarding after an engine's kill: the median is below


class Kills:
    """`what`: daemon, engine or worker. Stages ten and full are switched to in between."""

    def __init__(self, gateway, load, observer, say, *, what, times, seed):
        self.gateway, self.load, self.observer = gateway, load, observer
        self.say, self.what, self.times = say, what, times
        self.random = random.Random(seed)
        self.began = time.monotonic()
        self.stage = None  # that turnoutd has acknowledged last
        self.gaps, self.interrupted, self.kills = [], 0, 0
        self.probe = None

    def tell(self, text):
        self.say(f"{time.monotonic() - self.began:6.1f} s  {text}")

    def run(self):
        self.load.begin()
        self.load.until_all()
        self.probe = Probe(self.load.watch, site.client(PROBE))
        self.tell(f"{self.load.current()} calls with media, {self.load.size.connections} TLS "
                  f"connections, {self.load.size.sessions} TURN sessions, and a probe every 5 ms")
        self.to_ten()
        for n in range(self.times):
            moment = MOMENTS[n % len(MOMENTS)]
            self.probe.mark()
            text = self.hang() if self.what == "worker" else self.kill(moment)
            gap, lost = self.probe.gap()
            self.gaps.append(gap)
            self.tell(f"{n + 1}: {text}; stage {self.stage}, {lost} of the probe's requests lost"
                      f"{f' in {gap:.0f} ms' if lost else ''}; {self.load.current()} calls go on")
            self.switch(*self.other())
            self.load.rest(PAUSE[self.what])
        return self.judge()

    def to_ten(self):
        """By way of the canary, whose gate wants connections of its partner."""
        self.switch(("next",), "canary")
        tls.ask(self.load.watch, "partner", site.FEDERATION,
                [site.partner(200 + i) for i in range(10)])
        end = time.monotonic() + RECOVERED
        while not all(g["open"] for s in self.gateway.ask({"do": "stages"})["stages"]
                      if s["live"] for g in s["gates"]):
            if time.monotonic() > end:
                raise Failed("the canary's gate does not open")
            self.load.rest(0.1)
        self.switch(("next",), "ten")

    def other(self):
        return (("next",), "full") if self.stage == "ten" else (("back",), "ten")

    def switch(self, words, stage):
        done = self.gateway.turnout("stage", *words, "--yes")
        if done["stage"] != stage:
            raise Failed(f"turnout stage {' '.join(words)} went to {done['stage']}, not {stage}")
        self.stage = stage

    def kill(self, moment):
        """At that moment, and lets it start again at once; the moment as text."""
        may, text, command, target = {self.stage}, moment, None, None
        if moment == "switch":
            words, target = self.other()
            command = self.gateway.command("stage", *words, "--yes")
            may.add(target)
            text = f"while stage {target} was switched to"
        wait = self.random.uniform(0, SWITCH if command else START)
        self.load.rest(wait)
        self.restart()
        if moment == "start":
            wait = self.random.uniform(0, START)
            self.load.rest(wait)
            self.restart()
            text = f"and again {wait * 1000:.0f} ms after it was started"
        if command and self.answered(command, target):
            may = {target}
            text += f", {wait * 1000:.0f} ms after the command: it was answered"
        elif command:
            self.interrupted += 1
            text += f", {wait * 1000:.0f} ms after the command: it was not answered"
        self.recovered(may)
        return f"{self.what} killed {text}"

    def restart(self):
        self.kills += 1
        if self.what == "daemon":
            self.gateway.kill_daemon()
            self.gateway.start_daemon()
        else:
            self.gateway.engine.kill()
            self.gateway.engine.start()

    @staticmethod
    def answered(command, target):
        """Whether the command said that the stage is live."""
        process, answer = command
        if process.wait(90):
            return False
        done = answer()
        if done["stage"] != target:
            raise Failed(f"turnout stage went to {done['stage']}, not {target}")
        return True

    def recovered(self, may):
        """Awaits that it steers again; the stage is one of `may`, and journalled live."""
        end, status = time.monotonic() + RECOVERED, None
        while not (status and status["live"] and status["engine"] and not status["switching"] and
                   status["engine"]["pid"] == self.gateway.engine.process.child.pid):
            if time.monotonic() > end:
                raise Failed(f"not recovered after {RECOVERED} s: {status}")
            self.load.rest(0.02)
            status = self.gateway.ask({"do": "status"})
        journalled = [r for r in self.gateway.journal() if r["what"] == "live"][-1]
        if (journalled["generation"], journalled["stage"]) != (status["generation"],
                                                               status["stage"]):
            raise Failed(f"the engine runs generation {status['generation']}, {status['stage']}; "
                         f"the journal says {journalled}")
        if status["stage"] not in may:
            raise Failed(f"after the kill the stage is {status['stage']}, not "
                         f"{' or '.join(sorted(may))}")
        self.stage = status["stage"]

    def hang(self):
        """A worker's thread stops, until turnoutd has said so; then it goes on."""
        with self.gateway.engine.worker_stopped() as number:
            alarm = self.await_alarm(True)
            if f"worker {number} " not in alarm["message"]:
                raise Failed(f"the alarm does not name worker {number}: {alarm['message']}")
        self.await_alarm(False)
        self.recovered({self.stage})
        return f"alarm: {alarm['message']}; it goes on, and the alarm has ended"

    def await_alarm(self, there, timeout=10):
        end = time.monotonic() + timeout
        while True:
            status = self.gateway.turnout("status")
            alarm = next((a for a in status["alarms"] if a["name"] == "worker"), None)
            if bool(alarm) == there:
                return alarm
            if time.monotonic() > end:
                raise Failed(f"worker {'stopped' if there else 'goes on'}, alarms: "
                             f"{status['alarms']}")
            self.load.rest(0.05)

    def judge(self):
        asked, lost = self.probe.end()
        self.load.hang_up()
        self.tell("the users hang up")
        result = cutover.observed(self.load.result(), self.observer)
        result.update(what=self.what, times=self.times, kills=self.kills,
                      interrupted=self.interrupted, requests=asked, requests_lost=lost,
                      gap_ms_median=round(statistics.median(self.gaps), 1),
                      gap_ms_max=max(self.gaps),
                      seconds=round(time.monotonic() - self.began, 1))
        return result


# The frames go on by the kernel's hand when nothing of turnout-xdp runs: all of them.
NOTHING_LOST = {"media_lost": "media packets were lost",
                "turn_messages_lost": "TURN messages were lost",
                "requests_lost": "of the probe's requests were lost"}


def faults(result, forwards):
    """`forwards`: whether frames go on while the process is dead."""
    if result["what"] == "worker":  # SIPp gives calls up that stand still for seconds
        result = {**result, "calls_failed": 0}
    found = cutover.faults(result)
    if forwards:
        found += [f"{result[key]} {text}" for key, text in NOTHING_LOST.items() if result[key]]
    elif result["what"] == "engine" and result["gap_ms_median"] >= WITHOUT:
        found.append(f"median of {result['gap_ms_median']} ms without forwarding after a kill")
    return found


def summary(result):
    return (f"{result['kills']} kills of the {result['what']}, {result['interrupted']} in the "
            f"middle of a switch; {result['requests_lost']} of {result['requests']} requests of "
            f"the probe were not answered\nwithout forwarding: median "
            f"{result['gap_ms_median']} ms, at most {result['gap_ms_max']} ms")
