"""Git without a git program: repositories are read for surveys, and a plan's work is committed, by dulwich.

dulwich is imported where it is used: only the workers that read or write a repository pay for it.
"""

from groundwork.adapters.git.survey import surveyor
from groundwork.adapters.git.transport import credentials, local_path

__all__ = ["credentials", "local_path", "surveyor"]
