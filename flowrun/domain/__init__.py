"""The pure core: what a workflow means. No clock, no random numbers, no input or output."""
