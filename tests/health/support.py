# SPDX-License-Identifier: BSD-3-Clause
"""A test case whose servers and programs end with it."""
import subprocess
import unittest

import servers
import site_plan as sites
from site_plan import E1, N1


class Case(unittest.TestCase):
    program = None  # health_watch

    def watch(self, text, *options, prefix=()):
        watch = sites.Watch(self.program, text, *options, prefix=prefix)
        self.addCleanup(watch.close)
        return watch

    def udp(self, port, answer, addresses=(E1, N1)):
        server = servers.Udp(addresses, port, answer)
        self.addCleanup(server.close)
        return server

    def tcp(self, port, talk, tls=None):
        server = servers.Tcp(port, talk, tls)
        self.addCleanup(server.close)
        return server

    def run_server(self, *command, **more):
        """Somebody else's server. That it is there, the checks will tell."""
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, **more)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        process.stdin.close()
