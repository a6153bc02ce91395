/**
 * One run through the official TypeScript client: connect, list, complete, record, subscribe, hear, read.
 *
 * Arguments: the way (stdio, stdio-2026, http-2026, sse), and the program or the server's address. Prints what it got.
 */
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [way, target] = process.argv.slice(2) as [string, string];
const isModern = way.endsWith("-2026");
const mode = isModern ? { pin: "2026-07-28" } : ("legacy" as const);
const client = new Client({ name: "sdk-test", version: "1" }, { versionNegotiation: { mode } });

const heard: string[] = [];
let tell = () => {};
client.setNotificationHandler("notifications/resources/updated", ({ params }) => {
  heard.push(params.uri);
  tell();
});
/** Waits until there is more than there was. */
async function hear(before: number): Promise<void> {
  while (heard.length <= before) await new Promise<void>((resolve) => (tell = resolve));
}

function transport() {
  const address = (path: string) => new URL(`http://${target}${path}`);
  if (way.startsWith("stdio")) {
    return new StdioClientTransport({ command: target, env: process.env as Record<string, string> });
  }
  return way === "sse" ? new SSEClientTransport(address("/sse")) : new StreamableHTTPClientTransport(address("/mcp"));
}

async function tool(name: string, fields: Record<string, unknown>): Promise<void> {
  const { isError, content } = await client.callTool({ name, arguments: { trace_id: "r1", ...fields } });
  if (isError) throw new Error(JSON.stringify(content));
}

await client.connect(transport());
const { tools } = await client.listTools();
await tool("trace_start", { project: "cobot", query: "which arm?" });
const { completion } = await client.complete({
  ref: { type: "ref/prompt", name: "weekly_calibration" },
  argument: { name: "project", value: "co" },
});

const uri = "trace://r1";
const stream = isModern ? await client.listen({ resourceSubscriptions: [uri] }) : undefined;
if (stream) await hear(0);
else await client.subscribeResource({ uri });
const before = heard.length;
await tool("trace_record_decision", { stage: "plan", decision: "arm", what: "the left one", why: "it is nearer" });
await hear(before);
await tool("trace_finish", {});
await hear(before + 1);
const ended = (await stream?.closed) ?? "with the connection";

const { contents } = await client.readResource({ uri });
const run = JSON.parse((contents[0] as { text: string }).text);
console.log(
  JSON.stringify({
    tools: tools.map(({ name }) => name),
    completed: completion.values,
    heard: [...new Set(heard)],
    ended,
    what: run.stages.plan.decisions[0].what,
    status: run.run.status,
    agent: run.run.agent.name,
  }),
);
await client.close();
