"""template.yaml, translated by SAM's own translator, without network or account."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from boto3 import Session
from samcli.yamlhelper import parse_yaml_file
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).resolve().parents[1]
PLACES_OF_CODE = ("CodeUri", "ContentUri", "DefinitionUri")
MANAGED_POLICIES = {
    "AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
}
"""Managed policies allowed in the template. The translation fails on any other name."""

Template = dict[str, Any]


def source(path: Path = ROOT / "template.yaml") -> Template:
    """Load the template, with intrinsics in their long form."""
    template: Template = json.loads(json.dumps(parse_yaml_file(str(path))))
    return template


def translated(template: Template | None = None, parameters: Mapping[str, Any] | None = None) -> Template:
    """Translate a template. Raises samtranslator's InvalidDocumentException for an invalid one."""
    given = template or source()
    for resource in given["Resources"].values():
        for place in PLACES_OF_CODE:
            if isinstance(resource.get("Properties", {}).get(place), str):
                # the translator takes no local folders: `sam package` replaces them before a deployment
                resource["Properties"][place] = "s3://bucket/key"
    # an own session keeps the result independent of the caller's region
    translator = Translator(MANAGED_POLICIES, Parser(), boto_session=Session(region_name="us-east-1"))
    result: Template = translator.translate(given, dict(parameters or {}))
    return result


def resources(template: Template, kind: str) -> dict[str, Mapping[str, Any]]:
    """Return the properties of all resources of a type, by logical id."""
    found = template["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in found if resource["Type"] == kind}


def statements(role: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the inline policy statements of a role, each with its condition or ''."""
    for policy in role.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            if "Fn::If" in statement:
                condition, conditional, _ = statement["Fn::If"]
                yield conditional, condition
            else:
                yield statement, ""


def listed(value: Any) -> list[Any]:
    """Return a list for IAM's one or many values."""
    return value if isinstance(value, list) else [value]
