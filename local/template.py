"""template.yaml read with SAM CLI: functions, routes and resources with resolved intrinsics."""

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from samcli.lib.intrinsic_resolver.intrinsic_property_resolver import IntrinsicResolver
from samcli.lib.intrinsic_resolver.intrinsics_symbol_table import IntrinsicsSymbolTable
from samcli.lib.providers.api_provider import ApiProvider
from samcli.lib.providers.provider import Stack
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.telemetry.event import EventTracker
from samcli.yamlhelper import parse_yaml_file

ACCOUNT = "123456789012"
FUNCTION = "AWS::Serverless::Function"

Attributes = Mapping[str, Mapping[str, str]]
"""Values of Ref and GetAtt by logical id: {"RunsTable": {"Ref": "runs", "Arn": "arn:…"}}."""

# SAM CLI resolves AWS::NoValue to None, and its Fn::If then fails; this value survives and is pruned afterwards.
_NO_VALUE = "\0no-value"

# SAM CLI sends usage data home every 50 events; nothing may leave this machine.
EventTracker.track_event = staticmethod(lambda *args, **kwargs: None)
# SAM CLI warns at every start about differences of local authorizers.
logging.getLogger("samcli.lib.providers.api_collector").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the template with resolved properties."""

    logical_id: str
    type: str
    properties: dict[str, Any]


class _ResolvedStack(Stack):  # type: ignore[misc]
    """A stack without resources of a false condition and without AWS::NoValue properties."""

    _resources: dict[str, Any] | None

    @property
    def resources(self) -> dict[str, Any]:
        if self._resources is not None:
            return self._resources
        with warnings.catch_warnings():
            # SAM CLI calls deprecated functions of the SAM translator.
            warnings.simplefilter("ignore", DeprecationWarning)
            kept = self._without_false_conditions(super().resources)
        resolved: dict[str, Any] = _without_no_value(kept)
        self._resources = resolved
        return resolved

    def _without_false_conditions(self, resources: dict[str, Any]) -> dict[str, Any]:
        symbols = IntrinsicsSymbolTable(logical_id_translator=dict(self.parameters), template=self.template_dict)
        resolver = IntrinsicResolver(template=self.template_dict, symbol_resolver=symbols)

        def holds(condition: str) -> bool:
            return bool(resolver.intrinsic_property_resolver({"Fn::If": [condition, True, False]}, False))

        return {key: r for key, r in resources.items() if "Condition" not in r or holds(r["Condition"])}


class SamTemplate:
    """A template file with values for its parameters.

    `attributes` has the values of Ref and GetAtt. Without it SAM CLI uses the logical id, good enough to list the
    resources.
    """

    def __init__(
        self, path: Path, *, parameters: Mapping[str, str], region: str, attributes: Attributes | None = None
    ) -> None:
        self.path = path.resolve()
        self.root = self.path.parent
        document = parse_yaml_file(str(self.path))
        declared = document.get("Parameters") or {}
        defaults = {name: str(spec["Default"]) for name, spec in declared.items() if "Default" in spec}
        pseudo = {**IntrinsicsSymbolTable.DEFAULT_PSEUDO_PARAM_VALUES, "AWS::AccountId": ACCOUNT}
        pseudo |= {"AWS::Region": region, "AWS::NoValue": _NO_VALUE}
        given = {name: value for name, value in parameters.items() if name in declared}
        known = {**pseudo, **defaults, **given, **(attributes or {})}
        self._stack = _ResolvedStack("", "", str(self.path), known, document, None)

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """All resources by logical id."""
        found: dict[str, Resource] = {}
        for key, resource in self._stack.resources.items():
            # SAM CLI renames a resource to the value of its Ref and keeps the logical id in the metadata.
            logical_id = resource.get("Metadata", {}).get("SamResourceId", key)
            found[logical_id] = Resource(logical_id, resource["Type"], resource.get("Properties", {}))
        return found

    def of_type(self, *types: str) -> list[Resource]:
        """Return the resources of these types in the template's order."""
        return [resource for resource in self.resources.values() if resource.type in types]

    @cached_property
    def functions(self) -> SamFunctionProvider:
        """SAM CLI's provider of the functions: code, handler, environment, layers, limits."""
        return SamFunctionProvider([self._stack], ignore_code_extraction_warnings=True)

    @cached_property
    def api(self) -> Any:
        """SAM CLI's `Api`: routes with their authorizers, CORS, stage."""
        return ApiProvider([self._stack], cwd=str(self.root)).api


def http_functions(template: SamTemplate) -> list[str]:
    """Return logical ids of the functions behind the API, to be started first.

    The functions invoked by others come first, then those of the routes.
    """
    over_http = {route.function_name for route in template.api.routes}
    functions = template.of_type(FUNCTION)
    routed = [one for one in functions if one.logical_id in over_http]
    rest = [one for one in functions if one not in routed and not one.properties.get("Events")]
    return [one.logical_id for one in (*rest, *routed)]


def _without_no_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_no_value(inner) for key, inner in value.items() if inner != _NO_VALUE}
    if isinstance(value, list):
        return [_without_no_value(inner) for inner in value if inner != _NO_VALUE]
    return value
