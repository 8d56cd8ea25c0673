"""The `agent` node's parts: params, the model's endpoint, tools, structured output, memory, and a stand-in server."""
