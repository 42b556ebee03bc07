/**
 * Modules and first API requests of each page.
 *
 * `start.ts` loads them in parallel. A missing entry only slows the page down; `preload.test.tsx` finds it.
 */

import type { PageName } from "./pageModules";

type Preload = { pages: PageName[]; requests: (ids: string[], search: URLSearchParams) => string[] };

const REPOSITORIES = "/api/repositories?limit=200";

const SECTIONS = ["cards", "epics", "stories", "subtasks"];

const plan = (id = ""): string[] => [`/api/plans/${id}`, `/api/plans/${id}/progress`, REPOSITORIES];
const iterations = (id = ""): string[] => [...plan(id), `/api/plans/${id}/iterations`];

/** Keyed by path pattern; `*` matches an id. */
const PRELOADS: Record<string, Preload> = {
  "/sign-in": { pages: ["signIn"], requests: () => [] },
  "/": { pages: ["projects"], requests: () => ["/api/projects", "/api/imports?limit=200"] },
  "/projects/*": {
    pages: ["project"],
    requests: ([id = ""], search) => projectRequests(id, search.get("section")),
  },
  "/projects/*/runs/*": {
    pages: ["run"],
    requests: ([projectId = "", id = ""]) => [
      `/api/runs/${id}/progress?items=true`,
      `/api/projects/${projectId}`,
    ],
  },
  "/plans": {
    pages: ["plans"],
    requests: (_, search) => [plansRequest(search.get("repository")), REPOSITORIES],
  },
  "/plans/*": { pages: ["plan", "editor"], requests: ([id]) => plan(id) },
  "/plans/*/execution": { pages: ["plan", "execution"], requests: ([id]) => plan(id) },
  "/plans/*/reviews": { pages: ["plan", "reviews"], requests: ([id]) => iterations(id) },
  "/plans/*/history": { pages: ["plan", "history"], requests: ([id]) => iterations(id) },
  "/plan-templates": {
    pages: ["templates"],
    requests: () => ["/api/plan-templates?limit=200", REPOSITORIES],
  },
  "/repositories": { pages: ["repositories"], requests: () => [REPOSITORIES] },
};

/** Preload of a dashboard URL; empty for unknown paths. */
export function preloadFor(pathname: string, search: string): { pages: PageName[]; requests: string[] } {
  for (const [pattern, { pages, requests }] of Object.entries(PRELOADS)) {
    const found = new RegExp(`^${pattern.replaceAll("*", "([^/]+)")}/?$`).exec(pathname);
    if (found) return { pages, requests: requests(found.slice(1), new URLSearchParams(search)) };
  }
  return { pages: [], requests: [] };
}

function projectRequests(id: string, section: string | null): string[] {
  const hasOwnList = section !== "imports" && section !== "runs";
  const list = SECTIONS.find((name) => name === section) ?? "cards";
  const shown = ["", "/imports?limit=200", "/runs?limit=200", "/runs?active=true"];
  return [...shown, ...(hasOwnList ? [`/${list}?limit=200`] : [])].map(
    (path) => `/api/projects/${id}${path}`,
  );
}

const plansRequest = (repositoryId: string | null) =>
  repositoryId === null ? "/api/plans" : `/api/plans?repositoryId=${repositoryId}`;
