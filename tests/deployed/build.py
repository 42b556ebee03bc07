"""`sam build` of the project, and its output with the template's values filled in."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from checks.sam import ROOT, Template, resources, source
from tests.deployed.runtime import ARCHITECTURE, BuiltFunction

BUILD = ROOT / "build" / "deployed"
RUNTIME = ROOT / "build" / "ric"
RIC = ROOT / "requirements" / "ric.txt"


def sam_build(build: Path = BUILD) -> Path:
    """Build for this machine's processor, and return the built template.

    Raises CalledProcessError.
    """
    programs = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "ARCHITECTURE": ARCHITECTURE,
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    overrides = ["--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    command = [f"{programs}/sam", "build", "--build-dir", str(build), *overrides]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=600)
    return build / "template.yaml"


def runtime_client(target: Path = RUNTIME) -> Path:
    """Install AWS's runtime client for Python in a folder of its own. Raises CalledProcessError."""
    if not (target / "awslambdaric").is_dir():
        uv = str(Path(sys.executable).parent / "uv")
        options = ["--quiet", "--target", str(target), "--require-hashes", "--only-binary", ":all:"]
        subprocess.run([uv, "pip", "install", "--python", sys.executable, *options, "-r", str(RIC)], check=True)
    return target


def built_functions(
    template_path: Path, values: Mapping[str, str], platform: Mapping[str, str], shell: Mapping[str, str]
) -> dict[str, BuiltFunction]:
    """Return the functions by logical id. `values` are the targets of Ref besides the defaults.

    `platform` is what Lambda itself sets; `shell` takes the place of values of variables that are declared.
    """
    template = source(template_path)
    known = {**_defaults(template), **values}
    layers = resources(template, "AWS::Serverless::LayerVersion")
    paths = tuple(_code(template_path, layer["ContentUri"]) for layer in layers.values())
    common = template["Globals"]["Function"]
    built = {}
    for logical_id, own in resources(template, "AWS::Serverless::Function").items():
        properties = {**common, **own}
        declared = properties["Environment"]["Variables"]
        built[logical_id] = BuiltFunction(
            name=known.get(logical_id, logical_id),
            code=_code(template_path, properties["CodeUri"]),
            layers=paths,
            handler=properties["Handler"],
            timeout=int(_value(properties["Timeout"], known)),
            memory=int(_value(properties["MemorySize"], known)),
            environment={
                **{name: shell.get(name) or _value(value, known) for name, value in declared.items()},
                **platform,
                # as on AWS every function has credentials of its own: by them its calls are told apart
                "AWS_ACCESS_KEY_ID": logical_id,
            },
        )
    return built


def _code(template_path: Path, uri: str) -> Path:
    return (template_path.parent / uri).resolve()


def _value(value: Any, known: Mapping[str, str]) -> str:
    if not isinstance(value, dict):
        return str(value)
    if "Ref" in value:
        return known.get(value["Ref"], value["Ref"])
    if "Fn::Sub" in value:
        return re.sub(r"\$\{([\w:]+)\}", lambda found: known[found[1]], value["Fn::Sub"])
    if "Fn::If" in value:
        condition, if_set, if_empty = value["Fn::If"]
        # each condition of a variable asks for a parameter of its name: HasSandboxImage for SandboxImage
        return _value(if_set if known[condition.removeprefix("Has")] else if_empty, known)
    named = value["Fn::GetAtt"]
    return known[named if isinstance(named, str) else ".".join(named)]


def _defaults(template: Template) -> dict[str, str]:
    return {name: str(spec["Default"]) for name, spec in template["Parameters"].items() if "Default" in spec}
