import { useInfiniteQuery } from "@tanstack/react-query";
import { Layers, Plus } from "lucide-react";
import { useState } from "react";

import { flatten } from "@/api/pages";
import { projectsQuery } from "@/services/projects";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { PageHeader } from "@/ui/PageHeader";
import { usePageTitle } from "@/ui/usePageTitle";

import { ProjectCards, ProjectCardsLoading } from "./ProjectCards";
import { ProjectDialog } from "./ProjectDialog";
import { UnassignedFiles } from "./UnassignedFiles";

export function Component() {
  usePageTitle("Projects");
  const [creating, setCreating] = useState(false);
  const create = (
    <Button variant="primary" icon={Plus} onClick={() => setCreating(true)}>
      New project
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Projects"
        lead="A project turns raw feedback into epics, stories and subtasks."
        actions={create}
      />
      <UnassignedFiles />
      <Projects create={create} />
      <ProjectDialog open={creating} onOpenChange={setCreating} />
    </>
  );
}

function Projects({ create }: { create: React.ReactNode }) {
  const query = useInfiniteQuery(projectsQuery());
  const projects = flatten(query.data);
  if (query.isPending) return <ProjectCardsLoading />;
  if (!query.data) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  if (projects.length === 0) {
    return (
      <EmptyState icon={Layers} title="No projects yet" action={create}>
        A project holds your feedback and the backlog generated from it. Start with a CSV file of reviews,
        support tickets or interview notes.
      </EmptyState>
    );
  }
  return (
    <>
      <ProjectCards projects={projects} />
      {query.hasNextPage && (
        <p style={{ marginTop: "var(--s4)", textAlign: "center" }}>
          <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            Load more
          </Button>
        </p>
      )}
    </>
  );
}
