/**
 * Routes the tickets of a bicycle rental's help desk, and reports why each went where it went.
 *
 * Reads a ticket a line (JSON) from standard input and writes an assignment a line to standard output; the scorecard
 * goes to standard error. What is written is the same whether a whytrace server listens or not.
 */
import { createInterface } from "node:readline";

import { Run } from "./whytrace-run.ts";

interface Ticket {
  id: string;
  source: string;
  text: string;
}

const QUEUES: Record<string, string[]> = {
  billing: ["invoice", "charged", "refund", "due"],
  repairs: ["broken", "wheel", "brake", "chain"],
  accounts: ["log", "password", "email"],
  delivery: ["parcel", "late", "arrived"],
};
const SPAM = ["win", "free", "click"];

await Run.trace("helpdesk", "route the morning's tickets", { agent: "helpdesk-example", intent: "triage" }, main);

async function main(run: Run): Promise<void> {
  const routed = new Map<string, number>();
  const spam: { id: string; reason: string }[] = [];
  const sources: Record<string, number> = {};

  await run.stage("routing", async () => {
    for await (const line of createInterface({ input: process.stdin })) {
      const ticket = JSON.parse(line) as Ticket;
      sources[ticket.source] = (sources[ticket.source] ?? 0) + 1;
      const { queue, confidence } = route(run, ticket);
      if (queue === "spam") spam.push({ id: ticket.id, reason: "advertisement" });
      else routed.set(ticket.id, confidence);
      console.log(JSON.stringify({ ticket: ticket.id, queue }));
    }
    run.record("evidence", {
      stage: "routing",
      collected_count: routed.size + spam.length,
      passed_count: routed.size,
      by_source: sources,
      filtered_out: spam,
    });
  });

  const unsure = [...routed].filter(([, confidence]) => confidence < 0.6).map(([id]) => id);
  await run.stage("review", () => {
    if (unsure.length > 0) {
      const what = `a person looks at ${unsure.join(", ")}`;
      const why = "the words of these tickets speak for more than one queue, or for none";
      const otherwise = { option: "send them on as they are", why_not: "a wrong queue costs a day" };
      run.decision("review", "second_look", what, why, { confidence: 0.8, alternatives_considered: [otherwise] });
    }
    console.log(JSON.stringify({ second_look: unsure }));
  });

  const clear = round(3 * (1 - unsure.length / Math.max(routed.size, 1)));
  const scorecard = await run.finish({
    score: clear,
    principle_scores: [
      { id: "CLEAR", name: "tickets have one queue", score: clear },
      { id: "ALL", name: "no ticket is lost", score: 3 },
    ],
  });
  console.error(scorecard ?? "no scorecard: whytrace did not answer");
}

/** Chooses the queue whose words the ticket uses most. */
function route(run: Run, ticket: Ticket): { queue: string; confidence: number } {
  const words = new Set(ticket.text.toLowerCase().replaceAll(/[,?]/g, "").split(" "));
  const about = { inputs: ticket, evidence_ids: [ticket.id] };

  const advertising = SPAM.filter((word) => words.has(word));
  if (advertising.length > 1) {
    const why = `uses ${advertising.join(", ")}`;
    const decision = run.decision("routing", "queue", "spam", why, { confidence: 0.95, ...about });
    run.result(decision, "dropped");
    return { queue: "spam", confidence: 0.95 };
  }

  const ranked = Object.entries(QUEUES)
    .map(([queue, known]) => ({ queue, found: known.filter((word) => words.has(word)) }))
    .filter(({ found }) => found.length > 0)
    .sort((one, other) => other.found.length - one.found.length);
  const total = ranked.reduce((sum, { found }) => sum + found.length, 0);
  const [best, ...others] = ranked;
  const queue = best?.queue ?? "general";
  const why = best ? `uses ${best.found.join(", ")}` : "no word of any queue";
  const confidence = best ? round(best.found.length / total) : 0.3;
  const alternatives = others.map(({ queue, found }) => ({ option: queue, score: round(found.length / total) }));
  const decision = run.decision("routing", "queue", queue, why, {
    confidence,
    alternatives_considered: alternatives,
    ...about,
  });
  run.result(decision, `assigned to ${queue}`);
  return { queue, confidence };
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}
