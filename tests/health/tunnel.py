#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""One end of an IPv4 tunnel over IPv4 (RFC 2003), for kernels without one: tunnel.py DEVICE [PEER].

With a peer, what is routed into the TUN device goes there in a tunnel; without, what comes in
tunnels comes out of it.
"""
import fcntl
import os
import socket
import struct
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000


def main():
    tun = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH22x', sys.argv[1].encode(), IFF_TUN | IFF_NO_PI))
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IPIP)
    print('ready', flush=True)
    while True:
        if len(sys.argv) > 2:
            packet = os.read(tun, 65535)
            if packet[0] >> 4 == 4:
                raw.sendto(packet, (sys.argv[2], 0))
        else:
            packet = raw.recv(65535)
            os.write(tun, packet[(packet[0] & 15) * 4:])


main()
