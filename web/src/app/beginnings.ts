/**
 * What each page begins with: its code, and what it asks the API for before anything has been answered.
 *
 * `start.ts` asks for all of it at once, so that none of it waits for another. A page that asks for something else first
 * is only slower; `beginnings.test.ts` says so.
 */

import type { Code } from "./code";

type Beginning = { code: Code[]; asks: (ids: string[], search: URLSearchParams) => string[] };

const REPOSITORIES = "/api/repositories?limit=200";

const SECTIONS = ["cards", "epics", "stories", "subtasks", "runs"];

const plan = (id = ""): string[] => [`/api/plans/${id}`, `/api/plans/${id}/progress`, REPOSITORIES];
const iterations = (id = ""): string[] => [...plan(id), `/api/plans/${id}/iterations`];

/** By the path, `*` for an id. */
const BEGINNINGS: Record<string, Beginning> = {
  "/sign-in": { code: ["signIn"], asks: () => [] },
  "/": { code: ["projects"], asks: () => ["/api/projects"] },
  "/projects/*": { code: ["project"], asks: ([id = ""], search) => ofProject(id, search.get("section")) },
  "/projects/*/runs/*": {
    code: ["run"],
    asks: ([projectId = "", id = ""]) => [
      `/api/runs/${id}/progress?items=true`,
      `/api/projects/${projectId}`,
    ],
  },
  "/plans": { code: ["plans"], asks: (_, search) => [plansOf(search.get("repository")), REPOSITORIES] },
  "/plans/*": { code: ["plan", "editor"], asks: ([id]) => plan(id) },
  "/plans/*/execution": { code: ["plan", "execution"], asks: ([id]) => plan(id) },
  "/plans/*/reviews": { code: ["plan", "reviews"], asks: ([id]) => iterations(id) },
  "/plans/*/history": { code: ["plan", "history"], asks: ([id]) => iterations(id) },
  "/plan-templates": { code: ["templates"], asks: () => ["/api/plan-templates?limit=200", REPOSITORIES] },
  "/repositories": { code: ["repositories"], asks: () => [REPOSITORIES] },
};

/** For an address of the dashboard; nothing for one that is no page's. */
export function beginningOf(pathname: string, search: string): { code: Code[]; asks: string[] } {
  for (const [pattern, { code, asks }] of Object.entries(BEGINNINGS)) {
    const found = new RegExp(`^${pattern.replaceAll("*", "([^/]+)")}/?$`).exec(pathname);
    if (found) return { code, asks: asks(found.slice(1), new URLSearchParams(search)) };
  }
  return { code: [], asks: [] };
}

function ofProject(id: string, section: string | null): string[] {
  const list = SECTIONS.find((name) => name === section) ?? "cards";
  return ["", "/runs?limit=200", "/runs?active=true", `/${list}?limit=200`].map(
    (path) => `/api/projects/${id}${path}`,
  );
}

const plansOf = (repositoryId: string | null) =>
  repositoryId === null ? "/api/plans" : `/api/plans?repositoryId=${repositoryId}`;
