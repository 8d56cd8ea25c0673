"""The node types: what a node's params are, and what the node does."""
