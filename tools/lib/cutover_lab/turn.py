# SPDX-License-Identifier: BSD-3-Clause
"""Relayed media: coturn on the edges, its own client outside, its own peer at the partner."""

import re
from pathlib import Path

import cutover_lab.site as site
from netns import inside
from processes import Process

USER, PASSWORD, PEER_PORT = "lab", "lab", 3480
EVERY = 20  # ms between a session's messages


def serve(watch, directory, edge):
    own = Path(directory, f"{edge}-turn")
    own.mkdir()
    address = site.address(edge, "media")
    with inside(edge):
        process = Process(watch, f"{edge} turnserver", [
            "turnserver", "-n", "--listening-ip", address, "--relay-ip", address,
            "--listening-port", site.TURN, "--min-port", site.RELAYS[0], "--max-port",
            site.RELAYS[1], "--user", f"{USER}:{PASSWORD}", "--realm", "lab", "--lt-cred-mech",
            "--fingerprint", "--no-tls", "--no-dtls", "--no-tcp", "--no-cli", "--log-file",
            own / "log", "--pidfile", own / "pid", "--userdb", own / "db", "--no-stdout-log"])
    return process


def peer(watch):
    with inside("partner"):
        return Process(watch, "peer", ["turnutils_peer", "-L", "198.18.2.2", "-p", PEER_PORT])


class Session:
    """An allocation that relays `seconds` of messages to the peer and back."""

    def __init__(self, watch, address, seconds):
        self.address = address
        with inside("client"):
            self.process = Process(watch, f"turn {address}", [
                "turnutils_uclient", "-u", USER, "-w", PASSWORD, "-L", address, "-e",
                "198.18.2.2", "-r", PEER_PORT, "-m", 1, "-n", seconds * 1000 // EVERY, "-z", EVERY,
                "-l", 172, "-c", site.MEDIA_VIP])

    def result(self, timeout):
        """(received, lost) messages by the client's own word; None: it does not say."""
        status = self.process.wait(timeout)
        text = "\n".join([*self.process.tail["out"], *self.process.tail["err"]])
        found = re.search(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)(?!.*tot_send_msgs)", text,
                          re.DOTALL)
        return status, (int(found[1]), int(found[2])) if found else None
