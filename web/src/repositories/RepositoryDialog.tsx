import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError, fieldError } from "@/api/errors";
import { FormDialog } from "@/plans/FormDialog";
import {
  changeRepository,
  createRepository,
  type Repository,
  repositoryKeys,
  type RepositoryPatch,
} from "@/services/repositories";
import { Field } from "@/ui/Field";
import { toast } from "@/ui/toast";

const SECRET = /^groundwork\/[A-Za-z0-9/_+=.@-]+$/;

/** Add or edit a repository. Only the name of the credentials secret is stored. */
export function RepositoryDialog({ repository, onClose }: { repository?: Repository; onClose: () => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState(repository?.name ?? "");
  const [url, setUrl] = useState(repository?.url ?? "");
  const [branch, setBranch] = useState(repository?.defaultBranch ?? "main");
  const [secret, setSecret] = useState(repository?.credentialsSecret ?? "");
  const saving = useMutation({
    mutationFn: () => {
      const credentialsSecret = secret.trim() || null;
      const said = { name: name.trim(), url: url.trim(), defaultBranch: branch.trim() };
      if (!repository) return createRepository({ ...said, credentialsSecret });
      return changeRepository(repository.id, patchOf(repository, { ...said, credentialsSecret }));
    },
    onSuccess: () => {
      toast.ok(repository ? "Repository saved" : "Repository added");
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: repositoryKeys.all }),
  });
  const isWrongSecret = secret.trim() !== "" && !SECRET.test(secret.trim());
  return (
    <FormDialog
      title={repository ? `Edit ${repository.name}` : "Add repository"}
      submit={repository ? "Save" : "Add repository"}
      isDisabled={!name.trim() || !url.trim() || !branch.trim() || isWrongSecret}
      busy={saving.isPending}
      error={saving.error instanceof ApiError && saving.error.fields.length > 0 ? null : saving.error}
      onSubmit={() => saving.mutate()}
      onClose={onClose}
    >
      <Field label="Name" error={fieldError(saving.error, "name")}>
        {(props) => (
          <input
            {...props}
            value={name}
            maxLength={200}
            required
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field
        label="URL"
        error={fieldError(saving.error, "url")}
        hint="https://…; the local system also accepts a path on this machine."
      >
        {(props) => (
          <input
            {...props}
            value={url}
            maxLength={1000}
            required
            spellCheck={false}
            placeholder="https://github.com/owner/name"
            onChange={(event) => setUrl(event.target.value)}
          />
        )}
      </Field>
      <Field label="Default branch" error={fieldError(saving.error, "defaultBranch")}>
        {(props) => (
          <input
            {...props}
            value={branch}
            maxLength={200}
            required
            spellCheck={false}
            onChange={(event) => setBranch(event.target.value)}
          />
        )}
      </Field>
      <Field
        label="Credentials secret"
        error={
          isWrongSecret
            ? "The secret name must start with groundwork/."
            : fieldError(saving.error, "credentialsSecret")
        }
        hint="Name of a secret in AWS Secrets Manager. Leave empty if no credentials are needed."
      >
        {(props) => (
          <input
            {...props}
            value={secret}
            maxLength={200}
            spellCheck={false}
            placeholder="groundwork/shop"
            onChange={(event) => setSecret(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}

/** Changed fields. A new URL always includes the secret, because a new host requires it again. */
export function patchOf(
  before: Repository,
  after: Required<Omit<RepositoryPatch, "checks">>,
): RepositoryPatch {
  const patch: RepositoryPatch = {};
  if (after.name !== before.name) patch.name = after.name;
  if (after.defaultBranch !== before.defaultBranch) patch.defaultBranch = after.defaultBranch;
  if (after.url !== before.url) patch.url = after.url;
  if (after.url !== before.url || after.credentialsSecret !== before.credentialsSecret) {
    patch.credentialsSecret = after.credentialsSecret ?? null;
  }
  return patch;
}
