# SPDX-License-Identifier: BSD-3-Clause
"""What a run was measured on."""
import os
import platform
import re
import subprocess
from pathlib import Path


def read(path):
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def field(text, name):
    found = re.search(rf"^{re.escape(name)}\s*:\s*(.*)$", text, re.MULTILINE)
    return found.group(1).strip() if found else "unknown"


def first_line(*command):
    try:
        out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return "unknown"
    return out.strip().split("\n")[0] or "unknown"


def caches():
    """Of the first CPU, as the machine says."""
    found = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind = read(index / "level").strip(), read(index / "type").strip()
        if kind != "Instruction":
            found.append(f"L{level} {read(index / 'size').strip()}")
    return ", ".join(found) or "unknown"


def mitigations():
    """{name: what the kernel does}, of what this CPU is affected by."""
    return {f.name: read(f).strip()
            for f in sorted(Path("/sys/devices/system/cpu/vulnerabilities").glob("*"))
            if read(f).strip() != "Not affected"}


def describe():
    cpu, memory = read("/proc/cpuinfo"), read("/proc/meminfo")
    thp = re.search(r"\[(.*)\]", read("/sys/kernel/mm/transparent_hugepage/enabled"))
    return {
        "cpu": field(cpu, "model name"),
        "family_model": f"{field(cpu, 'cpu family')}/{field(cpu, 'model')}",
        "mhz": field(cpu, "cpu MHz"),
        "cpus": len(os.sched_getaffinity(0)),
        "caches": caches(),
        "virtual": first_line("systemd-detect-virt", "--vm"),
        "memory": field(memory, "MemTotal"),
        "kernel": platform.release(),
        "mitigations": mitigations(),
        "hugepages": f"{field(memory, 'HugePages_Total')} of {field(memory, 'Hugepagesize')}",
        "transparent_hugepages": thp.group(1) if thp else "none",
        "compiler": first_line("cc", "--version"),
        "dpdk": first_line("pkg-config", "--modversion", "libdpdk"),
    }
