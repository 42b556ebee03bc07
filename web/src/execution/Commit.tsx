import { Copy, ExternalLink, GitCommitHorizontal } from "lucide-react";

import type { Repository } from "@/plans/model";
import { toast } from "@/ui/toast";

import s from "./Commit.module.css";
import { commitLink, shortSha } from "./commitLinks";

/** Link to a commit, or a button to copy its SHA. */
export function Commit({ sha, repository }: { sha: string; repository: Repository | null }) {
  const link = repository && commitLink(repository.url, sha);
  if (link) {
    return (
      <a
        className={s.commit}
        href={link}
        target="_blank"
        rel="noreferrer"
        aria-label={`Commit ${shortSha(sha)}, opens in a new tab`}
      >
        <GitCommitHorizontal size={14} aria-hidden /> <span className="mono">{shortSha(sha)}</span>
        <ExternalLink size={12} aria-hidden />
      </a>
    );
  }
  const copy = () =>
    navigator.clipboard.writeText(sha).then(
      () => toast.ok("Copied", sha),
      () => toast.error("Could not copy", sha),
    );
  return (
    <button
      type="button"
      className={s.commit}
      onClick={() => void copy()}
      aria-label={`Copy SHA ${shortSha(sha)}`}
    >
      <GitCommitHorizontal size={14} aria-hidden /> <span className="mono">{shortSha(sha)}</span>
      <Copy size={12} aria-hidden />
    </button>
  );
}
