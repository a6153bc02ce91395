"""One run through the official Python client: connect, list, complete, record, subscribe, hear, read.

Arguments: the way (stdio, stdio-2026, http-2026, sse), and the program or the server's address. Prints what it got.
"""

import json
import os
import sys
from contextlib import AsyncExitStack
from typing import Any

import anyio
from mcp import Client, Implementation, ResourceUpdatedNotification, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.subscriptions import ResourceUpdated
from mcp.types import PromptReference, TextResourceContents

way, target = sys.argv[1:]
is_modern = way.endswith("-2026")
URI = "trace://r1"


def server() -> Any:
    if way.startswith("stdio"):
        return stdio_client(StdioServerParameters(command=target, env=dict(os.environ)))
    return sse_client(f"http://{target}/sse") if way == "sse" else f"http://{target}/mcp"


async def main() -> None:
    tell, told = anyio.create_memory_object_stream[str](16)

    async def handle(message: object) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            await tell.send(message.params.uri)

    client = Client(
        server(),
        mode="2026-07-28" if is_modern else "legacy",
        message_handler=handle,
        client_info=Implementation(name="sdk-test", version="1"),
    )

    async def tool(name: str, **fields: Any) -> None:
        result = await client.call_tool(name, {"trace_id": "r1", **fields})
        assert not result.is_error, result.content

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(client)
        tools = (await client.list_tools()).tools
        await tool("trace_start", project="cobot", query="which arm?")
        reference = PromptReference(type="ref/prompt", name="weekly_calibration")
        completed = await client.complete(reference, {"name": "project", "value": "co"})

        heard: list[str] = []
        stream = None
        if is_modern:
            stream = await stack.enter_async_context(client.listen(resource_subscriptions=[URI]))

        async def hear() -> None:
            if stream:
                event = await anext(stream)
                assert isinstance(event, ResourceUpdated), event
                heard.append(event.uri)
            else:
                heard.append(await told.receive())

        if stream:
            await hear()
        else:
            await client.subscribe_resource(URI)
        await tool("trace_record_decision", stage="plan", decision="arm", what="the left one", why="it is nearer")
        await hear()
        await tool("trace_finish")
        await hear()
        ended = "with the connection"
        if stream:
            async for event in stream:
                heard.append(str(event))
            ended = "graceful"

        [contents] = (await client.read_resource(URI)).contents
        assert isinstance(contents, TextResourceContents), contents
        run = json.loads(contents.text)
        got = {
            "tools": [tool.name for tool in tools],
            "completed": completed.completion.values,
            "heard": sorted(set(heard)),
            "ended": ended,
            "what": run["stages"]["plan"]["decisions"][0]["what"],
            "status": run["run"]["status"],
            "agent": run["run"]["agent"]["name"],
        }
        print(json.dumps(got))


anyio.run(main)
