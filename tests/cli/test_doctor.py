# SPDX-License-Identifier: BSD-3-Clause
"""`turnout doctor` on hosts that are directories: nothing missing, then each thing by itself."""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TURNOUT = sys.argv.pop(1)

GOOD = {
    "proc/sys/kernel/osrelease": "6.1.0-37-amd64\n",
    "sys/kernel/btf/vmlinux": "",
    "proc/sys/net/core/bpf_jit_enable": "1\n",
    "proc/mounts": "bpf /sys/fs/bpf bpf rw 0 0\nhugetlbfs /dev/hugepages hugetlbfs rw 0 0\n",
    "proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu sse4_2 avx\n\nprocessor\t: 1\n"
                    "flags\t\t: fpu sse4_2 avx\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    "run/systemd/timesync/synchronized": "",
    "proc/sys/net/ipv4/ip_forward": "1\n",
    "proc/sys/net/ipv6/conf/all/forwarding": "1\n",
    "proc/sys/net/ipv4/conf/all/rp_filter": "0\n",
    "proc/sys/net/ipv4/conf/eth0/rp_filter": "2\n",
    "proc/self/limits": "Max locked memory         unlimited            unlimited     bytes\n",
    "usr/lib/x86_64-linux-gnu/librte_eal.so.23": "",
    "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "512\n",
    "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "512\n",
    "sys/bus/pci/drivers/vfio-pci/bind": "",
    "sys/kernel/iommu_groups/0/type": "DMA\n",
    "sys/class/net/eth0/mtu": "1500\n",
    "ethtool/eth0": "driver: ixgbe\nrx-vlan-offload: on\nlarge-receive-offload: off\n"
                    "tx-checksumming: on\n",
    "sys/class/net/lo/mtu": "65536\n",
}


