"""The built system, deployed on this machine: real runtime, the template's tables in moto."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from checks.sam import ROOT, resources, source
from local.template import ACCOUNT
from tests.deployed.build import built_functions, runtime_client
from tests.deployed.calls import RecordingEndpoint
from tests.deployed.runtime import Answer, Front

REGION = "us-east-1"
TOKEN = "q7nB2mX9vK4tR8wL3cZ6pH5jD1sF0gYa"
STACK = "groundwork-test"
# accepted by create_table under the name used by CloudFormation
TABLE_FIELDS = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


@dataclass(frozen=True, slots=True)
class Deployed:
    """The deployed system for a test: functions by logical id."""

    front: Front
    names: Mapping[str, str]
    resources: Mapping[str, str]
    endpoint: RecordingEndpoint

    def invoke(self, function: str, event: Mapping[str, Any]) -> Answer:
        return self.front.invoke(self.names[function], json.dumps(event).encode())

    def request(self, function: str, event: Mapping[str, Any], expected: int) -> Any:
        """Return the decoded body of an HTTP answer with the expected status."""
        answer = self.invoke(function, event)
        assert not answer.error, answer.payload
        response = answer.json()
        assert response["statusCode"] == expected, (response, self.logs(function)[-3000:])
        return json.loads(response["body"]) if response.get("body") else None

    def calls(self) -> set[tuple[str, str, str]]:
        """Return the calls so far: logical ids of function and resource, and the action."""
        known = {name: logical_id for logical_id, name in [*self.names.items(), *self.resources.items()]}
        made = set()
        for key, action, resource in self.endpoint.calls:
            name, slash, index = resource.partition("/")
            if key in self.names:
                made.add((key, action, known.get(name, name) + slash + index))
        return made

    def logs(self, function: str) -> str:
        return self.front.log(self.names[function])


@contextmanager
def deployed(
    template_path: Path, logs: Path, parameters: Mapping[str, str], shell: Mapping[str, str]
) -> Iterator[Deployed]:
    """Replace `sam deploy` with these parameters; `shell` sets declared variables."""
    template = source(template_path)
    endpoint = RecordingEndpoint()
    try:
        made = _make_resources(template, endpoint.url)
        names = {name: f"{STACK}-{name}" for name in resources(template, "AWS::Serverless::Function")}
        values = {**parameters, **names, **made, **_known(names)}
        _make_machine(template, names, endpoint.url)
        functions = built_functions(template_path, values, _platform(endpoint.url), shell)
        front = Front(functions.values(), runtime_client(), logs)
        endpoint.invocations = front
        try:
            yield Deployed(front, names, made, endpoint)
        finally:
            front.close()
    finally:
        endpoint.close()


def client(service: str, url: str) -> Any:
    options = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": REGION}
    return boto3.client(service, endpoint_url=url, **options)  # type: ignore[call-overload]


def _make_resources(template: Mapping[str, Any], url: str) -> dict[str, str]:
    """Make the tables, the private bucket and the secret. Returns their Ref by logical id."""
    made = {}
    for name, table in resources(dict(template), "AWS::DynamoDB::Table").items():
        made[name] = f"{STACK}-{name}"
        client("dynamodb", url).create_table(TableName=made[name], **{field: table[field] for field in TABLE_FIELDS})
    secret = client("secretsmanager", url).create_secret(Name=f"{STACK}-token", SecretString=TOKEN)
    made["PrivateBucket"] = _make_bucket(template, url)
    return {**made, "TokenSecret": secret["ARN"]}


def _make_bucket(template: Mapping[str, Any], url: str) -> str:
    name = f"{STACK}-private"
    s3 = client("s3", url)
    s3.create_bucket(Bucket=name)
    properties = resources(dict(template), "AWS::S3::Bucket")["PrivateBucket"]
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=properties["VersioningConfiguration"])
    return name


def _known(names: Mapping[str, str]) -> dict[str, str]:
    """Return values of pseudo parameters and attributes."""
    account = {"Partition": "aws", "Region": REGION, "AccountId": ACCOUNT, "StackName": STACK}
    arns = {f"{name}.Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{given}" for name, given in names.items()}
    role = {"PlanScheduleRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/{STACK}-PlanScheduleRole"}
    return {f"AWS::{name}": value for name, value in account.items()} | arns | role


def _make_machine(template: Mapping[str, Any], names: Mapping[str, str], url: str) -> None:
    """Make the state machine from its deployed file."""
    (machine,) = resources(dict(template), "AWS::Serverless::StateMachine").values()
    definition = (ROOT / "statemachines" / Path(machine["DefinitionUri"]).name).read_text()
    executor = _known(names)["PlanExecutorFunction.Arn"]
    client("stepfunctions", url).create_state_machine(
        name=f"{STACK}-plan",
        definition=definition.replace("${PlanExecutorArn}", executor),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/{STACK}-PlanMachineRole",
    )


def _platform(url: str) -> dict[str, str]:
    """Return Lambda's own variables, and the endpoints of this system."""
    return {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": url,
    }
