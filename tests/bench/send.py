# SPDX-License-Identifier: BSD-3-Clause
"""send.py INTERFACE CAPTURE RATE TURNS: sends what bench_flows has captured. Until it is told to
end, or TURNS times; RATE frames a second, or as many as go."""

import mmap
import signal
import socket
import sys
import time

from wire import FRAME, PCAP_HEAD, RECORD_HEAD

TICK = 0.002  # seconds


def frames(data):
    for at in range(PCAP_HEAD + RECORD_HEAD, len(data), RECORD_HEAD + FRAME):
        yield data[at:at + FRAME]


def main():
    interface, capture, rate, turns = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(1))
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.bind((interface, 0))
    with open(capture, "rb") as f:
        data = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
    done = sent = 0
    begun = time.monotonic()
    while not told and (not turns or done < turns):
        for frame in frames(data):
            wire.send(frame)
            sent += 1
            while rate and sent > (time.monotonic() - begun + TICK) * rate and not told:
                time.sleep(TICK)
            if told:
                return
        done += 1


if __name__ == "__main__":
    main()
