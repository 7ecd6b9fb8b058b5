"""A loop that works until told to stop, and pauses when there is nothing to do or after an error."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from pipeline.tables.refusals import is_away
from transforms.errors import DatabaseGone

IDLE_S = 0.5
TROUBLE_S = 5.0

log = structlog.get_logger(__name__)


class Loop:
    """Rounds of work. Several threads may run one loop; `stop` ends them all."""

    def __init__(self, trouble: str, idle_s: float = IDLE_S, trouble_s: float = TROUBLE_S) -> None:
        """`trouble` is the event that is logged when a round raises, for example "polling failed".

        The loop waits `idle_s` seconds after a round that found nothing, and `trouble_s` seconds after one that raised.
        """
        self.trouble, self.idle_s, self.trouble_s = trouble, idle_s, trouble_s
        self._stopping = threading.Event()

    @property
    def stopping(self) -> bool:
        """Whether the loop was told to stop."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """End the loop after the current round."""
        self._stopping.set()

    def run(
        self,
        work: Callable[[], bool],
        is_done: Callable[[], bool] = lambda: False,
        fatal: tuple[type[Exception], ...] = (DatabaseGone,),
    ) -> None:
        """Call `work` until told to stop, or until it finds nothing to do and `is_done` returns true.

        `work` returns whether there was something to do. If it raises, the error is logged and the round retried, as a
        database or a topic may be unavailable for a while; only errors of the classes `fatal` are raised.
        """
        while not self.stopping:
            try:
                if work():
                    continue
                if is_done():
                    return
            except fatal:
                raise
            except Exception as error:
                if is_away(error):
                    # daily business: a server that restarts
                    log.warning(self.trouble, error=str(error).partition("\n")[0])
                else:
                    log.exception(self.trouble)
                self._stopping.wait(self.trouble_s)
            else:
                self._stopping.wait(self.idle_s)
