"""What all plug-ins with settings share: a block of the scenario that knows its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, get_args

from pydantic import ValidationError, WrapValidator
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from ecosystem.errors import did_you_mean, shorten
from ecosystem.plugins import registry
from ecosystem.scenario.fields.common import Block

UNKNOWN, UNKNOWN_KEY = "unknown_member", "unknown_setting"
"""Types of the errors of a name that nobody has, and of a key that a plug-in has not."""

_KNOWN: list[type[Plugin]] = []
"""Classes that the engine was given, so that it finds again what a scenario means; two may have one name."""


class Plugin(Block):
    """A member of a kind: its fields are its settings.

    A class is named where it is defined: ``class Lenient(Curator, name="lenient")``.
    """

    kind_of_plugin: ClassVar[str] = ""
    """The kind, a key of `ecosystem.plugins.registry.GROUPS`."""
    named_by: ClassVar[str] = "method"
    """The field that holds the name."""
    built_in: ClassVar[frozenset[str]] = frozenset()
    """The names of the kind's members that come along."""
    not_its_own: ClassVar[frozenset[str]] = frozenset()
    """Fields that the engine sees to."""
    plugin_name: ClassVar[str] = ""
    """Its name in a scenario."""

    def __init_subclass__(cls, name: str = "", **settings: Any) -> None:
        super().__init_subclass__(**settings)

    @classmethod
    def __pydantic_init_subclass__(cls, name: str = "", **settings: Any) -> None:
        super().__pydantic_init_subclass__(**settings)
        cls.plugin_name = name

    @classmethod
    def lacking(cls) -> list[str]:
        """Return the methods that a member of its kind must have and it has not."""
        return sorted(getattr(cls, "__abstractmethods__", ()))

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Admit any further key in the block of a kind: which there are, the plug-in says."""
        found = handler(core)
        if not cls.plugin_name:
            found["additionalProperties"] = True
            found["properties"][cls.named_by]["not"] = {"enum": sorted(cls.built_in)}
        return found

    @property
    def identity(self) -> str:
        """The plug-in and its own settings, in one line: within a process, equal lines act alike.

        What the engine sees to (the name, how many candidates, a temperature) is left out.
        """
        cls = type(self)
        if cls not in _KNOWN:
            _KNOWN.append(cls)
        settings = self.model_dump(mode="json", exclude={self.named_by, *self.not_its_own})
        return f"{cls.plugin_name}#{_KNOWN.index(cls)} {json.dumps(settings, sort_keys=True)}"


@lru_cache(maxsize=1024)
def revived(identity: str) -> Any:
    """Return the plug-in that an `identity` tells of."""
    who, _, settings = identity.partition(" ")
    cls = _KNOWN[int(who.rpartition("#")[2])]
    # What the engine sees to has its own place there; here it only has to be valid.
    held = {key: value for key, value in cls.model_fields.items() if key in cls.not_its_own}
    filled = {key: 1 for key, info in held.items() if info.is_required()}
    return cls.model_validate({cls.named_by: cls.plugin_name, **filled, **json.loads(settings)}, strict=False)


def is_plugin(identity: str) -> bool:
    """Tell whether a name of the engine is the identity of a plug-in."""
    return " " in identity


_OWN_ERRORS = frozenset(get_args(core_schema.ErrorType))
"""Types of errors that pydantic can make again."""

TAG = "(plug-in)"
"""Tag, in a union, of what is no built-in member."""


def plugged(base: type[Any], what: str, built_in: frozenset[str]) -> WrapValidator:
    """Return what reads a plug-in of a kind, in a field of the type of the kind's base.

    Parameters
    ----------
    base : type of Plugin
        The kind's base.
    what : str
        What a member is called in a message.
    built_in : frozenset of str
        The names of the members that come along.
    """
    kind, key = base.kind_of_plugin, base.named_by
    base.built_in = built_in

    def found(value: Any, handler: Callable[[Any], Any]) -> Any:
        if isinstance(value, base) and type(value) is not base:
            return value
        name = value.get(key) if isinstance(value, Mapping) else None
        if not isinstance(name, str):
            return handler(value)
        cls = registry.find(kind, name)
        if cls is None:
            known = registry.suggestion(kind, name, built_in)
            raise _error([_told(UNKNOWN, (key,), f"there is no {what} {shorten(name)}{known}", name)])
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise _error([_helped(each, cls) for each in error.errors(include_url=False)]) from None

    return WrapValidator(found)


def by_name(key: str, built_in: frozenset[str], default: str = "") -> Callable[[Any], str]:
    """Return what tells the built-in members of a union, by their names, from a plug-in."""

    def tag(value: Any) -> str:
        name = value.get(key, default) if isinstance(value, dict) else getattr(value, key, default)
        return name if isinstance(name, str) and name in built_in else TAG

    return tag


class OrName:
    """Lets the name of a member stand for a block of it, where a field is annotated so.

    Parameters
    ----------
    key : str
        The field that holds the name.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """Read a text as a block with that name."""
        return core_schema.no_info_before_validator_function(
            lambda value: {self._key: value} if isinstance(value, str) else value, handler(source)
        )

    def __get_pydantic_json_schema__(self, core: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Admit a text, too."""
        return {"anyOf": [{"type": "string", "minLength": 1}, *handler(core)["anyOf"]]}


def _helped(details: Any, cls: type[Plugin]) -> InitErrorDetails:
    """Return an error as it was; of a key that a plug-in has not, with those that it has."""
    loc = details["loc"]
    if details["type"] == "extra_forbidden" and len(loc) == 1:
        names = [info.alias or name for name, info in cls.model_fields.items()]
        return _told(UNKNOWN_KEY, loc, f"unknown key{did_you_mean(loc[0], names)}", details["input"])
    context = details.get("ctx", {})
    if details["type"] in _OWN_ERRORS:
        return InitErrorDetails(type=details["type"], loc=loc, input=details["input"], ctx=context)
    error = PydanticCustomError(details["type"], details["msg"].replace("{", "{{").replace("}", "}}"), context or None)
    return InitErrorDetails(type=error, loc=loc, input=details["input"])


def _told(kind: Any, loc: tuple[int | str, ...], message: str, value: Any) -> InitErrorDetails:
    error = PydanticCustomError(kind, "{message}", {"message": message})
    return InitErrorDetails(type=error, loc=loc, input=value)


def _error(details: list[InitErrorDetails]) -> ValidationError:
    return ValidationError.from_exception_data("plug-in", details)
