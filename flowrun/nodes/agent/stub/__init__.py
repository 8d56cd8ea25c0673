"""A stand-in for an OpenAI-compatible endpoint, with scripted answers; for tests and `flowrun dev llm-stub`."""
