"""Domain values as JSON: camelCase in the API, declared names in the tables.

During a deployment two releases share the tables, and rows outlive both. So a stored name never follows the Python name
of a field, and a document of a newer release keeps its unknown fields.
"""

import json
from collections.abc import Mapping, Set
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

_DECLARED = 2
"""Pydantic's alias priority of an explicit alias; a generated one has 1."""


class Value(BaseModel):
    """A domain value; its JSON form is camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)


def stored_as(name: str) -> Any:
    """Declare the stored name of a field. It stays when the Python field is renamed."""
    return Field(alias=name)


def is_none(value: object) -> bool:
    """True for None, as `is_unused` for a field whose False is a choice."""
    return value is None


def is_unused(value: object) -> bool:
    """True for None, False, zero and empty values.

    With `exclude_if`, a field is written only where it is used.
    """
    return not value


class Stored(Value):
    """A value stored as JSON in a row. Every field declares its stored name with `stored_as`.

    Requests refuse unknown fields, as any Value does. `read` keeps them for `stored` alone: comparisons ignore them,
    since this release cannot judge them.
    """

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if Stored not in cls.__bases__:
            return  # an API response with a document and more
        if undeclared := [name for name, field in cls.model_fields.items() if not _is_declared(field)]:
            raise TypeError(f"{cls.__name__} is stored: declare the stored names of {', '.join(undeclared)}")

    @classmethod
    def read(cls, document: Any) -> Self:
        """Raises ValidationError. The single place to read a stored document."""
        return cls.model_validate(document, extra="allow")

    @classmethod
    def read_json(cls, text: str | bytes) -> Self:
        """Raises ValidationError."""
        return cls.model_validate_json(text, extra="allow")

    def stored(
        self,
        include: set[str] | None = None,
        exclude: set[str] | None = None,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
    ) -> dict[str, Any]:
        """Return the document as stored in rows, with the unknown fields it was read with."""
        options: dict[str, Any] = {"exclude_defaults": exclude_defaults, "exclude_none": exclude_none}
        document = self.model_dump(mode="json", by_alias=True, include=include, exclude=exclude, **options)
        left_out = exclude or set[str]() if include is None else type(self).model_fields.keys() - include
        whole: dict[str, Any] = _with_unknown(self, document, left_out, options)
        return whole

    def stored_json(self) -> str:
        # rows are billed by their bytes
        return json.dumps(self.stored(), separators=(",", ":"), ensure_ascii=False)

    def __eq__(self, other: object) -> bool:
        # pydantic's own comparison includes the unknown fields
        return type(self) is type(other) and self.__dict__ == other.__dict__


def _is_declared(field: FieldInfo) -> bool:
    return field.alias is not None and field.alias_priority == _DECLARED


def _with_unknown(value: Stored, document: dict[str, Any], left_out: Set[str], options: Mapping[str, Any]) -> Any:
    """Add unknown fields of a newer release to a dumped document; pydantic omits them."""
    for name, field in type(value).model_fields.items():
        inner, alias = getattr(value, name), str(field.alias)
        if name in left_out:
            continue
        if isinstance(inner, Stored):
            # a nested value left out as a default may still carry unknown fields
            if alias in document or _has_unknown(inner):
                document[alias] = _with_unknown(inner, document.get(alias, {}), frozenset(), options)
        elif isinstance(inner, tuple) and alias in document:
            document[alias] = [
                _with_unknown(one, line, frozenset(), options) if isinstance(one, Stored) else line
                for one, line in zip(inner, document[alias], strict=True)
            ]
    return document | (value.model_extra or {}) if value.model_extra else document


def _has_unknown(value: Stored) -> bool:
    inner = (one for one in value.__dict__.values() if isinstance(one, Stored))
    return bool(value.model_extra) or any(_has_unknown(one) for one in inner)
