"""The small process between the worker and one command, `python -I -S supervisor.py`. Needs the standard library alone.

File descriptors at start: 0 is a stream socket to the worker, 1 and 2 are the pipes the command writes to.
The worker sends `<length>\n<body>`, the body being NUL-separated fields (argv and environment cannot hold a NUL, and a
JSON reader would cost a third of the start): timeout, grace (seconds), cwd, `uid gid groups…` (empty: no change of user),
`resource:soft:hard …`, argc, argv…, `NAME=value`…; later at most one byte, which means cancel. The supervisor answers in
lines: `starting`, then `failed <stage> <errno>` or `started <pid>`, `ended <exit|signal|lost> <number> <timeout|cancel|->
<seconds>`, `done <pids it could not kill>…`. Closing the socket is the worker's death, however it died.

What holds:
- The command leads its own session. Timeout or cancel: SIGTERM to its group, grace, SIGKILL to its group.
- The worker's death is SIGKILL at once, without grace: nobody is left to record how a grace would have ended, and a new
  worker may already be asking what happened, so the shortest overlap is the safest.
- Being the child subreaper, the supervisor inherits every orphan, also from other sessions, so it finds and ends them all.
- Its own death takes the command along (PR_SET_PDEATHSIG; the kernel drops that for set-uid programs). Orphans of
  other sessions are then the worker's to find.
- It ignores SIGTERM and the terminal's signals, which go to whole services: what happens to the command is the worker's word.
"""

import os
import sys

if __name__ == "__main__":
    # The code is imported, not written here, because Python keeps only imported code compiled: 5 ms of a start of 17.
    sys.path.append(os.path.abspath(f"{__file__}/../../.."))  # noqa: PTH100  # pathlib costs 10 ms
    from activities.execution.following import main

    main()
