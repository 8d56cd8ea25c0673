"""Decides, before anything is stored, which webhooks believe a request: each judges with its own scheme and secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from flowrun.errors import FlowrunError
from flowrun.ports import RouteMatch, Secrets
from flowrun.triggers.verification import SCHEMES, SignedRequest, WebhookRefusedError, meta

NONE = "none"
_NAMED = "{{ secrets."


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which webhooks take a request, and why the others don't."""

    accepted: list[RouteMatch] = field(default_factory=list)
    refused: list[tuple[RouteMatch, str]] = field(default_factory=list)


def needs_proof(matches: Sequence[RouteMatch]) -> bool:
    """Whether some webhook asks who the sender is."""
    return any(match.config.get("auth") != NONE for match in matches)


async def judge(matches: Sequence[RouteMatch], request: SignedRequest, secrets: Secrets) -> Verdict:
    """Let each webhook judge the request. Webhooks with equal `auth` cost one verification together."""
    verdict = Verdict()
    known: dict[bytes, str | None] = {}
    for match in matches:
        auth = match.config.get("auth")
        reason: str | None = None
        if auth != NONE:
            key = orjson.dumps(auth)
            if key not in known:
                known[key] = await _reason(match, request, secrets)
            reason = known[key]
        if reason is None:
            verdict.accepted.append(match)
        else:
            verdict.refused.append((match, reason))
    return verdict


async def answer_subscription(
    matches: Sequence[RouteMatch], query: Mapping[str, Any], secrets: Secrets
) -> tuple[str | None, list[tuple[RouteMatch, str]]]:
    """The challenge that Meta gets back from the first webhook whose token it has, and the refusals before it."""
    refused: list[tuple[RouteMatch, str]] = []
    for match in matches:
        auth = match.config.get("auth")
        if not isinstance(auth, dict) or auth.get("type") != "meta":
            continue
        try:
            return meta.challenge(query, await _verify_tokens(match, auth, secrets)), []
        except WebhookRefusedError as error:
            refused.append((match, str(error)))
    return None, refused


async def _reason(match: RouteMatch, request: SignedRequest, secrets: Secrets) -> str | None:
    """Why a request is refused; None when it is not."""
    auth, proof = match.config.get("auth"), match.proof
    if proof is not None and proof.refusal is not None:
        return proof.refusal
    verify = SCHEMES.get(str(auth.get("type"))) if isinstance(auth, dict) else None
    if verify is None or not isinstance(auth, dict):
        return "the webhook's auth is not known to this version"
    try:
        verify(request, await _secrets(match, auth, secrets), auth)
    except WebhookRefusedError as error:
        return str(error)
    return None


async def _secrets(match: RouteMatch, auth: Mapping[str, Any], secrets: Secrets) -> Sequence[bytes]:
    if match.proof is not None:
        return match.proof.secrets
    return await _values(match.tenant_id, auth.get("secrets") or (), secrets)


async def _verify_tokens(match: RouteMatch, auth: Mapping[str, Any], secrets: Secrets) -> Sequence[bytes]:
    proof = match.proof
    if proof is None:
        return await _values(match.tenant_id, [_secret_name(str(auth.get("verify_token")))], secrets)
    if proof.refusal is not None:
        raise WebhookRefusedError(proof.refusal)
    return proof.verify_tokens


async def _values(tenant_id: str, names: Sequence[str], secrets: Secrets) -> list[bytes]:
    """The secrets that exist; during a rotation one of two may be gone already."""
    found: list[bytes] = []
    problems: list[str] = []
    for name in names:
        try:
            value = (await secrets.value(tenant_id, name)).encode()
        except FlowrunError as error:
            problems.append(str(error))
            continue
        if value:
            found.append(value)
    if not found:
        raise WebhookRefusedError("; ".join(problems) or "the webhook's secret is empty")
    return found


def _secret_name(reference: str) -> str:
    return reference.removeprefix(_NAMED).rstrip(" }")
