"""Landlock, Linux's sandbox for processes without privileges, by its three system calls.

A ruleset names the kinds of access that it governs; what no rule allows is refused, for the calling thread, its later threads and
its children, and cannot be taken back. Sources: ``landlock(7)``, ``linux/landlock.h``. Why no package: docs/decisions/0011.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

NETWORK_ABI = 4
"""First version that governs TCP ports (Linux 6.7)."""
_SCOPE_ABI = 6

# System calls have had the same numbers on every architecture since Linux 5.1 (but for Alpha, which adds 110).
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH, _NET_PORT = 1, 2
_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_MAKE_SOCK, _MAKE_FIFO, _MAKE_SYM = 1 << 9, 1 << 10, 1 << 12
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_ALL_V1 = (1 << 13) - 1
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_MAKE = _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SOCK | _MAKE_FIFO | _MAKE_SYM | _REFER
_WRITE = _READ_FILE | _READ_DIR | _WRITE_FILE | _TRUNCATE | _MAKE
_BIND_TCP, _CONNECT_TCP = 1, 2
_ABSTRACT_SOCKET, _SIGNAL = 1, 2


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


class _NetPort(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def landlock_abi() -> int:
    """Return the version of Landlock that this kernel offers; 0 where there is none, or it is switched off."""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except OSError:
        return 0


def restrict(readable: Iterable[Path], writable: Iterable[Path], ports: Iterable[int] | None) -> None:
    """Restrict the calling thread, for good.

    Parameters
    ----------
    readable : files and folders that may be read and executed, with all that lies in them; those that do not exist are left out.
    writable : files and folders that may be read, written, made and removed.
    ports : the only TCP ports that may be connected to and bound, or None for no limit; has no effect below `NETWORK_ABI`.

    Raises
    ------
    OSError : the kernel refuses.
    """
    abi = landlock_abi()
    governed = _ALL_V1 | (_REFER if abi >= 2 else 0) | (_TRUNCATE if abi >= 3 else 0)
    with_network = ports is not None and abi >= NETWORK_ABI
    rules = _Ruleset(governed, _BIND_TCP | _CONNECT_TCP if with_network else 0)
    # Signals to processes outside, and their sockets that have a name but no file.
    rules.scoped = _ABSTRACT_SOCKET | _SIGNAL if abi >= _SCOPE_ABI else 0
    size = 8 if abi < NETWORK_ABI else 16 if abi < _SCOPE_ABI else 24
    ruleset = _call(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for access, paths in ((_READ, readable), (_WRITE, writable)):
            for path in paths:
                _allow_path(ruleset, path, access & governed)
        for port in ports if ports is not None and with_network else ():
            rule = _NetPort(_BIND_TCP | _CONNECT_TCP, port)
            _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_NET_PORT), ctypes.byref(rule), ctypes.c_uint32(0))
        _no_new_privileges()
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow_path(ruleset: int, path: Path, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # what cannot be reached needs no rule
    try:
        if not path.is_dir():
            access &= _ON_FILES
        rule = _PathBeneath(access, place)
        _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(place)


def _no_new_privileges() -> None:
    """Let no program that this process starts have more rights, as Landlock demands of whoever is not root."""
    one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)
    if ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVS, one, none, none, none) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _call(number: int, *arguments: object) -> int:
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long
    result = int(syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
