"""Logs: events with fields, as JSON lines on stderr for machines and as readable lines for people.

    {"timestamp":"2026-03-01T09:30:00.123456Z","level":"info","event":"batch","links":64,"logger":"pipeline.jobs.work"}

configure  where the events of this process go
streams    the standard streams, which text from outside cannot pass as it is
terminal   makes JSON lines readable, and text from outside safe to show on a terminal
"""

from pipeline.logs.configure import (
    LogForm,
    configure_logs,
    configure_worker_logs,
    logs_in_use,
    redirected_logs,
)
from pipeline.logs.terminal import one_line, printable, readable_line

__all__ = [
    "LogForm",
    "configure_logs",
    "configure_worker_logs",
    "logs_in_use",
    "one_line",
    "printable",
    "readable_line",
    "redirected_logs",
]
