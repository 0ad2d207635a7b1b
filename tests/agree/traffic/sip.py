# SPDX-License-Identifier: BSD-3-Clause
"""SIP over UDP: calls as they should be, and every other order of messages."""

from . import flow, payloads, sipwords

# (who, method or status, method of CSeq)
GOOD = (
    (("c", "INVITE"), ("e", 100, "INVITE"), ("e", 180, "INVITE"), ("e", 200, "INVITE"),
     ("c", "ACK"), ("c", "BYE"), ("e", 200, "BYE")),
    (("c", "INVITE"), ("e", 180, "INVITE"), ("c", "CANCEL"), ("e", 200, "CANCEL"),
     ("e", 487, "INVITE"), ("c", "ACK")),
    (("c", "REGISTER"), ("e", 401, "REGISTER"), ("c", "REGISTER"), ("e", 200, "REGISTER")),
    (("e", "INVITE"), ("c", 100, "INVITE"), ("c", 180, "INVITE"), ("c", 200, "INVITE"),
     ("e", "ACK"), ("e", "BYE"), ("c", 200, "BYE")),
    (("c", "SUBSCRIBE"), ("e", 200, "SUBSCRIBE"), ("e", "NOTIFY"), ("c", 200, "NOTIFY")),
    (("c", "INVITE"), ("e", 200, "INVITE"), ("c", "ACK"), ("e", "INVITE"), ("c", 200, "INVITE"),
     ("e", "ACK"), ("e", "BYE"), ("c", 481, "BYE")))


def say(call, who, what, method=None):
    if isinstance(what, int):
        data = call.response(who, what, method)
    else:
        data = call.request(who, what)
    send(call, who, data)


def send(call, who, data):
    if who == "c":
        call.flow.c_udp(data)
    else:
        call.flow.e_udp(data)


def roam(call):
    """The client comes from another port, or another client speaks."""
    f = call.flow
    call.flow = f.again()
    call.flow.edge = f.edge
    if call.dice.often(50):
        call.flow.client = flow.client(call.dice, f.family)
    else:
        call.flow.cport = call.dice.pick(flow.PORTS)


def script(world, services):
    dice, f = world.dice, flow.new(world, services)
    if dice.often(80):
        f.vport = f.service.low  # answers come from there too
    call = sipwords.Call(world, f)
    if dice.often(70):
        good = dice.pick(GOOD)
        for line in good[:dice.between(1, len(good))]:
            say(call, *line)
            yield flow.wait(dice, f.service)
    for _ in range(dice.below(8)):
        if dice.often(15):
            roam(call)
        who = dice.pick("ce")
        keepalive = dice.often(18)
        send(call, who, payloads.some(dice, f.service) if keepalive else call.anything(who))
        yield flow.wait(dice, f.service)
