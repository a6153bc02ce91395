"""Routes the tickets of a bicycle rental's help desk, and reports why each went where it went.

Reads a ticket a line (JSON) from standard input and writes an assignment a line to standard output; the scorecard
goes to standard error. What is written is the same whether a whytrace server listens or not.
"""

import json
import sys

from whytrace_run import Run

QUEUES = {
    "billing": {"invoice", "charged", "refund", "due"},
    "repairs": {"broken", "wheel", "brake", "chain"},
    "accounts": {"log", "password", "email"},
    "delivery": {"parcel", "late", "arrived"},
}
SPAM = {"win", "free", "click"}


def main() -> None:
    with Run("helpdesk", "route the morning's tickets", agent="helpdesk-example", intent="triage") as run:
        routed: dict[str, float] = {}
        spam: list[dict[str, str]] = []
        sources: dict[str, int] = {}
        with run.stage("routing"):
            for line in sys.stdin:
                ticket = json.loads(line)
                sources[ticket["source"]] = sources.get(ticket["source"], 0) + 1
                queue, confidence = route(run, ticket)
                if queue == "spam":
                    spam.append({"id": ticket["id"], "reason": "advertisement"})
                else:
                    routed[ticket["id"]] = confidence
                print(json.dumps({"ticket": ticket["id"], "queue": queue}), flush=True)
            run.record(
                "evidence",
                stage="routing",
                collected_count=len(routed) + len(spam),
                passed_count=len(routed),
                by_source=sources,
                filtered_out=spam,
            )
        with run.stage("review"):
            unsure = [ticket for ticket, confidence in routed.items() if confidence < 0.6]
            if unsure:
                run.decision(
                    "review",
                    "second_look",
                    what=f"a person looks at {', '.join(unsure)}",
                    why="the words of these tickets speak for more than one queue, or for none",
                    confidence=0.8,
                    alternatives_considered=[
                        {"option": "send them on as they are", "why_not": "a wrong queue costs a day"}
                    ],
                )
            print(json.dumps({"second_look": unsure}), flush=True)
        clear = 3 * (1 - len(unsure) / max(len(routed), 1))
        scorecard = run.finish(
            score=round(clear, 2),
            principle_scores=[
                {"id": "CLEAR", "name": "tickets have one queue", "score": round(clear, 2)},
                {"id": "ALL", "name": "no ticket is lost", "score": 3},
            ],
        )
    print(scorecard or "no scorecard: whytrace did not answer", file=sys.stderr)


def route(run: Run, ticket: dict[str, str]) -> tuple[str, float]:
    """Chooses the queue whose words the ticket uses most."""
    words = set(ticket["text"].lower().replace(",", "").replace("?", "").split())
    if len(words & SPAM) > 1:
        decision = run.decision(
            "routing",
            "queue",
            what="spam",
            why=f"uses {sorted(words & SPAM)}",
            confidence=0.95,
            inputs=ticket,
            evidence_ids=[ticket["id"]],
        )
        run.result(decision, "dropped")
        return "spam", 0.95
    found = {queue: sorted(words & of_queue) for queue, of_queue in QUEUES.items() if words & of_queue}
    total = sum(map(len, found.values()))
    ranked = sorted(found, key=lambda queue: -len(found[queue])) or ["general"]
    queue, others = ranked[0], ranked[1:]
    confidence = round(len(found[queue]) / total, 2) if total else 0.3
    decision = run.decision(
        "routing",
        "queue",
        what=queue,
        why=f"uses {found[queue]}" if total else "no word of any queue",
        confidence=confidence,
        alternatives_considered=[{"option": other, "score": round(len(found[other]) / total, 2)} for other in others],
        inputs=ticket,
        evidence_ids=[ticket["id"]],
    )
    run.result(decision, f"assigned to {queue}")
    return queue, confidence


if __name__ == "__main__":
    main()
