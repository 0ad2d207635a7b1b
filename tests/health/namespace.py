# SPDX-License-Identifier: BSD-3-Clause
"""A network namespace of the test's own, with the addresses of a site on its loopback."""
import os
import subprocess
import sys

ADDRESSES = [f'10.9.0.{i}/32' for i in (1, 2, 250)] + [f'fd09::{i}/128' for i in (1, 2, 250)]


def ip(*args):
    subprocess.run(['ip', *args], check=True, timeout=30)


def enter():
    """Runs this program again in there. Exit status 77, meson's for skipped, where it cannot."""
    if os.environ.get('TURNOUT_HEALTH_NAMESPACE') == str(os.getpid()):
        ip('link', 'set', 'lo', 'up')
        for address in ADDRESSES:
            ip('addr', 'add', address, 'dev', 'lo', *(['nodad'] if ':' in address else []))
        return
    how = ['unshare', '--net'] if os.geteuid() == 0 else ['unshare', '--net', '--map-root-user']
    if subprocess.run([*how, 'true'], capture_output=True, check=False).returncode:
        print('no network namespace can be had here')
        sys.exit(77)
    # exec, twice: the process stays the same
    os.environ['TURNOUT_HEALTH_NAMESPACE'] = str(os.getpid())
    os.execvp(how[0], [*how, sys.executable, *sys.orig_argv[1:]])


def sockets_of(pid):
    count = 0
    for fd in os.listdir(f'/proc/{pid}/fd'):
        try:
            count += os.readlink(f'/proc/{pid}/fd/{fd}').startswith('socket:')
        except FileNotFoundError:
            pass
    return count
