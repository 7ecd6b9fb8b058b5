"""Run work that strangers can influence in a process that the kernel stops when it takes too much.

    this process              template                        child
    Guard.__call__(given) --> (imports and models, once) ---> fork: work(given), within a limit of CPU and memory
                        <-------------------------------------- result, error, or death

A thread cannot interrupt a parser written in C, so what computes on pages and feeds is a process of its own. When one
is killed, the template forks the next one in some milliseconds: it has imported and loaded everything already.
"""

from transforms.guard.guard import Guard, shared_guard
from transforms.guard.limits import Limits

__all__ = ["Guard", "Limits", "shared_guard"]
