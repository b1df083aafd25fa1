"""System calls that an agent has no use for, refused by a filter of the kernel (seccomp): they reach others past all files.

Landlock keeps a process to its files and ports. Memory and messages of System V and POSIX queues have no path, and a process may
set priority and processors of any other of its user. The filter needs no privileges, holds for all that the process starts,
and cannot be taken back. Sources: ``seccomp(2)``, ``linux/filter.h``, ``linux/audit.h``; docs/decisions/0022.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from typing import NamedTuple


class _Machine(NamedTuple):
    """Numbers of one processor architecture: as seccomp names it, the system call itself, and those that are refused."""

    architecture: int
    seccomp: int
    refused: tuple[int, ...]
    of_others: tuple[int, ...]
    """Refused where their first argument is another process: neither 0, which is the caller, nor this one.

    ``sched_setscheduler`` is not among them: ZeroMQ calls it for its threads, whose numbers a filter cannot know."""
    priority: int
    """``setpriority``: the process is its second argument, the first must say that it is one."""


_MACHINES = {
    "x86_64": _Machine(
        0xC000003E,
        317,
        # shmget shmat shmctl semget semop semctl shmdt msgget msgsnd msgrcv msgctl semtimedop, mq_open to mq_getsetattr,
        # process_vm_readv and _writev, ptrace, pidfd_getfd, ioprio_set
        (29, 30, 31, 64, 65, 66, 67, 68, 69, 70, 71, 220, *range(240, 246), 310, 311, 101, 438, 251),
        # sched_setaffinity, sched_setattr, prlimit64
        (203, 314, 302),
        141,
    ),
    "aarch64": _Machine(
        0xC00000B7,
        277,
        # mq_open to mq_getsetattr, msgget to msgsnd, semget to semop, shmget to shmdt,
        # process_vm_readv and _writev, ptrace, pidfd_getfd, ioprio_set
        (*range(180, 186), *range(186, 190), *range(190, 194), *range(194, 198), 270, 271, 117, 438, 30),
        # sched_setaffinity, sched_setattr, prlimit64
        (122, 274, 261),
        140,
    ),
}
_CAPABILITIES_V3 = 0x20080522
_WATCHING = (19, 21, 38)
"""CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON."""
_SET_FILTER, _NO_SLOWDOWN = 1, 1 << 2
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_AT, _SECOND_AT = 0, 4, 16, 24
_X32 = 0x40000000
"""Bit of a number that calls the same function in another table of the kernel."""


def refuse_system_calls() -> str:
    """Refuse them to the calling thread and all that it starts, with ``EPERM``; return in words why it cannot be had, or nothing.

    To be called behind `federates.isolation.landlock.restrict`, which gives up new privileges.
    """
    machine = _MACHINES.get(platform.machine()) if sys.platform.startswith("linux") else None
    if machine is None:
        return f"no table of system calls for {platform.machine()}"
    code = _programme(machine, os.getpid())
    buffer = ctypes.create_string_buffer(code)

    class Programme(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    programme = Programme(len(code) // 8, ctypes.addressof(buffer))
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    flags = (ctypes.c_ulong(_SET_FILTER), ctypes.c_ulong(_NO_SLOWDOWN))
    if int(call(ctypes.c_long(machine.seccomp), *flags, ctypes.byref(programme))) != 0:
        return os.strerror(ctypes.get_errno())
    return ""


def give_up_capabilities() -> None:
    """Give up what lets root read other processes in spite of Landlock; a process without privileges has none of it.

    Raises
    ------
    OSError : the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    words = (ctypes.c_uint32 * 6)()  # twice (for 64 bits): effective, permitted, inheritable
    if libc.capget(header, words) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    for bit in _WATCHING:
        for kind in range(3):
            words[3 * (bit // 32) + kind] &= ~(1 << bit % 32) & 0xFFFFFFFF
    if libc.capset(header, words) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _programme(machine: _Machine, own: int) -> bytes:
    """Return the filter, instructions of 8 bytes: code, how far to jump if true, if false, and a value."""
    lines = [(_LOAD, 0, 0, _ARCHITECTURE_AT), (_EQUAL, 1, 0, machine.architecture), (_RETURN, 0, 0, _REFUSE)]
    lines += [(_LOAD, 0, 0, _NUMBER_AT), (_ANY_BIT, 0, 1, _X32), (_RETURN, 0, 0, _REFUSE)]
    for number in machine.refused:
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    for number in machine.of_others:
        lines += [(_EQUAL, 0, 5, number), (_LOAD, 0, 0, _FIRST_AT), *_self_only(own)]
    lines += [(_EQUAL, 0, 8, machine.priority), (_LOAD, 0, 0, _FIRST_AT), (_EQUAL, 1, 0, 0), (_RETURN, 0, 0, _REFUSE)]
    lines += [(_LOAD, 0, 0, _SECOND_AT), *_self_only(own), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def _self_only(own: int) -> list[tuple[int, int, int, int]]:
    """Return the end of a branch: allowed for the process itself, else refused."""
    return [(_EQUAL, 1, 0, 0), (_EQUAL, 0, 1, own), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