class Doctor(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        for name, text in GOOD.items():
            self.put(name, text)

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def look(self, *words, code=0):
        done = subprocess.run([TURNOUT, "doctor", "--root", self.root, "--json", *words],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (code, ""))
        answer = json.loads(done.stdout)
        return answer["engines"], [f for f in answer["findings"] if f["level"] != "ok"]

    def one(self, about, level, what, todo, *words, code=0):
        """There is this finding and no other, and the engine is out if it is missing."""
        engines, findings = self.look(*words, code=code)
        self.assertEqual([(f["about"], f["level"]) for f in findings], [(about, level)], findings)
        self.assertIn(what, findings[0]["what"])
        self.assertIn(todo, findings[0]["do"] or "")
        for engine, can in engines.items():
            self.assertEqual(can, (engine, "missing") != (about, level))

    def test_nothing_is_missing(self):
        self.assertEqual(self.look(), ({"xdp": True, "dpdk": True}, []))

    def test_text_says_it_too(self):
        (self.root / "sys/kernel/btf/vmlinux").unlink()
        done = subprocess.run([TURNOUT, "doctor", "--root", self.root], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"(?s)^turnout-xdp CANNOT run\n.*"
                         r"  missing  the kernel has no BTF: .*\n"
                         r"           do: a kernel with CONFIG_DEBUG_INFO_BTF.*"
                         r"turnout-dp can run\n  ok       DPDK's libraries.*either way\n")

    def test_what_xdp_misses(self):
        for name, text, what, todo in (
                ("proc/sys/kernel/osrelease", "6.0.19\n", "Linux 6.0.19 is too old", "6.1"),
                ("proc/sys/kernel/osrelease", "5.10.0-30-amd64\n", "too old", "Debian 12"),
                ("proc/sys/kernel/osrelease", "new\n", "does not say", "/proc"),
                ("sys/kernel/realtime", "1\n", "real-time kernel", "PREEMPT_RT"),
                ("proc/sys/net/core/bpf_jit_enable", "0\n", "not compiled",
                 "sysctl -w net.core.bpf_jit_enable=1"),
                ("proc/mounts", "hugetlbfs /dev/hugepages hugetlbfs rw 0 0\n",
                 "BPF file system", "mount -t bpf bpf /sys/fs/bpf")):
            with self.subTest(what):
                self.put(name, text)
                self.one("xdp", "missing", what, todo)
                if name in GOOD:
                    self.put(name, GOOD[name])
                else:
                    (self.root / name).unlink()

    def test_later_kernels_are_good(self):
        for release in ("6.1.0", "6.18.44-fc", "7.0.1", "10.0.0"):
            self.put("proc/sys/kernel/osrelease", release + "\n")
            self.assertEqual(self.look()[1], [])

    def test_what_dpdk_misses(self):
        self.put("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu\nprocessor\t: 1\n")
        self.one("dpdk", "missing", "SSE 4.2", "another processor")
        self.put("proc/cpuinfo", GOOD["proc/cpuinfo"])
        (self.root / "usr/lib/x86_64-linux-gnu/librte_eal.so.23").unlink()
        self.one("dpdk", "missing", "libraries are not installed", "apt-get install")

    def test_neither_can_run(self):
        self.put("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu\nprocessor\t: 1\n")
        (self.root / "sys/kernel/btf/vmlinux").unlink()
        engines, _ = self.look(code=1)
        self.assertEqual(engines, {"xdp": False, "dpdk": False})

    def test_what_dpdk_would_rather_have(self):
        pages = "sys/kernel/mm/hugepages/hugepages-2048kB/"
        for name, text, what, todo in (
                (pages + "nr_hugepages", "16\n", "32 MB of huge pages are reserved",
                 "vm.nr_hugepages"),
                (pages + "free_hugepages", "1\n", "of 1024 MB of huge pages 2 MB are free",
                 "reserve more"),
                ("proc/mounts", "bpf /sys/fs/bpf bpf rw 0 0\n", "no hugetlbfs",
                 "mount -t hugetlbfs"),
                ("proc/self/limits", "Max locked memory    8388608   8388608  bytes\n",
                 "locked memory is limited", "LimitMEMLOCK=infinity"),
                ("proc/cpuinfo", "processor\t: 0\nflags\t\t: sse4_2\n", "one processor",
                 "at least two")):
            with self.subTest(what):
                self.put(name, text)
                self.one("dpdk", "note", what, todo)
                self.put(name, GOOD[name])

    def test_vfio_and_iommu(self):
        for name in ("sys/kernel/iommu_groups/0/type", "sys/kernel/iommu_groups/0"):
            path = self.root / name
            (path.rmdir if path.is_dir() else path.unlink)()
        self.one("dpdk", "note", "vfio hands no card over", "iommu=on")
        self.put("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n")
        self.one("dpdk", "note", "unprotected", "iommu=on")
        self.put("sys/kernel/iommu_groups/0/type", "DMA\n")
        (self.root / "sys/bus/pci/drivers/vfio-pci/bind").unlink()
        (self.root / "sys/bus/pci/drivers/vfio-pci").rmdir()
        self.one("dpdk", "note", "vfio-pci", "modprobe vfio-pci")

    def test_the_host(self):
        for name, text, what, todo in (
                ("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n",
                 "the clock is hpet", "dmesg"),
                ("proc/sys/net/ipv4/ip_forward", "0\n", "does not forward IPv4",
                 "net.ipv4.ip_forward=1"),
                ("proc/sys/net/ipv6/conf/all/forwarding", "0\n", "does not forward IPv6",
                 "net.ipv6.conf.all.forwarding=1"),
                ("proc/sys/net/ipv4/conf/eth0/rp_filter", "1\n", "eth0: rp_filter is strict",
                 "net.ipv4.conf.eth0.rp_filter=2"),
                ("sys/class/net/eth0/mtu", "1400\n", "eth0: MTU 1400", "")):
            with self.subTest(what):
                self.put(name, text)
                self.one("host", "note", what, todo)
                self.put(name, GOOD[name])
        (self.root / "run/systemd/timesync/synchronized").unlink()
        self.one("host", "note", "not synchronized", "chrony")

    def test_loose_beats_strict_only_where_the_kernel_says_so(self):
        """The kernel takes the larger of all and the interface's own."""
        self.put("proc/sys/net/ipv4/conf/all/rp_filter", "1\n")
        self.assertEqual(self.look()[1], [])
        self.put("proc/sys/net/ipv4/conf/eth0/rp_filter", "0\n")
        self.one("host", "note", "rp_filter is strict", "rp_filter=2")

    def test_ports(self):
        for text, mtu, what, todo in (
                ("driver: e1000e\n", "1500\n", "driver e1000e has no XDP", ""),
                ("", "1500\n", "driver unknown", ""),
                ("driver: ixgbe\n", "9000\n", "MTU 9000", "ip link set"),
                ("driver: ixgbe\nlarge-receive-offload: on\n", "1500\n", "(LRO)",
                 "ethtool -K eth0 lro off"),
                ("driver: veth\ntx-checksumming: on\n", "1500\n", "leaves checksums",
                 "ethtool -K eth0 tx off")):
            with self.subTest(what):
                self.put("ethtool/eth0", text)
                self.put("sys/class/net/eth0/mtu", mtu)
                self.one("xdp", "note", what, todo)

    def test_vlan_tags_matter_where_there_are_some(self):
        self.put("proc/net/vlan/config", "VLAN Dev name | VLAN ID\nName-Type: VLAN_NAME\n"
                 "eth1.5 | 5 | eth1\neth0.7 | 7 | eth0\n")
        self.one("xdp", "note", "takes VLAN tags off", "ethtool -K eth0 rxvlan off")

    def test_a_port_by_name(self):
        self.put("sys/class/net/eth1/mtu", "9000\n")
        self.put("ethtool/eth1", "driver: ice\n")
        self.assertEqual(self.look("--port", "eth0")[1], [])
        self.one("xdp", "note", "eth1: MTU 9000", "", "--port", "eth1")
        self.one("xdp", "missing", "there is no interface eth7", "", "--port", "eth7")

    def test_an_empty_host(self):
        with tempfile.TemporaryDirectory() as empty:
            self.root = Path(empty)
            engines, findings = self.look(code=1)
            self.assertEqual(engines, {"xdp": False, "dpdk": False})
            self.assertTrue(all(f["do"] for f in findings if f["level"] == "missing"))

    def test_odd_files(self):
        for name in GOOD:
            for text in ("", "\n", "-1", "9" * 40, "x" * 300000, "a b c d\n" * 500):
                self.put(name, text)
                done = subprocess.run([TURNOUT, "doctor", "--root", self.root, "--json"],
                                      capture_output=True, timeout=60, check=False)
                self.assertIn(done.returncode, (0, 1))
                json.loads(done.stdout)
            self.put(name, GOOD[name])

    def test_this_host(self):
        done = subprocess.run([TURNOUT, "doctor"], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertIn(done.returncode, (0, 1))
        self.assertIn("turnout-xdp can", done.stdout.replace("CANNOT", "can"))

    def test_usage(self):
        done = subprocess.run([TURNOUT, "doctor", "--root", self.root / "none"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is no directory", done.stderr)


if __name__ == "__main__":
    unittest.main()
