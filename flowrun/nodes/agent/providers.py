"""Where models are: the OpenAI-compatible endpoint of each provider that a model's name may begin with."""

from __future__ import annotations

from dataclasses import dataclass

PROVIDERS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "cerebras": "https://api.cerebras.ai/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "google": "https://generativelanguage.googleapis.com/v1beta/openai",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "together": "https://api.together.xyz/v1",
    "xai": "https://api.x.ai/v1",
}
_WITHOUT_JSON_SCHEMA = frozenset({"deepseek"})
"""These refuse a request whose `response_format` is a schema."""


@dataclass(frozen=True, slots=True)
class Place:
    """A model and where it is."""

    model: str
    url: str
    takes_schema: bool = True
    """Whether `response_format` may be a JSON Schema."""


def place_of(model: str, base_url: str | None) -> Place:
    """Find a model. With a `base_url` its name is left as it is: those of Ollama have colons of their own."""
    if base_url is not None:
        return Place(model, f"{base_url.rstrip('/')}/chat/completions")
    provider, colon, name = model.partition(":")
    if not colon or provider not in PROVIDERS:
        provider, name = "openai", model
    return Place(name, f"{PROVIDERS[provider]}/chat/completions", provider not in _WITHOUT_JSON_SCHEMA)
