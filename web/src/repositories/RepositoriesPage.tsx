import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { FolderGit2, KeyRound, ListChecks, PencilLine, Plus, ShieldCheck, Trash2 } from "lucide-react";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";

import { ApiError, explain } from "@/api/errors";
import {
  deleteRepository,
  type Repository,
  repositoryKeys,
  repositoriesQuery,
} from "@/services/repositories";
import { Button, IconButton } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { PageHeader } from "@/ui/PageHeader";
import { plural } from "@/ui/format";
import { Skeleton } from "@/ui/Skeleton";
import { toast } from "@/ui/toast";
import { usePageTitle } from "@/ui/usePageTitle";

import { ChecksDialog } from "./ChecksDialog";
import s from "./Repositories.module.css";
import { RepositoryDialog } from "./RepositoryDialog";

type Open = { kind: "new" } | { kind: "edit" | "delete"; repository: Repository };

/** Repositories of plans. */
export function Component() {
  usePageTitle("Repositories");
  const [open, setOpen] = useState<Open | null>(null);
  const { data, error, isPending, refetch } = useQuery(repositoriesQuery());
  const close = () => setOpen(null);
  const [search, setSearch] = useSearchParams();
  const checked = data?.find(({ id }) => id === search.get("checks"));
  const showChecks = (id: string | null) =>
    setSearch(id ? { checks: id } : {}, { replace: true, preventScrollReset: true });
  const add = (
    <Button variant="primary" icon={Plus} onClick={() => setOpen({ kind: "new" })}>
      Add repository
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Repositories"
        lead="Code that plans change."
        {...(isPending || (data && data.length > 0) ? { actions: add } : {})}
      />
      {isPending && <Skeleton lines={4} height={56} />}
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {data?.length === 0 && (
        <EmptyState icon={FolderGit2} title="No repositories yet" action={add}>
          Add the repository that your plans will change. Nothing changes there until a plan runs.
        </EmptyState>
      )}
      {data && data.length > 0 && (
        <ul className={s.repositories}>
          {data.map((repository) => (
            <RepositoryRow
              key={repository.id}
              repository={repository}
              onOpen={(kind) => setOpen({ kind, repository })}
              onChecks={() => showChecks(repository.id)}
            />
          ))}
        </ul>
      )}
      {checked && <ChecksDialog key={checked.id} repository={checked} onClose={() => showChecks(null)} />}
      {open?.kind === "new" && <RepositoryDialog onClose={close} />}
      {open?.kind === "edit" && <RepositoryDialog repository={open.repository} onClose={close} />}
      {open?.kind === "delete" && <DeleteRepository repository={open.repository} onClose={close} />}
    </>
  );
}

type LineProps = {
  repository: Repository;
  onOpen: (kind: "edit" | "delete") => void;
  onChecks: () => void;
};

function RepositoryRow({ repository, onOpen, onChecks }: LineProps) {
  const { id, name, url, defaultBranch, credentialsSecret, checks } = repository;
  const count = checks?.verify.length ?? 0;
  return (
    <li className={s.repository}>
      <div className={s.main}>
        <h2 className={s.name}>{name}</h2>
        <p className={s.facts}>
          {url.startsWith("https://") ? (
            <a href={url} target="_blank" rel="noreferrer" className="mono">
              {url}
            </a>
          ) : (
            <span className="mono">{url}</span>
          )}
          <span>
            branch <span className="mono">{defaultBranch}</span>
          </span>
          {credentialsSecret && (
            <span className={s.secret}>
              <KeyRound size={13} aria-hidden /> {credentialsSecret}
            </span>
          )}
          <span>{count > 0 ? plural(count, "check") : "no checks"}</span>
        </p>
      </div>
      <Button variant="ghost" icon={ShieldCheck} aria-label={`Checks of ${name}`} onClick={onChecks}>
        Checks
      </Button>
      <Link to={`/plans?repository=${id}`} className={s.plans}>
        <ListChecks size={15} aria-hidden /> Plans
      </Link>
      <IconButton label={`Edit ${name}`} icon={PencilLine} onClick={() => onOpen("edit")} />
      <IconButton label={`Delete ${name}…`} icon={Trash2} onClick={() => onOpen("delete")} />
    </li>
  );
}

function DeleteRepository({ repository, onClose }: { repository: Repository; onClose: () => void }) {
  const queries = useQueryClient();
  const deletion = useMutation({
    mutationFn: () => deleteRepository(repository.id),
    onSuccess: () => {
      toast.ok("Repository deleted");
      onClose();
    },
    onError: (error) => {
      onClose();
      const inUse = error instanceof ApiError && error.code === "REPOSITORY_IN_USE";
      toast.error(
        "Could not delete the repository",
        inUse ? "Plans use this repository. Delete them first." : explain(error),
      );
    },
    onSettled: () => queries.invalidateQueries({ queryKey: repositoryKeys.all }),
  });
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete “${repository.name}”?`}
      confirm="Delete repository"
      busy={deletion.isPending}
      onConfirm={() => deletion.mutate()}
    >
      The code itself is not touched. Delete the plans of this repository first.
    </ConfirmDialog>
  );
}
