#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""test_hops.py in Debian 12's own kernel: what depends on how old a kernel is, or all of it.

    in_old_kernel.py --cache DIR HOPS_WATCH [TEST...]
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS = 400  # of the guest, which is some ten times slower than its host
MODULES = ("veth", "8021q", "bridge", "tun")
TOOLS = ("ip", "setpriv")  # by their own names; busybox has others that do less
TESTS = ("KeptByOthers", "Overrun", "Links.test_vlan", "Links.test_made_anew",
         "Neighbours.test_on_link", "Neighbours.test_kept_fresh_though_nothing_is_sent",
         "Routes.test_next_hop_objects", "Routes.test_by_one_interface_only",
         "Routes.test_a_route_goes_with_its_preferred_source")
# There is nothing in the guest that a test may be skipped for.
IN_GUEST = """mkdir /run
PATH=/hops:$PATH /hops/test_hops.py /hops/hops_watch "$@"
code=$?
[ $code != 77 ] || code=1
exit $code"""
SPARE = shutil.ignore_patterns("test", "tests", "__pycache__", "idlelib", "ensurepip", "lib2to3",
                               "config-*", "pydoc_data", "tkinter", "dist-packages")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cache", required=True, metavar="DIR", help="as of run_in_kernel.py")
    parser.add_argument("program", metavar="HOPS_WATCH")
    parser.add_argument("tests", nargs="*", metavar="TEST", default=TESTS)
    options = parser.parse_args()
    files = {options.program: "/hops/hops_watch", os.path.realpath(sys.executable): sys.executable}
    for name in ("test_hops.py", "site_of_hops.py"):
        files[HERE / name] = f"/hops/{name}"
    for name in TOOLS:
        path = shutil.which(name)
        if not path:
            print(f"skipped: there is no {name}")
            sys.exit(77)
        files[path] = f"/hops/{name}"
    library = sysconfig.get_paths()["stdlib"]
    with tempfile.TemporaryDirectory() as made:
        smaller = Path(made, "library")
        shutil.copytree(library, smaller, ignore=SPARE)
        files[smaller] = library
        command = [sys.executable, HERE.parent / "kernel" / "run_in_kernel.py", "--cache",
                   options.cache, "--timeout", str(SECONDS), "--memory", "1536"]
        for source, destination in files.items():
            command += ["--file", f"{source}:{destination}"]
        for name in MODULES:
            command += ["--module", name]
        command += ["--", "sh", "-c", IN_GUEST, "sh", *options.tests]
        sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
