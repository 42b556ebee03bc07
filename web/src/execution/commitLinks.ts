/** Commit URLs of known hosts. */

const PATHS: Record<string, string> = {
  "github.com": "/commit/",
  "gitlab.com": "/-/commit/",
  "bitbucket.org": "/commits/",
  "codeberg.org": "/commit/",
};

/** URL of a commit; null for local paths, unknown hosts and other schemes. */
export function commitLink(repositoryUrl: string, sha: string): string | null {
  let url: URL;
  try {
    url = new URL(repositoryUrl);
  } catch {
    return null;
  }
  const path = PATHS[url.hostname];
  if (url.protocol !== "https:" || !path || !/^[0-9a-f]{7,64}$/.test(sha)) return null;
  const repository = url.pathname.replace(/\/+$/, "").replace(/\.git$/, "");
  return `https://${url.hostname}${repository}${path}${sha}`;
}

export function shortSha(sha: string): string {
  return sha.slice(0, 8);
}
