"""A local Pub/Sub with the topics and subscriptions of a deployment, and access to their messages."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from commands import clean_environment
from emulators.pubsub import PubSubServer, find_missing_tools
from google.api_core.exceptions import DeadlineExceeded
from google.cloud import pubsub_v1

PROJECT = "proj-one"
URLS, LETTERS, EVENTS = (f"projects/{PROJECT}/topics/{name}" for name in ("urls", "letters", "events"))


def subscription_of(topic: str) -> str:
    return topic.replace("/topics/", "/subscriptions/")


class Topics:
    """Clients of one server; the topics `urls`, `letters` and `events` each have a subscription of the same name."""

    def __init__(self, server: PubSubServer) -> None:
        self.environment = server.environment
        self.publisher = pubsub_v1.PublisherClient()
        self.subscriber = pubsub_v1.SubscriberClient()
        for topic in (URLS, LETTERS, EVENTS):
            self.publisher.create_topic(name=topic)
            self.subscriber.create_subscription(name=subscription_of(topic), topic=topic, ack_deadline_seconds=60)

    def publish(self, topic: str, data: bytes, **attributes: str) -> None:
        self.publisher.publish(topic, data, **attributes).result(10)

    def read(self, topic: str, wanted: int, seconds: float = 20) -> list[Any]:
        """Take messages off a topic's subscription until there are as many as wanted or the time is up."""
        messages: list[Any] = []
        deadline = time.monotonic() + seconds
        while len(messages) < wanted and time.monotonic() < deadline:
            try:
                answer = self.subscriber.pull(subscription=subscription_of(topic), max_messages=1000, timeout=1)
            except DeadlineExceeded:
                continue
            if answer.received_messages:
                ids = [received.ack_id for received in answer.received_messages]
                self.subscriber.acknowledge(subscription=subscription_of(topic), ack_ids=ids)
                messages += [received.message for received in answer.received_messages]
        return messages

    def close(self) -> None:
        self.publisher.stop()
        self.publisher.transport.close()
        self.subscriber.close()


@contextmanager
def open_topics(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Topics]:
    """Start a server and create its topics; skips the test if the server cannot be built."""
    if missing := find_missing_tools():
        pytest.skip(f"building the Pub/Sub server of the tests needs {', '.join(missing)}, which is not installed")
    with PubSubServer(directory) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        topics = Topics(server)
        try:
            yield topics
        finally:
            topics.close()


@contextmanager
def running_job(
    directory: Path,
    *arguments: str,
    python: Sequence[str] = (sys.executable,),
    environment: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m pipeline` on DirectRunner in a separate process until the block ends."""
    command = [*python, "-m", "pipeline", "--runner=DirectRunner", "--streaming", *arguments]
    with (directory / "job.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=clean_environment() | (environment or {}))
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def wait_for(done: Callable[[], bool], seconds: float, log: Path, process: subprocess.Popen[bytes]) -> None:
    """Return once `done()` is true; fail with the end of the job's log if it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while not done():
        ended = process.poll()
        if ended is not None or time.monotonic() > deadline:
            pytest.fail(f"not done; exit code of the job: {ended}:\n{log.read_text(errors='replace')[-6000:]}")
        time.sleep(0.2)
