import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { FolderGit2, ListChecks, Plus } from "lucide-react";
import { Link, useSearchParams } from "react-router";

import { flatten } from "@/api/pages";
import { plansQuery } from "@/services/plans";
import { repositoriesQuery } from "@/services/repositories";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { PageHeader } from "@/ui/PageHeader";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/Skeleton";
import { usePageTitle } from "@/ui/usePageTitle";

import type { Repository } from "./model";
import { NewPlanDialog } from "./NewPlanDialog";
import { PlanRow } from "./PlanRow";
import s from "./PlansPage.module.css";

const ALL = "all";

/** Query with or without the new-plan dialog. */
function withNewPlan(search: URLSearchParams, isNew: boolean): URLSearchParams {
  const next = new URLSearchParams(search);
  next.delete("stories");
  if (isNew) next.set("new", "");
  else next.delete("new");
  return next;
}

/** List of plans, newest first. `?new&stories=ID,ID` opens the new-plan dialog for these stories. */
export function Component() {
  usePageTitle("Plans");
  const [search, setSearch] = useSearchParams();
  const isNew = search.has("new");
  const setNew = (is: boolean) => setSearch((now) => withNewPlan(now, is), { replace: !is });
  const repositoryId = search.get("repository");
  const plans = useInfiniteQuery(plansQuery(repositoryId));
  const repositories = useQuery(repositoriesQuery());
  const known = repositories.data ?? [];
  const items = flatten(plans.data);
  // wait for both to avoid a layout shift
  const isPending = plans.isPending || repositories.isPending;
  const hasNone = plans.isSuccess && items.length === 0;
  return (
    <>
      <PageHeader
        title="Plans"
        lead="Phases of tasks that change a repository. Generate a plan with Claude or write it yourself, then run it."
        actions={
          (known.length > 0 || repositories.isPending) && (
            <Button
              variant="primary"
              icon={Plus}
              disabled={repositories.isPending}
              onClick={() => setNew(true)}
            >
              New plan
            </Button>
          )
        }
      />
      {known.length > 1 && (
        <div className={s.filter}>
          <Select
            label="Repository"
            value={repositoryId ?? ALL}
            onValueChange={(id) => setSearch(id === ALL ? {} : { repository: id }, { replace: true })}
            options={[
              { value: ALL, label: "All repositories" },
              ...known.map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
        </div>
      )}
      {isPending && <Skeleton lines={6} height={56} />}
      {plans.isError && items.length === 0 && (
        <ErrorState error={plans.error} title="Could not load plans" onRetry={() => void plans.refetch()} />
      )}
      {hasNone && repositories.isSuccess && <NoPlans repositories={known} onNew={() => setNew(true)} />}
      {!isPending && items.length > 0 && (
        <ul className={s.plans}>
          {items.map((plan) => (
            <PlanRow
              key={plan.id}
              plan={plan}
              repository={known.find(({ id }) => id === plan.repositoryId) ?? null}
            />
          ))}
        </ul>
      )}
      {plans.hasNextPage && (
        <div className={s.more}>
          <Button busy={plans.isFetchingNextPage} onClick={() => void plans.fetchNextPage()}>
            Load more
          </Button>
        </div>
      )}
      {isNew && known.length > 0 && (
        <NewPlanDialog
          repositories={known}
          repositoryId={repositoryId}
          storyIds={search.get("stories")?.split(",").filter(Boolean) ?? []}
          onClose={() => setNew(false)}
        />
      )}
    </>
  );
}

function NoPlans({ repositories, onNew }: { repositories: Repository[]; onNew: () => void }) {
  if (repositories.length === 0) {
    return (
      <EmptyState
        icon={FolderGit2}
        title="No repositories yet"
        action={<Link to="/repositories">Add a repository</Link>}
      >
        Add the repository that your plans will change.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={ListChecks}
      title="No plans yet"
      action={
        <Button variant="primary" icon={Plus} onClick={onNew}>
          New plan
        </Button>
      }
    >
      Describe what to build, or select stories from a backlog. Claude drafts the plan.
    </EmptyState>
  );
}
