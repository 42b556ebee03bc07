"""The template's tables, buckets, secrets and queues in the local AWS."""

import json
from collections.abc import Callable
from typing import Any

from local.buckets import create_bucket
from local.template import ACCOUNT, FUNCTION, Resource, SamTemplate

ClientFactory = Callable[[str], Any]
"""Returns the boto3 client of a service, such as "dynamodb"."""

# create_table accepts these in the template's form.
_TABLE_PROPERTIES = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
    "StreamSpecification",
)
_QUEUE_PROPERTIES = (
    "DelaySeconds",
    "FifoQueue",
    "ContentBasedDeduplication",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "VisibilityTimeout",
)


def create_resources(template: SamTemplate, client: ClientFactory, region: str) -> dict[str, dict[str, str]]:
    """Create the template's resources and return their attributes, with those of the functions."""
    attributes = function_attributes(template, region)
    for resource in template.resources.values():
        if maker := _MAKERS.get(resource.type):
            attributes[resource.logical_id] = maker(resource, client)
    return attributes


def function_attributes(template: SamTemplate, region: str) -> dict[str, dict[str, str]]:
    """Return names and ARNs of functions and aliases.

    SAM's names of an alias are Fn.Alias and FnAlias<name>.
    """
    attributes: dict[str, dict[str, str]] = {}
    for function in template.of_type(FUNCTION):
        name = function.properties.get("FunctionName", function.logical_id)
        arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"
        attributes[function.logical_id] = {"Ref": name, "Arn": arn}
        if alias := function.properties.get("AutoPublishAlias"):
            for reference in (f"{function.logical_id}.Alias", f"{function.logical_id}Alias{alias}"):
                attributes[reference] = {"Ref": f"{arn}:{alias}"}
    return attributes


def _table(resource: Resource, client: ClientFactory) -> dict[str, str]:
    dynamodb = client("dynamodb")
    name = resource.properties.get("TableName", resource.logical_id)
    settings = {key: resource.properties[key] for key in _TABLE_PROPERTIES if key in resource.properties}
    try:
        dynamodb.create_table(TableName=name, **settings)
    except dynamodb.exceptions.ResourceInUseException:
        pass  # the user's own DynamoDB keeps its tables between starts
    else:
        if ttl := resource.properties.get("TimeToLiveSpecification"):
            dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
    table = dynamodb.describe_table(TableName=name)["Table"]
    return {"Ref": name, "Arn": table["TableArn"], "StreamArn": table.get("LatestStreamArn", "")}


def _secret(resource: Resource, client: ClientFactory) -> dict[str, str]:
    manager = client("secretsmanager")
    value = resource.properties.get("SecretString")
    if value is None:
        value = _generate(resource.properties.get("GenerateSecretString", {}), manager)
    name = resource.properties.get("Name", resource.logical_id)
    arn = manager.create_secret(Name=name, SecretString=value)["ARN"]
    return {"Ref": arn, "Id": arn}


def _generate(rule: dict[str, Any], manager: Any) -> str:
    wishes = {key: rule[key] for key in rule if key not in ("SecretStringTemplate", "GenerateStringKey")}
    password: str = manager.get_random_password(**wishes)["RandomPassword"]
    if "SecretStringTemplate" not in rule:
        return password
    return json.dumps({**json.loads(rule["SecretStringTemplate"]), rule["GenerateStringKey"]: password})


def _queue(resource: Resource, client: ClientFactory) -> dict[str, str]:
    sqs = client("sqs")
    name = resource.properties.get("QueueName", resource.logical_id)
    settings = {
        # SQS takes texts only: `true` in lower case, a policy as JSON.
        key: json.dumps(value) if isinstance(value, dict | bool) else str(value)
        for key, value in resource.properties.items()
        if key in _QUEUE_PROPERTIES
    }
    url = sqs.create_queue(QueueName=name, Attributes=settings)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return {"Ref": url, "Arn": arn, "QueueUrl": url, "QueueName": name}


# Other types need nothing in the local AWS; local.state_machines creates state machines.
_MAKERS: dict[str, Callable[[Resource, ClientFactory], dict[str, str]]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::S3::Bucket": lambda resource, client: create_bucket(resource, client("s3")),
    "AWS::SecretsManager::Secret": _secret,
    "AWS::SQS::Queue": _queue,
}
