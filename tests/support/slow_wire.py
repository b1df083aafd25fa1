"""A wire between network namespaces that delays frames and loses some, for kernels without `tc netem`; started as a program.

`python slow_wire.py DELAY_S LOSS SEED NAMESPACE...` makes a network device `cable` in each namespace. What is sent into one comes
out of all others `DELAY_S` later, but for a share `LOSS`. A line with a number on its input cuts that namespace off.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import heapq
import itertools
import os
import random
import select
import struct
import sys
import time

_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
_MOST_BYTES = 65_536


def cable_end(namespace: str) -> int:
    """Make the device `cable` in a namespace; return what reads and writes its frames."""
    with open(f"/run/netns/{namespace}", "rb") as place:
        if ctypes.CDLL(None, use_errno=True).setns(place.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"{namespace} cannot be entered")
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH", b"cable", _IFF_TAP | _IFF_NO_PI))
    return end


def main(delay_s: float, loss: float, seed: int, namespaces: list[str]) -> None:
    """Carry frames until the input ends."""
    ends = [cable_end(name) for name in namespaces]
    draw, order = random.Random(seed), itertools.count()
    under_way: list[tuple[float, int, int, bytes]] = []
    cut: set[int] = set()
    print("ready", flush=True)
    while True:
        wait_s = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
        readable, _, _ = select.select([sys.stdin, *ends], [], [], wait_s)
        if sys.stdin in readable:
            line = sys.stdin.readline()
            if not line:
                return
            cut.add(ends[int(line)])
        now_s = time.monotonic()
        for end in (end for end in readable if end in ends):
            frame = os.read(end, _MOST_BYTES)
            for other in ends:
                if other != end and not {end, other} & cut and draw.random() >= loss:
                    heapq.heappush(under_way, (now_s + delay_s, next(order), other, frame))
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, end, frame = heapq.heappop(under_way)
            if end not in cut:
                with contextlib.suppress(OSError):  # the device is not up yet
                    os.write(end, frame)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
