/**
 * Reports a run to whytrace, and never gets in its way. Copy this file into your project.
 *
 * What you record is put on a list that is sent in the background: no call here but `finish` waits for the network, and
 * none throws because of it. While the server is away the list grows; when it is back, all of it goes out in one call.
 * Each event carries an id and its own time, so that sending it twice is harmless and sending it late loses nothing.
 */
import { randomUUID } from "node:crypto";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const BATCH_EVENTS = 200; // a call; the server takes 500 events and 4 MiB
const BATCH_CHARS = 1_000_000;
const KEPT_EVENTS = 20_000; // while the server is away; what comes after them is not recorded
const RETRY_MS = 1_000;

/** Further fields of an event, as trace_record and the tools for its kind name them. */
export type Fields = Record<string, unknown>;

export interface Options {
  url?: string;
  /** Bounds a call to the server, and the end, in milliseconds. */
  patience?: number;
}

/** One run of a pipeline. */
export class Run {
  readonly traceId = `run-${randomUUID()}`;
  scorecard: string | undefined;
  readonly #url: string;
  readonly #patience: number;
  /** As JSON: what the pipeline changes later stays as it was recorded. */
  #unsent: string[] = [];
  #sending: Promise<void> | undefined;
  #ended = false;
  #hurry = () => {};
  readonly #over = new AbortController();
  readonly #warned = new Set<string>();

  /** Opens a run. `more` are other fields of trace_start. */
  constructor(project: string, query: string, more: Fields = {}, options: Options = {}) {
    this.#url = options.url ?? (process.env["WHYTRACE_URL"] || "http://127.0.0.1:7717/mcp");
    this.#patience = options.patience ?? 5_000;
    this.#add("start", { project, query, ...more });
  }

  /** Does the work as one run: finished as failed, and with the error passed on, where it throws. */
  static async trace<T>(project: string, query: string, more: Fields, work: (run: Run) => Promise<T>): Promise<T> {
    const run = new Run(project, query, more);
    try {
      const result = await work(run);
      await run.finish();
      return result;
    } catch (error) {
      await run.finish({ status: "failed", error: String(error) });
      throw error;
    }
  }

  /** Records an event of a kind that trace_record knows, such as "prompt" or "outputs", and gives its id. */
  record(kind: string, fields: Fields = {}): string {
    const id = randomUUID();
    this.#add(kind, { [kind === "decision" ? "decision_id" : "event_id"]: id, ...fields });
    return id;
  }

  /** Records a choice. `more` may hold confidence, alternatives_considered, inputs, evidence_ids, result. */
  decision(stage: string, key: string, what: string, why: string, more: Fields = {}): string {
    return this.record("decision", { stage, decision: key, what, why, ...more });
  }

  /** Records what a decision led to. */
  result(decisionId: string, result: unknown): void {
    this.record("result", { decision_id: decisionId, result });
  }

  /** A stage that lasts as long as the work, and keeps the error that ends it. */
  async stage<T>(stage: string, work: () => Promise<T> | T): Promise<T> {
    this.record("stage_start", { stage });
    try {
      const result = await work();
      this.record("stage_end", { stage });
      return result;
    } catch (error) {
      this.record("stage_end", { stage, error: String(error) });
      throw error;
    }
  }

  /** Ends the run with fields of trace_finish. Gives the scorecard, if the server answers within `patience`. */
  async finish(scores: Fields = {}): Promise<string | undefined> {
    if (!this.#ended) {
      this.#add("finish", scores);
      this.#ended = true;
      this.#hurry();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<string>((resolve) => (timer = setTimeout(resolve, this.#patience, "late")));
      const first = await Promise.race([this.#sending, late]);
      clearTimeout(timer);
      if (first === "late") {
        this.#warn("away", `no answer from ${this.#url} within ${this.#patience} ms`);
        this.#over.abort();
      }
    }
    return this.scorecard;
  }

  #add(kind: string, fields: Fields): void {
    if (this.#ended) return;
    if (this.#unsent.length >= KEPT_EVENTS && kind !== "finish") {
      return this.#warn("full", `${KEPT_EVENTS} events wait for ${this.#url}: later ones are left out`);
    }
    try {
      this.#unsent.push(JSON.stringify({ kind, timestamp: new Date().toISOString(), ...fields }));
    } catch (error) {
      return this.#warn("form", `an event is no JSON and is left out: ${error}`);
    }
    this.#sending ??= this.#send();
  }

  async #send(): Promise<void> {
    await Promise.resolve(); // what is recorded in one go is sent in one go
    let limit = BATCH_EVENTS;
    while (this.#unsent.length > 0 && !this.#over.signal.aborted) {
      const batch = this.#batch(limit);
      const lastTry = this.#ended;
      let refusal: string | undefined;
      try {
        refusal = await this.#call(batch);
      } catch (error) {
        // Whatever it is: it is not the pipeline's.
        this.#warn("away", `no answer from ${this.#url} (${error}); the run goes on, and is recorded later`);
        if (lastTry) break;
        await this.#pause();
        continue;
      }
      if (refusal && batch.length > 1) {
        limit = 1; // a batch is taken whole or not at all: look for the event that is refused
        continue;
      }
      if (refusal) this.#warn("refused", `an event is refused and left out: ${refusal}`);
      limit = BATCH_EVENTS;
      this.#unsent.splice(0, batch.length);
    }
    this.#sending = undefined;
  }

  #batch(limit: number): string[] {
    let chars = 0;
    const over = this.#unsent.findIndex((text, count) => (chars += text.length) > BATCH_CHARS && count > 0);
    return this.#unsent.slice(0, over > 0 ? Math.min(over, limit) : limit);
  }

  /** Sends events, and gives the reason if they are refused for good. */
  async #call(batch: string[]): Promise<string | undefined> {
    const signal = AbortSignal.any([AbortSignal.timeout(this.#patience), this.#over.signal]);
    const transport = new StreamableHTTPClientTransport(new URL(this.#url));
    signal.onabort = () => void transport.close(); // what the client asks while it connects heeds no signal
    const client = new Client({ name: "whytrace-run", version: "1" }, { versionNegotiation: { mode: "auto" } });
    try {
      await client.connect(transport, { signal });
      const events = batch.map((text) => JSON.parse(text) as unknown);
      const call = { name: "trace_record", arguments: { trace_id: this.traceId, events } };
      const answer = await client.callTool(call, { signal });
      const said = (answer.structuredContent ?? {}) as { message?: string; retryable?: boolean; finish?: Outcome };
      if (answer.isError && said.retryable) throw new Error(said.message);
      this.scorecard = said.finish?.scorecard ?? this.scorecard;
      return answer.isError ? (said.message ?? JSON.stringify(answer.content)) : undefined;
    } finally {
      await transport.close();
    }
  }

  /** Waits for the next try, which the end of the run brings forward; a process that is done need not stay for it. */
  #pause(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#hurry = resolve;
      setTimeout(resolve, RETRY_MS).unref();
    });
  }

  #warn(about: string, message: string): void {
    if (!this.#warned.has(about)) console.warn(`whytrace: ${message}`);
    this.#warned.add(about);
  }
}

interface Outcome {
  scorecard?: string;
}
