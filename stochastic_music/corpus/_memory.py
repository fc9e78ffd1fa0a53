"""How much memory another process holds, asked from outside: for systems without a cap of their own."""

from __future__ import annotations

import subprocess
import sys


def resident_bytes(pid: int) -> int:
    """Physical memory that process `pid` holds, 0 where nobody can tell."""
    try:
        if sys.platform == "linux":
            return _linux(pid)
        return _windows(pid) if sys.platform == "win32" else _posix(pid)
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return 0


def _linux(pid: int) -> int:
    with open(f"/proc/{pid}/status") as file:
        line = next((line for line in file if line.startswith("VmRSS:")), "VmRSS: 0")
    return int(line.split()[1]) * 1024


def _posix(pid: int) -> int:
    shown = subprocess.run(["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, timeout=5, check=True)
    return int(shown.stdout.split()[0]) * 1024


def _windows(pid: int) -> int:
    if sys.platform != "win32":
        return 0
    import ctypes
    from ctypes import wintypes

    class Counters(ctypes.Structure):
        _fields_ = (
            ("cb", wintypes.DWORD),
            ("faults", wintypes.DWORD),
            *((f"size{i}", ctypes.c_size_t) for i in range(8)),
        )

    counters = Counters(cb=ctypes.sizeof(Counters))
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = wintypes.HANDLE
    query_limited_information = 0x1000
    handle = wintypes.HANDLE(kernel.OpenProcess(query_limited_information, False, pid))
    if not handle:
        return 0
    try:
        answered = kernel.K32GetProcessMemoryInfo(handle, ctypes.byref(counters), counters.cb)
    finally:
        kernel.CloseHandle(handle)
    return int(counters.size1) if answered else 0  # peak first, then the working set
