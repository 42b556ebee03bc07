"""Errors of the connection to DynamoDB."""

from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, HTTPClientError, ReadTimeoutError

from groundwork.adapters.dynamodb.tables import open_tables
from groundwork.errors import Transient
from tests.simulation.dynamodb import in_place_of_aws
from tests.tables import settings_at


@pytest.mark.parametrize("fault", [ReadTimeoutError, ConnectTimeoutError])
def test_a_connection_that_breaks_is_tried_again_and_no_fault_of_ours(fault: type[HTTPClientError]) -> None:
    def send(operation: str, sent: Any) -> Any:
        raise fault(endpoint_url="dynamodb")

    with in_place_of_aws(send):
        tables = open_tables(settings_at("backlog", "runs"))
        with pytest.raises(Transient, match=fault.__name__):
            tables.runs.load("bcdfghjkmn-R1")
