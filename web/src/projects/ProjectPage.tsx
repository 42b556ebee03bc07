import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";

import { ApiError } from "@/api/errors";
import { hasUnfinishedImport } from "@/import/unfinished";
import { type Project, projectQuery } from "@/services/projects";
import { activeRunsQuery } from "@/services/runs";
import { StartRunDialog, type RunPreset } from "@/start-run/StartRunDialog";
import { Button } from "@/ui/Button";
import { ErrorState } from "@/ui/ErrorState";
import { Notice } from "@/ui/Notice";
import { Skeleton } from "@/ui/Skeleton";
import { usePageTitle } from "@/ui/usePageTitle";

import { ActiveRuns } from "./ActiveRuns";
import { PageDrop } from "./PageDrop";
import { ProjectHeader } from "./ProjectHeader";
import { SectionContent } from "./SectionContent";
import { SectionCards, type View, VIEWS } from "./SectionCards";

/** Lazily loaded: the page renders without it. */
const ImportDialog = lazy(() =>
  import("@/import/ImportDialog").then((module) => ({ default: module.ImportDialog })),
);

export function Component() {
  const { projectId = "" } = useParams();
  const query = useQuery(projectQuery(projectId));
  usePageTitle(query.data?.name ?? "Project");
  // active runs are at the top: wait for them to avoid a layout shift
  const runs = useQuery(activeRunsQuery(projectId));
  if (query.isPending || runs.isPending) return <Loading />;
  if (!query.data) {
    const isGone = query.error instanceof ApiError && query.error.status === 404;
    return (
      <ErrorState
        isPage
        title={isGone ? "Project not found" : "Could not load this project"}
        error={query.error}
        {...(isGone ? { action: <Link to="/">All projects</Link> } : { onRetry: () => void query.refetch() })}
      />
    );
  }
  return <ProjectView key={projectId} project={query.data} />;
}

function Loading() {
  return (
    <>
      <div style={{ maxWidth: 420, marginBottom: "var(--s6)" }}>
        <Skeleton lines={3} height={24} />
      </div>
      <Skeleton lines={5} height={56} />
    </>
  );
}

function ProjectView({ project }: { project: Project }) {
  const view = useView();
  const [importing, setImporting] = useState(false);
  const [dropped, setDropped] = useState<File | null>(null);
  const [preset, setPreset] = useState<RunPreset | null>(null);
  const openImport = (file: File | null) => {
    setDropped(file);
    setImporting(true);
  };
  return (
    <PageDrop onFile={openImport}>
      <ProjectHeader
        project={project}
        onImport={() => openImport(null)}
        onRun={(type) => setPreset({ type })}
      />
      {!importing && hasUnfinishedImport(project.id) && <Unfinished onResume={() => openImport(null)} />}
      <SectionCards project={project} view={view} />
      <ActiveRuns projectId={project.id} />
      <SectionContent project={project} view={view} onImport={openImport} onRun={setPreset} />
      {importing && (
        <Suspense>
          <ImportDialog projectId={project.id} dropped={dropped} onClose={() => setImporting(false)} />
        </Suspense>
      )}
      <StartRunDialog project={project} preset={preset} onClose={() => setPreset(null)} />
    </PageDrop>
  );
}

function Unfinished({ onResume }: { onResume: () => void }) {
  const action = (
    <Button size="s" onClick={onResume}>
      View import
    </Button>
  );
  return (
    <Notice tone="info" title="An import is not finished" action={action}>
      Resume it to send the other rows.
    </Notice>
  );
}

/** The section is part of the URL. */
function useView(): View {
  const [search] = useSearchParams();
  const asked = search.get("section");
  return VIEWS.find((view) => view === asked) ?? "cards";
}
