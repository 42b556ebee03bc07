/** Lazy modules of the pages, one chunk each; every module exports `Component`. */
export const pageModules = {
  signIn: () => import("@/sign-in/SignInPage"),
  projects: () => import("@/projects/ProjectsPage"),
  project: () => import("@/projects/ProjectPage"),
  run: () => import("@/runs/RunPage"),
  plans: () => import("@/plans/PlansPage"),
  plan: () => import("@/plans/PlanPage"),
  editor: () => import("@/plans/EditorPage"),
  execution: () => import("@/execution/ExecutionPage"),
  reviews: () => import("@/plans/ReviewsPage"),
  history: () => import("@/plans/HistoryPage"),
  templates: () => import("@/plans/TemplatesPage"),
  repositories: () => import("@/repositories/RepositoriesPage"),
};

export type PageName = keyof typeof pageModules;
