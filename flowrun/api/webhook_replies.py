"""What the sender of a webhook is answered."""

from __future__ import annotations

from starlette.responses import Response

from flowrun.api.problems import problem
from flowrun.api.replies import JsonReply, execution_url
from flowrun.api.sent_response import sent_response
from flowrun.commands.receive_webhook import Deliveries, execution_ids
from flowrun.domain.states import ExecutionStatus
from flowrun.ports import Ending


def accepted(tenant_id: str, deliveries: Deliveries) -> Response:
    """202 with what was started; 200 when every webhook's filter let the request pass by."""
    ids = execution_ids(deliveries.all)
    document = {
        "execution_ids": ids,
        "executions": [
            {
                "execution_id": delivery.execution_id,
                "status_url": execution_url(tenant_id, delivery.execution_id),
                "outcome": delivery.outcome.value,
            }
            for delivery in deliveries.all
            if delivery.execution_id is not None
        ],
    }
    return JsonReply(document, 202 if ids else 200)


def answered(ending: Ending) -> Response:
    """What the response node sent; 500 when the execution ended without."""
    if ending.response is not None:
        return sent_response(ending.response)
    if ending.status in {ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.CANCELLED}:
        return _failed(ending)
    return problem(
        "no-response", 500, "The workflow ended without sending a response.", execution_id=ending.execution_id
    )


def ended(ending: Ending) -> Response:
    """The execution's output; 500 when it failed."""
    if ending.status is ExecutionStatus.COMPLETED:
        return JsonReply(ending.output)
    return _failed(ending)


def _failed(ending: Ending) -> Response:
    """What went wrong is for the workflow's owner: the caller gets the id to ask with."""
    words = ending.status.value.replace("_", " ")
    return problem("execution-failed", 500, f"The execution ended as {words}.", execution_id=ending.execution_id)
