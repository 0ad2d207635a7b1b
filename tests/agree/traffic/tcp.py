# SPDX-License-Identifier: BSD-3-Clause
"""TCP connections that open, talk, close and come again, in and out of order; with SIP too."""

from wire.frame import ACK, FIN, PSH, RST, SYN

from . import flow, payloads, sipwords

STEPS = ((8, "talk"), (8, "answer"), (3, "ack"), (3, "fin"), (3, "fin of the edge"), (2, "reset"),
         (2, "reset by the edge"), (4, "syn"), (3, "syn-ack"), (1, "stranger"), (2, "all over"))


class Connection:
    def __init__(self, world, connection):
        self.world, self.dice, self.flow = world, world.dice, connection
        self.service = connection.service
        self.call = None
        if self.service.kind == "sip":
            self.call = sipwords.Call(world, connection)

    def payload(self, side):
        if self.call and self.dice.often(85):
            return self.call.anything(side)
        return payloads.some(self.dice, self.service)

    def open(self):
        """As it should be, mostly; else the edge is slow, dead, or refuses."""
        dice, f = self.dice, self.flow
        f.c_tcp(SYN)
        yield flow.soon(dice)
        if dice.often(80):
            f.e_tcp(SYN | ACK if dice.often(92) else RST | ACK)
            yield flow.wait(dice, self.service)
        if dice.often(85):
            f.c_tcp(ACK)
            yield flow.soon(dice)

    def step(self, what):
        f = self.flow
        if what == "talk":
            f.c_tcp(ACK | PSH, self.payload("c"))
        elif what == "answer":
            f.e_tcp(ACK | PSH, self.payload("e"))
        elif what == "ack":
            f.c_tcp(ACK)
        elif what == "fin":
            f.c_tcp(FIN | ACK)
        elif what == "fin of the edge":
            f.e_tcp(FIN | ACK)
        elif what == "reset":
            f.c_tcp(self.dice.pick([RST, RST | ACK]))
        elif what == "reset by the edge":
            f.e_tcp(RST | ACK)
        elif what == "syn":
            f.c_tcp(SYN, b"" if self.dice.often(90) else b"early")
        elif what == "syn-ack":
            f.e_tcp(SYN | ACK)
        elif what == "stranger":
            f.c_tcp(self.dice.below(256))
        else:
            self.shut()

    def shut(self):
        """Both ends close, and a new connection of the same ends begins at once."""
        f = self.flow
        f.c_tcp(FIN | ACK)
        f.e_tcp(FIN | ACK)
        f.c_tcp(ACK)
        if self.dice.often(60):
            f.c_tcp(SYN)
            f.e_tcp(SYN | ACK)


def script(world, services):
    dice = world.dice
    connection = Connection(world, flow.new(world, services))
    if dice.often(85):
        yield from connection.open()
    for _ in range(dice.between(1, 14)):
        connection.step(dice.weighed(STEPS))
        yield flow.wait(dice, connection.service)
