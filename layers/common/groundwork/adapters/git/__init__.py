"""Git through dulwich, without a git program: survey repositories, commit the work of plans.

Functions import dulwich themselves: only workers using a repository pay for the import.
"""

from groundwork.adapters.git.survey import surveyor
from groundwork.adapters.git.transport import local_path, parse_credentials

__all__ = ["local_path", "parse_credentials", "surveyor"]
