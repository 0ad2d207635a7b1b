# SPDX-License-Identifier: BSD-3-Clause
"""What any engine tells the service manager that started it."""

import signal
import socket
from pathlib import Path

from contract import image_of
from protocol import WAIT, Client

from common import renumbered


class Told:
    """Mixed into a unittest.TestCase with self.engine, not started, and self.dir."""

    def hear(self):
        return self.manager.recv(500).decode()

    def await_status(self, wanted):
        """Signs of life come between, and nothing else."""
        text = self.hear()
        while text == "WATCHDOG=1":
            text = self.hear()
        self.assertEqual(text, wanted)

    def test_the_service_manager_is_told(self):
        path = str(Path(self.dir, "notify"))
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(path)
        self.manager.settimeout(WAIT)
        self.engine.start({"NOTIFY_SOCKET": path})
        self.assertEqual(self.hear(),
                         "READY=1\nSTATUS=no generation: all packets are the kernel's")
        self.assertEqual([self.hear(), self.hear()], ["WATCHDOG=1"] * 2)
        image = image_of("half")
        with Client(self.engine.path) as c:
            c.publish(renumbered(image, 3))
            self.await_status("STATUS=generation 3, stage half")
            c.publish(renumbered(image, 4))
            self.await_status("STATUS=generation 4, stage half")
        self.engine.process.send_signal(signal.SIGTERM)
        self.await_status("STOPPING=1")

    def test_a_service_manager_that_is_not_there(self):
        said = self.engine.start({"NOTIFY_SOCKET": str(Path(self.dir, "nobody"))})
        self.assertIn("no generation yet", said)
        Client(self.engine.path).close()
