"""The check of the translated template finds faults hidden in the source."""

from pathlib import Path

import pytest

from checks.sam import translated
from checks.template import lint


def test_a_circle_between_the_private_bucket_and_the_distribution_is_found(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The dashboard's address in the bucket's CORS would be one."""
    template = translated()
    (rule,) = template["Resources"]["PrivateBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    rule["AllowedOrigins"] = [{"Fn::Sub": "https://${Dashboard.DomainName}"}]
    assert lint(template, tmp_path / "translated.json") != 0
    assert "Circular Dependencies for resource PrivateBucket" in capfd.readouterr().out
