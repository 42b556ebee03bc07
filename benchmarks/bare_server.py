"""Lower bound for a local system: its WSGI server, with one consistent GetItem a request.

`python -m benchmarks.bare_server ENDPOINT ACCESS_KEY TABLE PK SK` prints its URL and serves until its input ends.
"""

import json
import sys
from collections.abc import Iterable
from typing import Any

import boto3
from botocore.config import Config

from local.serving import Server


def main() -> None:
    endpoint, access_key, table, pk, sk = sys.argv[1:]
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key="local",
        config=Config(max_pool_connections=200),
    )
    key = {"pk": {"S": pk}, "sk": {"S": sk}}

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        row = client.get_item(TableName=table, Key=key)["Item"]
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(row).encode()]

    server = Server(app, "127.0.0.1", 0)
    print(server.url, flush=True)
    sys.stdin.read()
    server.close()


if __name__ == "__main__":
    main()
