"""Puts the values of secrets into a job's params, right before its node runs."""

from __future__ import annotations

from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Failed
from flowrun.domain.secret_marks import filled, marked_names
from flowrun.domain.turn import Job
from flowrun.errors import FlowrunError, NotFoundError
from flowrun.ports import Secrets


class NotRevealedError(FlowrunError):
    """A secret that the node uses cannot be read."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.message)
        self.failed = failed


async def revealed(job: Job, secrets: Secrets) -> tuple[JsonObject, set[str]]:
    """The params with the values of their secrets, and these values.

    Raises `NotRevealedError` with the failure that a missing secret, or one that cannot be decrypted, is.
    """
    if job.secret_token is None:
        return job.params, set()
    values: dict[str, str] = {}
    for name in sorted(marked_names(job.params, job.secret_token)):
        try:
            values[name] = await secrets.value(job.tenant_id, name)
        except NotFoundError:
            message = f"The tenant has no secret {name}: set it with `flowrun secrets set {name}`"
            raise NotRevealedError(Failed("unknown_secret", message, source="engine")) from None
        except FlowrunError as error:
            raise NotRevealedError(Failed("unreadable_secret", str(error), source="engine")) from None
    return filled(job.params, job.secret_token, values), set(values.values())
