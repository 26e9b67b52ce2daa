"""What a command may use, as resource limits of the system (setrlimit(2)), which each of its processes inherits."""

from __future__ import annotations

import math
import resource
from dataclasses import dataclass

CPU_OVERTIME = 5  # seconds of processor time between SIGXCPU, which a program may catch, and SIGKILL


@dataclass(frozen=True, slots=True)
class Resources:
    """Bounds for a command; 0 is none.

    `memory` is the address space of one process in bytes, `cpu` the processor time of one process in seconds,
    `file_size` the size of one file it writes in bytes. `processes` is about all processes and threads of the user, those
    of other commands too, and does not bind root.
    """

    memory: int = 0
    cpu: float = 0.0
    processes: int = 0
    file_size: int = 0

    @property
    def limits(self) -> tuple[tuple[int, int, int], ...]:
        """Number of the resource, soft and hard limit, in the order in which they are set; no core dumps in any case."""
        seconds = math.ceil(self.cpu)
        wanted = (
            (resource.RLIMIT_NPROC, self.processes, self.processes),
            (resource.RLIMIT_FSIZE, self.file_size, self.file_size),
            (resource.RLIMIT_CPU, seconds, seconds + CPU_OVERTIME),
            (resource.RLIMIT_AS, self.memory, self.memory),  # the last: what follows needs memory, too
        )
        return ((resource.RLIMIT_CORE, 0, 0), *(limit for limit in wanted if limit[1]))
