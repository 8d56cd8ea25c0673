"""The model that describes a node type's params, and how its errors are told to a user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import Issue

NOT_GIVEN: Any = None
"""The default of a param that has none, but is one of `exactly_one`: null is no value for it."""
PathKey: TypeAlias = str | int
_Models: TypeAlias = "list[type[ParamsModel]]"


class ParamsModel(BaseModel):
    """The params of a node type, or an object within them.

    Fields are written in snake_case or camelCase; anything else is an error. `exactly_one` names params of
    which exactly one has to be given, `missing` has a sentence for a required param that was left out.
    """

    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )

    exactly_one: ClassVar[tuple[str, ...]] = ()
    missing: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @classmethod
    def names(cls) -> dict[str, str]:
        """Return the name that a user writes for each field: `for_` is written `for`."""
        return {name: name.rstrip("_") for name in cls.model_fields}


def written_schema(model: type[ParamsModel]) -> dict[str, Any]:
    """Return the JSON schema of a model, and of the objects within it, by the names that a user writes."""
    schema = model.model_json_schema(by_alias=False)
    for part in (schema, *schema.get("$defs", {}).values()):
        if "properties" in part:
            part["properties"] = {name.rstrip("_"): field for name, field in part["properties"].items()}
            part["required"] = [name.rstrip("_") for name in part.get("required", ())]
    return schema


def validation_issues(model: type[ParamsModel], raw: JsonObject, error: ValidationError) -> list[tuple[Issue, Any]]:
    """Return every error of a failed validation as an issue, with the value that was at fault.

    The value is None for a param that is missing or unknown: no value would have made it right.
    """
    found: list[tuple[Issue, Any]] = []
    for detail in error.errors(include_url=False):
        path, owners = _locate(model, raw, detail)
        if detail["type"] == "missing":
            name = str(path[-1])
            found.append((Issue(format_path(path), model.missing.get(name, "is required")), None))
        elif detail["type"] == "extra_forbidden":
            known = [name for owner in owners for name in owner.names().values()]
            hint = closest(str(path[-1]), known)
            found.append((Issue(format_path(path), _unknown(known), hint), None))
        else:
            issue = Issue(format_path(path), message_of(detail), _literal_hint(detail))
            found.append((issue, detail["input"]))
    return found


def exclusive_issues(model: type[ParamsModel], raw: Mapping[str, JsonValue]) -> list[Issue]:
    """Return what is wrong with the choice between the params of `exactly_one`."""
    given = [name for name in model.exactly_one if name in raw or to_camel(name) in raw]
    if not model.exactly_one or len(given) == 1:
        return []
    names = " or ".join(f"`{name}`" for name in model.exactly_one)
    if given:
        return [Issue(given[-1], f"give either {names}, not both")]
    return [Issue(model.exactly_one[0], f"is required: give {names}")]


def format_path(path: Sequence[PathKey]) -> str:
    """Write a path as users read it: `conditions[1].id`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f".{key}" if text else key
    return text


def closest(word: str, known: Sequence[str]) -> str | None:
    """Return the known word that was probably meant."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    matches = difflib.get_close_matches(word.casefold(), [name.casefold() for name in known], n=1, cutoff=0.6)
    if not matches:
        return None
    return next(name for name in known if name.casefold() == matches[0])


def _unknown(known: Sequence[str]) -> str:
    if not known:
        return "is not a param: this takes none"
    return f"is not a param; there are {', '.join(known)}" if len(known) <= 6 else "is not a param"


def _locate(model: type[ParamsModel], raw: object, detail: ErrorDetails) -> tuple[list[PathKey], _Models]:
    """Return the error's place in what was written, and the models that its last key may belong to.

    pydantic puts the tags of unions and the kinds of types into its paths; they are left out.
    """
    path: list[PathKey] = []
    here: object = raw
    owners: _Models = [model]
    *front, last = detail["loc"] or ("",)
    for key in front:
        owners = _descend(owners, key)
        written = _written_key(here, key)
        if written is not None:
            path.append(written)
            here = here[written]  # type: ignore[index]
    written = _written_key(here, last)
    if written is not None:
        path.append(written)
    elif detail["type"] == "missing" and isinstance(last, str):
        path.append(_plain_name(owners, last.rstrip("_")))
    return path, owners


def _plain_name(owners: _Models, alias: str) -> str:
    """The name of a param as it is documented: pydantic names a missing one by its camelCase form."""
    names = (name for owner in owners for name in owner.names().values())
    return next((name for name in names if to_camel(name) == alias), alias)


def _written_key(here: object, key: PathKey) -> PathKey | None:
    if isinstance(here, dict):
        names = (key, str(key).rstrip("_"), to_camel(str(key).rstrip("_")))
        return next((name for name in names if name in here), None)
    if isinstance(here, list) and isinstance(key, int) and key < len(here):
        return key
    return None


def _descend(owners: _Models, key: PathKey) -> _Models:
    """Return the models within the field `key`, or the members of a union that have the tag `key`."""
    for owner in owners:
        field = owner.model_fields.get(str(key))
        if field is not None:
            return nested_models(field.annotation) or owners
    return [owner for owner in owners if key in _tags(owner)] or owners


def _tags(model: type[ParamsModel]) -> tuple[object, ...]:
    field = model.model_fields.get("type")
    return getattr(field.annotation, "__args__", ()) if field is not None else ()


def nested_models(annotation: object) -> list[type[ParamsModel]]:
    """Return every params model that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, ParamsModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in nested_models(part)]


def message_of(detail: ErrorDetails) -> str:
    """Say a pydantic error in the words of someone who never heard of pydantic."""
    context = detail.get("ctx", {})
    kind = detail["type"]
    if kind == "value_error":
        return str(context["error"])
    maker = _MESSAGES.get(kind)
    return maker(context) if maker is not None else _decapitalised(detail["msg"])


def _literal_hint(detail: ErrorDetails) -> str | None:
    given = detail["input"]
    if detail["type"] != "literal_error" or not isinstance(given, str):
        return None
    return closest(given, [part.strip("'") for part in _choices(detail["ctx"])])


def _choices(context: Mapping[str, Any]) -> list[str]:
    text = str(context["expected"]).replace(" or ", ", ")
    return [part.strip() for part in text.split(",")]


def _decapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]


def _says(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda _context: text


def _at_least(count: int, things: str) -> str:
    return "must not be empty" if count == 1 else f"must have {count} {things} or more"


_MESSAGES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    **dict.fromkeys(("string_type", "string_sub_type"), _says("must be a text")),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _says("must be a whole number")),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), _says("must be a number")),
    **dict.fromkeys(("bool_type", "bool_parsing"), _says("must be true or false")),
    "list_type": _says("must be a list"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), _says("must be an object")),
    "literal_error": lambda context: f"must be one of {', '.join(_choices(context))}",
    "greater_than": lambda context: f"must be greater than {context['gt']:g}",
    "greater_than_equal": lambda context: f"must be at least {context['ge']:g}",
    "less_than": lambda context: f"must be less than {context['lt']:g}",
    "less_than_equal": lambda context: f"must be at most {context['le']:g}",
    "string_too_short": lambda context: _at_least(context["min_length"], "characters"),
    "string_too_long": lambda context: f"must have {context['max_length']} characters or fewer",
    "too_short": lambda context: _at_least(context["min_length"], "entries"),
    "too_long": lambda context: f"must have {context['max_length']} entries or fewer",
    "union_tag_not_found": lambda context: f"needs a {context['discriminator']}",
    "union_tag_invalid": lambda context: f"{context['discriminator']} must be one of {context['expected_tags']}",
}
