# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces: a process tree of one's own to make them in, and what is done inside one."""

import contextlib
import ctypes
import os
import struct
import subprocess
import sys
from pathlib import Path

SKIP = 77
NETNS = Path("/run/netns")
CLONE_NEWNET = 0x40000000
SYS_BPF, PROG_LOAD, TYPE_XDP = 321, 5, 6  # x86-64's system call
LIBC = ctypes.CDLL(None, use_errno=True)


def enter(name):
    """Runs this program again in network, mount and process namespaces of its own, so that nothing
    is left behind when it ends, however it ends. Where that is not allowed it says so, and ends
    with SKIP. `name` marks what has happened, in the environment."""
    mark = f"{name.upper().replace('-', '_')}_INSIDE"
    if mark in os.environ:
        subprocess.run(["mount", "-t", "tmpfs", name, NETNS], check=True)
        return
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    try:
        NETNS.mkdir(exist_ok=True)
        subprocess.run([*unshare, "mount", "-t", "tmpfs", name, NETNS], check=True,
                       capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = getattr(error, "stderr", None) or str(error).encode()
        print(f"skipped: needs namespaces, which need root: {why.decode().strip()}")
        sys.exit(SKIP)
    os.environ[mark] = "1"
    os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])


def want_bpf():
    """Ends with SKIP, and says so, where the kernel loads no XDP program for us."""
    code = ctypes.create_string_buffer(struct.pack("<QQ", 2 << 32 | 0xb7, 0x95))  # r0 = 2; exit
    text = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("<IIQQ24x", TYPE_XDP, 2, ctypes.addressof(code),
                             ctypes.addressof(text))
    program = LIBC.syscall(SYS_BPF, PROG_LOAD, attributes, len(attributes))
    if program < 0:
        why = os.strerror(ctypes.get_errno())
        print(f"skipped: the kernel loads no BPF program: {why}")
        sys.exit(SKIP)
    os.close(program)


def run(*argv, **options):
    """What it prints; what went wrong as an exception."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False,
                          **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {done.stdout}{done.stderr}"
                           f"{options.get('input', '')}")
    return done.stdout


@contextlib.contextmanager
def inside(name):
    """Sockets made and processes started in here belong to the namespace."""
    def switch(path):
        with open(path, "rb") as f:
            if LIBC.setns(f.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {path}")

    with open("/proc/self/ns/net", "rb") as home:
        switch(NETNS / name)
        try:
            yield
        finally:
            switch(f"/proc/self/fd/{home.fileno()}")


def ip(name, *commands):
    run("ip", "-n", name, "-batch", "-", input="\n".join(commands) + "\n")


def sysctl(**values):
    """ipv4__ip_forward=1, of the namespace that one is in."""
    for key, value in values.items():
        Path("/proc/sys/net", key.replace("__", "/")).write_text(str(value), encoding="ascii")
