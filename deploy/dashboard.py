"""Upload the built dashboard to the bucket of a stack: `python -m deploy.dashboard`.

Old files stay in the bucket: a page loaded earlier still requests its own chunks, and a megabyte costs nothing.
"""

import argparse
import sys
import tomllib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from deploy.files import BROTLI, DIST, PAGE, cache_control, content_type

SAMCONFIG = Path("samconfig.toml")


class NotDeployed(Exception):
    """No build to upload, or no stack to upload to."""


def main() -> int:
    """Return 1 after a failed upload."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dashboard", description=__doc__)
    parser.add_argument("--config-env", default="default", help="environment of samconfig.toml, as for sam deploy")
    config_env = parser.parse_args().config_env
    try:
        stack, region = stack_of(tomllib.loads(SAMCONFIG.read_text()), config_env)
        url = upload(boto3.Session(region_name=region), stack, DIST)
    except NotDeployed as exc:
        print(exc, file=sys.stderr)
        return 1
    print(f"The dashboard is at {url}")
    return 0


def stack_of(samconfig: Mapping[str, Any], config_env: str) -> tuple[str, str | None]:
    """Read the stack's name and region, if any, from samconfig.toml. Raises NotDeployed."""
    environment = samconfig.get(config_env, {})
    # SAM CLI's order: a command's own table wins over the global one
    parameters = {**_parameters(environment, "global"), **_parameters(environment, "deploy")}
    if "stack_name" not in parameters:
        raise NotDeployed(f"{SAMCONFIG} names no stack for {config_env}")
    return parameters["stack_name"], parameters.get("region")


def _parameters(environment: Mapping[str, Any], command: str) -> dict[str, str]:
    parameters: dict[str, str] = environment.get(command, {}).get("parameters", {})
    return parameters


def upload(session: boto3.Session, stack: str, dist: Path) -> str:
    """Upload every file, then invalidate files with fixed names. Returns the URL.

    Raises NotDeployed.
    """
    names = names_of(dist)
    described = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    if "DashboardBucketName" not in outputs:
        raise NotDeployed(f"The stack {stack} has no dashboard yet: sam deploy")
    s3 = session.client("s3")
    for name in names:
        s3.put_object(
            Bucket=outputs["DashboardBucketName"],
            Key=name,
            Body=(dist / name).read_bytes(),
            ContentType=content_type(name),
            CacheControl=cache_control(name),
        )
    # assets have new names in each build, and CloudFront charges for paths beyond 1,000 a month
    _invalidate(session, outputs["DashboardDistributionId"], [name for name in names if not name.startswith("assets/")])
    return outputs["DashboardUrl"]


def names_of(dist: Path) -> list[str]:
    """Return the files in upload order, each page after its assets. Raises NotDeployed.

    Compressed files are left out: CloudFront compresses by itself.
    """
    names = [path.relative_to(dist).as_posix() for path in dist.rglob("*") if path.is_file() and path.suffix != BROTLI]
    if PAGE not in names:
        raise NotDeployed(f"{dist} has no {PAGE}: make web")
    return sorted(names, key=lambda name: (name == PAGE, not name.startswith("assets/"), name))


def _invalidate(session: boto3.Session, distribution: str, names: list[str]) -> None:
    # CloudFront caches / apart from /index.html
    paths = ["/", *(f"/{name}" for name in names)]
    session.client("cloudfront").create_invalidation(
        # a repeated CallerReference returns the earlier invalidation in place of a new one
        DistributionId=distribution,
        InvalidationBatch={"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": str(uuid.uuid4())},
    )


if __name__ == "__main__":
    sys.exit(main())
