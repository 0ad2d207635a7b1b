#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs a command as root in Debian 12's own kernel, booted under qemu.

    run_in_kernel.py --cache DIR [--file SRC[:DST]]... [--module NAME]... -- COMMAND...

The kernel is Debian's package, downloaded by apt and unpacked under DIR, not installed; found there
again the next time. The guest has no disk and no network. All it sees is an initramfs with busybox,
the files given, the libraries that those of them need which are programs, and bpffs.

The command's output, both streams in one, and its exit status are this script's. Its own:
77 the kernel or qemu cannot be had, 124 the time ran out, 125 the guest ended without an answer.
"""

import argparse
import contextlib
import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

SKIP, TIMEOUT, CRASHED, TERMINATED = 77, 124, 125, 143
ALWAYS_NEWEST = "linux-image-amd64"  # an empty package that depends on the real one
IMAGE = re.compile(r"Depends: (linux-image-6\.1\.\S+)")
QEMU, BUSYBOX = "qemu-system-x86_64", "/bin/busybox"
DONE = re.compile(rb"\n=== exit (\d+) ===\n$")

# The kernel's messages go to the first serial port. The command has the second, without any
# translation; closing it waits until all is sent.
INIT = r"""#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t bpf bpf /sys/fs/bpf
ln -s /proc/self/fd /dev/fd
ip link set lo up
exec </dev/null >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 raw -echo
cd /tmp
(while read -r module; do insmod "$module" || exit; done </modules; . /command)
printf '\n=== exit %d ===\n' $?
exec >/dev/console 2>&1
poweroff -f
"""


class Unavailable(Exception):
    """What the rig needs cannot be had here."""


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env=os.environ | {"LC_ALL": "C"}, **options).stdout


def download(cache):
    """Unpacks Debian's package in the cache. Not as the user _apt, who may not write there."""
    found = IMAGE.search(run("apt-cache", "depends", ALWAYS_NEWEST))
    if not found:
        raise Unavailable(f"the {ALWAYS_NEWEST} that apt knows is not Linux 6.1")
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        run("apt-get", "-o", "APT::Sandbox::User=root", "download", found[1], cwd=scratch)
        (package,) = Path(scratch).glob("*.deb")
        run("dpkg-deb", "-x", package, Path(scratch, "unpacked"))
        Path(scratch, "unpacked").rename(cache / found[1])


def find_kernel(cache):
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if not any(cache.glob("linux-image-*")):
                with contextlib.suppress(subprocess.CalledProcessError):
                    download(cache)
            if not any(cache.glob("linux-image-*")):  # apt's lists are missing, or old
                run("apt-get", "update")
                download(cache)
        except (OSError, subprocess.CalledProcessError) as error:
            said = (getattr(error, "stdout", "") or "").strip()
            raise Unavailable(f"no kernel to boot: {said or error}") from error
    return next(cache.glob("linux-image-*"))


def add(source, root, inside):
    target = root / inside.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.isdir(source):
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def add_libraries(source, root):
    """What a program is linked with, and the dynamic linker; of anything else, nothing."""
    shown = subprocess.run(["ldd", source], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+) \(0x", shown):
        add(library, root, library)


def add_modules(root, kernel, names):
    """The modules behind those that they depend on, listed in the order to load them in."""
    order = []

    def visit(name):
        found = next(kernel.glob(f"lib/modules/*/kernel/**/{name}.ko"), None)
        if not found:
            sys.exit(f"this kernel has no module {name}")
        for needed in re.search(rb"\0depends=([^\0]*)", found.read_bytes())[1].decode().split(","):
            if needed:
                visit(needed)
        inside = "/" + str(found.relative_to(kernel))
        if inside not in order:
            order.append(inside)
            add(found, root, inside)

    for name in names:
        visit(name)
    (root / "modules").write_text("".join(f"{inside}\n" for inside in order))


def make_root(root, kernel, options):
    for directory in ("bin", "dev", "proc", "sys", "tmp"):
        (root / directory).mkdir(parents=True)
    add(BUSYBOX, root, "/bin/busybox")
    for pair in options.file:
        source, _, inside = pair.partition(":")
        source = os.path.abspath(source)
        if not os.path.exists(source):
            sys.exit(f"{source}: no such file")
        add(source, root, inside or source)
        if os.path.isfile(source) and os.access(source, os.X_OK):
            add_libraries(source, root)
    add_modules(root, kernel, options.module)
    (root / "command").write_text(shlex.join(options.command) + "\n")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)


def pack(root, archive):
    names = "\n".join(str(path.relative_to(root)) for path in [root, *root.rglob("*")])
    with open(archive, "wb") as out:
        subprocess.run([BUSYBOX, "cpio", "-o", "-H", "newc"], cwd=root, input=names.encode(),
                       stdout=out, stderr=subprocess.DEVNULL, check=True)


def boot(kernel, initramfs, scratch, options):
    """What the command has printed, what the kernel has, and whether the time ran out."""
    console, output = scratch / "console", scratch / "output"
    (image,) = kernel.glob("boot/vmlinuz-*")
    qemu = subprocess.Popen(
        [QEMU, "-accel", "tcg", "-cpu", "max", "-m", str(options.memory), "-smp", str(options.cpus),
         "-nodefaults", "-no-reboot", "-display", "none", "-nic", "none",
         "-kernel", image, "-initrd", initramfs,
         "-append", "console=ttyS0 quiet oops=panic panic=-1",
         "-serial", f"file:{console}", "-serial", f"file:{output}"], stdin=subprocess.DEVNULL)
    try:
        qemu.wait(options.timeout)
        late = False
    except subprocess.TimeoutExpired:
        late = True
    finally:
        qemu.kill()
        qemu.wait()
    return output.read_bytes(), console.read_text(errors="replace"), late


def in_guest(options):
    for program in (QEMU, BUSYBOX):
        if not shutil.which(program):
            raise Unavailable(f"{program} is not installed")
    kernel = find_kernel(options.cache)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        make_root(scratch / "root", kernel, options)
        pack(scratch / "root", scratch / "initramfs")
        return boot(kernel, scratch / "initramfs", scratch, options)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR",
                        help="where the kernel is unpacked, about 400 MB")
    parser.add_argument("--file", action="append", default=[], metavar="SRC[:DST]",
                        help="a file or directory for the guest, at DST or its own path")
    parser.add_argument("--module", action="append", default=[], metavar="NAME",
                        help="a module of the kernel to load first, with what it depends on")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS",
                        help="for the boot and the command together (default: %(default)s)")
    parser.add_argument("--memory", type=int, default=1024, metavar="MIB",
                        help="the guest's, the initramfs in it (default: %(default)s)")
    parser.add_argument("--cpus", type=int, default=1, metavar="N")
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    return parser.parse_args()


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # not without ending qemu
    try:
        output, console, late = in_guest(options)
    except Unavailable as why:
        print(f"skipped: {why}")
        sys.exit(SKIP)
    done = DONE.search(output)
    sys.stdout.buffer.write(output[:done.start()] if done else output)
    sys.stdout.flush()
    if done:
        sys.exit(int(done[1]))
    print(f"{console}\nthe guest has not answered within {options.timeout:g} s" if late
          else f"{console}\nthe guest ended without an answer", file=sys.stderr)
    sys.exit(TIMEOUT if late else CRASHED)


if __name__ == "__main__":
    main()
