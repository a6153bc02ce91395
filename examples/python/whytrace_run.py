"""Reports a run to whytrace, and never gets in its way. Copy this file into your project.

What you record is put on a list, and a thread of its own sends the list: no call here waits for the network or raises
because of it. While the server is away the list grows; when it is back, all of it goes out in one call. Each event
carries an id and its own time, so that sending it twice is harmless and sending it late loses nothing.
"""

import asyncio
import json
import logging
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from mcp import Client

BATCH_EVENTS = 200  # a call; the server takes 500 events and 4 MiB
BATCH_CHARS = 1_000_000
KEPT_EVENTS = 20_000  # while the server is away; what comes after them is not recorded
RETRY_SECONDS = 1.0

log = logging.getLogger("whytrace")


class Run:
    """One run of a pipeline. As a `with` block it is finished as failed where an exception leaves the block."""

    def __init__(self, project: str, query: str, *, url: str = "", patience: float = 5.0, **more: Any) -> None:
        """Opens a run. `more` are other fields of trace_start; `patience` bounds a call and the end, in seconds."""
        self.trace_id = f"run-{uuid.uuid4()}"
        self.scorecard: str | None = None
        self._url = url or os.environ.get("WHYTRACE_URL") or "http://127.0.0.1:7717/mcp"
        self._patience = patience
        self._unsent: list[str] = []  # as JSON: what the pipeline changes later stays as it was recorded
        self._changed = threading.Condition()
        self._ended = False
        self._warned: set[str] = set()
        self._add("start", project=project, query=query, **more)
        self._sender = threading.Thread(target=self._send, name="whytrace", daemon=True)
        self._sender.start()

    def record(self, kind: str, **fields: Any) -> str:
        """Records an event of a kind that trace_record knows, such as "prompt" or "outputs", and gives its id."""
        event_id = str(uuid.uuid4())
        self._add(kind, **{"decision_id" if kind == "decision" else "event_id": event_id}, **fields)
        return event_id

    def decision(self, stage: str, key: str, what: str, why: str, **more: Any) -> str:
        """Records a choice. `more` may hold confidence, alternatives_considered, inputs, evidence_ids, result."""
        return self.record("decision", stage=stage, decision=key, what=what, why=why, **more)

    def result(self, decision_id: str, result: Any) -> None:
        """Records what a decision led to."""
        self._add("result", event_id=str(uuid.uuid4()), decision_id=decision_id, result=result)

    @contextmanager
    def stage(self, stage: str) -> Iterator[None]:
        """A stage that lasts as long as the block, and keeps the error that leaves it."""
        self.record("stage_start", stage=stage)
        try:
            yield
        except BaseException as error:
            self.record("stage_end", stage=stage, error=repr(error))
            raise
        self.record("stage_end", stage=stage)

    def finish(self, **scores: Any) -> str | None:
        """Ends the run with fields of trace_finish. Gives the scorecard, if the server answers within `patience`."""
        if not self._ended:
            self._add("finish", **scores)
            with self._changed:
                self._ended = True
                self._changed.notify()
            self._sender.join(self._patience)
            if self._sender.is_alive():
                self._warn("away", f"no answer from {self._url} within {self._patience} s")
        return self.scorecard

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self.finish()
        else:
            self.finish(status="failed", error=repr(error))

    def _add(self, kind: str, **fields: Any) -> None:
        try:
            event = {"kind": kind, "timestamp": datetime.now(UTC).isoformat(), **fields}
            text = json.dumps(event, default=str, allow_nan=False)
        except (TypeError, ValueError) as error:
            return self._warn("form", f"an event is no JSON and is left out: {error}")
        with self._changed:
            if len(self._unsent) >= KEPT_EVENTS and kind != "finish":
                return self._warn("full", f"{KEPT_EVENTS} events wait for {self._url}: later ones are left out")
            if not self._ended:
                self._unsent.append(text)
                self._changed.notify()

    def _send(self) -> None:
        limit = BATCH_EVENTS
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._unsent or self._ended)
                batch, last_try = self._batch(limit), self._ended
            if not batch:
                return
            try:
                refusal = asyncio.run(asyncio.wait_for(self._call(batch), self._patience))
            except Exception as error:  # whatever it is: it is not the pipeline's
                reason = repr(_first(error))
                self._warn("away", f"no answer from {self._url} ({reason}); the run goes on, and is recorded later")
                if last_try:
                    return
                with self._changed:
                    self._changed.wait_for(lambda: self._ended, RETRY_SECONDS)
                continue
            if refusal and len(batch) > 1:  # it is taken whole or not at all: look for the event that is refused
                limit = 1
                continue
            if refusal:
                self._warn("refused", f"an event is refused and left out: {refusal}")
            limit = BATCH_EVENTS
            with self._changed:
                del self._unsent[: len(batch)]

    def _batch(self, limit: int) -> list[str]:
        chars = 0
        for count, text in enumerate(self._unsent[:limit]):
            chars += len(text)
            if count > 0 and chars > BATCH_CHARS:
                return self._unsent[:count]
        return self._unsent[:limit]

    async def _call(self, batch: list[str]) -> str | None:
        """Sends events, and gives the reason if they are refused for good."""
        events = [json.loads(text) for text in batch]
        async with Client(self._url) as client:
            answer = await client.call_tool("trace_record", {"trace_id": self.trace_id, "events": events})
        said: dict[str, Any] = answer.structured_content or {}
        if answer.is_error and said.get("retryable"):
            raise ConnectionError(said.get("message"))
        if "finish" in said:
            self.scorecard = said["finish"].get("scorecard")
        return str(said.get("message") or answer.content) if answer.is_error else None

    def _warn(self, about: str, message: str) -> None:
        if about not in self._warned:
            self._warned.add(about)
            log.warning("whytrace: %s", message)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
