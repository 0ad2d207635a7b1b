#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""How fast status is answered while a plan of many routes is read and compiled.

    bench.py TURNOUTD [ROUTES]

Not a test: the figures are this machine's.
"""

import statistics
import sys
import threading
import time

from harness import Case, Client


def stages(routes, share):
    partners = ", ".join(f"p{i}: {share}" for i in range(routes))
    return (f"  - name: few\n  - name: many\n    routes: {{access: {{default: 10, "
            f"partners: {{{partners}}}}}}}\n")


class Bench(Case):
    def runTest(self):
        pass

    def many(self, routes, share):
        partners = "".join(f"  p{i}: 10.{i >> 8 & 255}.{i & 255}.{(i >> 16) * 16}/28\n"
                           for i in range(routes))
        self.write_plan(stages(routes, share), lambda t: t.replace(
            "  fabrikam: 198.51.100.0/28\n  litware: 198.51.100.64/28\n", partners))


def milliseconds(times):
    times = sorted(1000 * t for t in times)
    return (f"{len(times)} answers, median {statistics.median(times):.2f} ms, "
            f"99 % {times[len(times) * 99 // 100]:.2f} ms, longest {times[-1]:.2f} ms")


def ask_until(client, over):
    times = []
    while not over.is_set():
        begun = time.monotonic()
        client.ask(do="status")
        times.append(time.monotonic() - begun)
    return times


def main():
    Case.PROGRAM = sys.argv[1]
    routes = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    bench = Bench()
    bench.setUp()
    try:
        bench.many(routes, 100)
        daemon = bench.started(stage="few")
        for what, request in (("switch to the stage", {"do": "switch", "to": "many"}),
                              ("reload of another plan", {"do": "reload"})):
            bench.many(routes, 100 if what.startswith("switch") else 50)
            over, client, times = threading.Event(), Client(daemon.api), []
            watch = threading.Thread(target=lambda c=client, o=over: times.extend(
                ask_until(c, o)))
            watch.start()
            begun = time.monotonic()
            bench.assertOk(daemon.ask(**request))
            took = time.monotonic() - begun
            over.set()
            watch.join()
            client.close()
            print(f"{routes} routes, {what}: {1000 * took:.0f} ms; status meanwhile: "
                  f"{milliseconds(times)}")
    finally:
        bench.tearDown()


if __name__ == "__main__":
    main()
