"""Progress of a landing over several invocations: the tree, its check and its review."""

from typing import Annotated

from groundwork.values import Stored, stored_as


class Review(Stored):
    """Decision of a reviewer on the session's change.

    `findings` and the digest `diff` tell what it saw.
    """

    approved: Annotated[bool, stored_as("approved")]
    reason: Annotated[str, stored_as("reason")]
    findings: Annotated[tuple[str, ...], stored_as("findings")] = ()
    diff: Annotated[str, stored_as("diff")] = ""


class Landing(Stored):
    """State of a landing.

    `rounds` counts the checks begun. `tree` is under check; `passed` and `failed` are
    trees with a verdict. `moves` counts moves of the branch during this landing. Of checks in a row without a verdict
    `not_run` counts those lost to trouble outside, `unended` those whose own commands failed to set up or to end.
    `tests` and `log` stem from the last verdict. `review_cost`, and `check_cost` of ended rounds, are in
    millionths of a dollar.
    """

    rounds: Annotated[int, stored_as("rounds")] = 0
    tree: Annotated[str, stored_as("tree")] = ""
    passed: Annotated[str, stored_as("passed")] = ""
    failed: Annotated[str, stored_as("failed")] = ""
    moves: Annotated[int, stored_as("moves")] = 0
    not_run: Annotated[int, stored_as("notRun")] = 0
    unended: Annotated[int, stored_as("unended")] = 0
    tests: Annotated[int | None, stored_as("tests")] = None
    log: Annotated[str, stored_as("log")] = ""
    review: Annotated[Review | None, stored_as("review")] = None
    review_cost: Annotated[int, stored_as("reviewCost")] = 0
    check_cost: Annotated[int, stored_as("checkCost")] = 0

    def begin(self, tree: str) -> "Landing":
        """Begin the check of a tree, in a new sandbox."""
        return self.model_copy(update={"rounds": self.rounds + 1, "tree": tree})

    def changed(self, **fields: object) -> "Landing":
        return self.model_copy(update=fields)

    def verdict_on(self, tree: str) -> bool | None:
        """True if this very tree passed, False if it failed, None without a verdict."""
        return {self.passed: True, self.failed: False}.get(tree) if tree else None
