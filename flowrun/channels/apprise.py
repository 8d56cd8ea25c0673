"""Any of the hundred services that the library Apprise knows, by its URL."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import Field, ValidationError

from flowrun.channels.base import ChannelType, Delivery, UnsendableError
from flowrun.channels.calls import sent
from flowrun.channels.fields import Secret
from flowrun.channels.messages import text_or_object
from flowrun.channels.notify import NOT_INSTALLED, Notice, Told, tell
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Failed, Outcome
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.params import ParamsModel, validation_issues

_LONGEST = 32_000
_STATUS = re.compile(r"\berror[=:] ?(\d{3})\b")
_SEPARATORS = re.compile(r"[/?&=@:,]+")
_SHORTEST_SECRET = 8
"""Characters of a part of the URL that is taken for a secret; hosts and options are shorter, or have dots."""

AppriseUrl = Annotated[Secret, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{1,19}://\S+$")]


class AppriseCredentials(ParamsModel):
    """What an Apprise channel needs."""

    url: AppriseUrl = Field(description="The service's Apprise URL, such as `ntfy://topic` or `discord://id/token`.")


class Announcement(ParamsModel):
    """What `message` may have."""

    text: Annotated[str, Field(min_length=1, max_length=_LONGEST)]
    title: Annotated[str, Field(max_length=250)] = ""
    type: Literal["info", "success", "warning", "failure"] = "info"
    format: Literal["text", "markdown", "html"] = "text"


class Apprise(ChannelType):
    """Notifies any of the services that Apprise knows: Discord, Microsoft Teams, ntfy, Pushover, Matrix and many more.

    The URL says which, and who is told, so that `to` is of no use. `message` is a text, or an object with `text`,
    `title`, `type` (`info`, `success`, `warning`, `failure`) and `format` (`text`, `markdown`, `html`):
    `{"title": "Orders", "text": "A-17 failed", "type": "failure"}`. Services cut long texts each in its own way.

    The output has no `message_id`: Apprise only says whether it worked. It reaches public addresses and those of
    `FLOWRUN_HTTP_ALLOW`; URLs that name files, or a service of this machine, fail.

    It needs the library: `pip install 'flowrun[notify]'`. Where to get it: github.com/caronc/apprise/wiki has the URL
    of every service.
    """

    name = "apprise"
    Credentials = AppriseCredentials
    example = MappingProxyType({"url": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"})
    example_message = MappingProxyType({"title": "Orders", "text": "A-17 failed", "type": "failure"})

    def secrets_of(self, credentials: Any) -> set[str]:  # noqa: ANN401 - a mapping of what was checked
        """The URL and its parts: services say some of them in their errors."""
        url = str(credentials["url"])
        place = url.partition("://")[2]
        host = place.rpartition("@")[2].partition("/")[0].partition("?")[0]
        parts = {part for part in _SEPARATORS.split(place) if len(part) >= _SHORTEST_SECRET}
        shown = {part for part in parts if part in host and "." in part}
        return {url} | (parts - shown) | {unquote(part) for part in parts - shown}

    async def send(self, delivery: Delivery, http: HttpClient) -> Outcome:
        """Notify the service. Raises `UnsendableError`."""
        said, url = _announcement(delivery), delivery.credentials["url"]

        def make(asset: Any) -> Any:  # noqa: ANN401 - the library's own
            import apprise  # noqa: PLC0415 - an extra

            return apprise.Apprise.instantiate(url, asset=asset)

        told = await tell(make, Notice(said.text, said.title, said.type, said.format), http.allow)
        if told is None:
            return NOT_INSTALLED
        return sent(None, None) if told.done else _refused(told)


def _announcement(delivery: Delivery) -> Announcement:
    message = text_or_object(delivery, _LONGEST)
    raw: JsonObject = {"text": message} if isinstance(message, str) else message
    try:
        return Announcement.model_validate(raw)
    except ValidationError as error:
        issues = [str(issue) for issue, _ in validation_issues(Announcement, raw, error)]
        raise UnsendableError(f"`message` is no notification: {'; '.join(issues)}") from None


def _refused(told: Told) -> Failed:
    if told.refused is not None:
        return told.refused.outcome()
    details: JsonObject = {"log": list(told.shown)}
    if not told.made:
        return Failed("invalid_credentials", "Apprise can't make a service of the channel's URL", details=details)
    said = told.shown[0] if told.lines else "no reason given"
    message, log = f"The service didn't take the message: {said}", "\n".join(told.lines)
    if status := _STATUS.search(log):
        code = int(status[1])
        kind = "rate_limited" if code == 429 else "provider_unavailable" if code >= 500 else "message_rejected"
        kind = "channel_unauthorized" if code in {401, 403} else kind
        return Failed(kind, message, retryable=code == 429 or code >= 500, details={"status": code, **details})
    lost = "connection error" in log.lower()
    return Failed("connection_error" if lost else "message_rejected", message, retryable=lost, details=details)
