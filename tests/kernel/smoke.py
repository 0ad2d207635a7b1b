#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""turnout-xdp in Debian 12's own kernel, on some fixtures of each kind.

    smoke.py --cache DIR TURNOUT TURNOUT_XDP [FIXTURE...]

Its verdicts are to be the model's there, and what leaves is to be what leaves turnout-dp. Other
tests ask that of every fixture in the running kernel. What this one asks is whether an old kernel's
verifier takes the program, and whether what it makes of it works.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS = 240  # of the guest, which is some ten times slower than its host
FIXTURES = """
    tcp-connection-v4 modes-tcp-dnat-v6-qinq udp-allocation-and-peer edges-opened-with-vip-v4
    modes-tcp-l2-v4-vlan modes-udp-l2-v6-untagged modes-tunnel-4in6 modes-tunnel-6in4
    sip-call-v4 sip-call-id-folded sip-sdp-ipv6 sip-tcp-sdp-claims affinity-follows-v6
    fragments-follow-v4 fragments-reply-v6 icmp-to-client-v4 icmp-to-vip-v6 icmp-tunnel-v4
    modes-too-big-dnat-v6 modes-ttl-ipip-v4 reset-connection-v4-untagged
    reset-connection-v6-qinq
""".split()


def run(*command, answers=(0,)):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         check=False)
    if ran.returncode not in answers:
        sys.exit(f"{command[0]}: exit {ran.returncode}: {ran.stdout}")


def make_fixtures(directory, names, turnout):
    """Those of the names, each with all that a replay by turnout-dp writes."""
    run(sys.executable, HERE.parent / "fixtures" / "make.py", directory)
    for name in names:
        if not (directory / name).is_dir():
            sys.exit(f"there is no fixture {name}")
    for at in directory.iterdir():
        if at.name not in names:
            shutil.rmtree(at)
            continue
        run(turnout, "replay", at / "plan.yaml", at / "in.pcap", "--engine", "dpdk", "--stage",
            (at / "stage").read_text().strip(), "--events", at / "events", "--out", at / "out",
            "--quiet", answers=(0, 1))  # 1: the summary finds something amiss, not judged here


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cache", required=True, metavar="DIR", help="as of run_in_kernel.py")
    parser.add_argument("turnout", metavar="TURNOUT")
    parser.add_argument("engine", metavar="TURNOUT_XDP")
    parser.add_argument("fixtures", nargs="*", metavar="FIXTURE", default=FIXTURES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        make_fixtures(Path(made), options.fixtures, options.turnout)
        ran = subprocess.run([
            sys.executable, HERE / "run_in_kernel.py", "--cache", options.cache,
            "--timeout", str(SECONDS), "--file", f"{options.turnout}:/bin/turnout",
            "--file", f"{options.engine}:/bin/turnout-xdp", "--file", f"{made}:/fixtures",
            "--file", f"{HERE}/replay.sh:/replay.sh", "--", "sh", "/replay.sh"], check=False)
    sys.exit(ran.returncode)


if __name__ == "__main__":
    main()
