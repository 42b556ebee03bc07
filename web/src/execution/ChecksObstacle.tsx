import { Link } from "react-router";

import type { ApiError } from "@/api/errors";
import { Notice } from "@/ui/Notice";

/** Refusals of `execute` that the checks of a repository explain. */
const CODES = ["BASELINE_FAILING", "SANDBOX_UNAVAILABLE"];

export function isChecksObstacle(error: ApiError): boolean {
  return CODES.includes(error.code);
}

type Props = { error: ApiError; repositoryId: string; repositoryName: string | null };

/** Reason why the checks keep a plan from starting, and the ways on. */
export function ChecksObstacle({ error, repositoryId, repositoryName }: Props) {
  const name = repositoryName ?? "the repository";
  const link = <Link to={`/repositories?checks=${repositoryId}`}>Checks of {name}</Link>;
  if (error.code === "BASELINE_FAILING") {
    return (
      <Notice tone="error" title="The checks fail on the default branch" action={link}>
        The checks of {name} already fail on its default branch, so they cannot verify a change. Repair the
        default branch and run the baseline again, or allow plans on a failing baseline.
      </Notice>
    );
  }
  return (
    <Notice tone="error" title="The checks cannot run here" action={link}>
      {error.detail("reason") ?? error.message} Ask the operator of this system for a sandbox, or to turn
      checks off (GROUNDWORK_CHECKS=off locally, the parameter Checks=off in a stack). Then changes land
      unchecked.
    </Notice>
  );
}
