import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { cardKeys } from "@/services/cards";
import { projectKeys } from "@/services/projects";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { plural } from "@/ui/format";
import { Notice } from "@/ui/Notice";
import { explain } from "@/api/errors";

import { InvalidCsvError, type Preview, parsePreview } from "./csv";
import { DropZone } from "./DropZone";
import s from "./Importing.module.css";
import { ImportPreview } from "./ImportPreview";
import { ImportResult } from "./ImportResult";
import { uploadCards } from "./upload";

type ReadFile = { name: string; preview: Preview } | { name: string; message: string };
type Props = {
  projectId: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  dropped: File | null;
};

/** CSV import: choose a file, preview it, send it, show rejected rows. */
export function ImportDialog({ open, onOpenChange, ...rest }: Props) {
  // unmount on close to reset the state
  return open && <OpenDialog onClose={() => onOpenChange(false)} {...rest} />;
}

function OpenDialog({
  projectId,
  dropped,
  onClose,
}: Omit<Props, "open" | "onOpenChange"> & { onClose: () => void }) {
  const { file, read, upload, sent } = useImport(projectId, dropped);
  const ready = file && "preview" in file ? file : null;
  const left = ready ? ready.preview.rows.length - ready.preview.errors.length : 0;
  const footer = upload.data ? (
    <Button variant="primary" onClick={onClose}>
      Done
    </Button>
  ) : (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button
        variant="primary"
        disabled={!ready || left === 0}
        busy={upload.isPending}
        onClick={() => ready && upload.mutate(ready.preview)}
      >
        {upload.isPending
          ? `Importing, ${Math.round(sent * 100)}%`
          : ready
            ? `Import ${plural(left, "card")}`
            : "Import"}
      </Button>
    </>
  );
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && !upload.isPending && onClose()}
      size="xl"
      title={upload.data ? "Cards imported" : "Import cards"}
      description={
        upload.data
          ? undefined
          : "A CSV file with a “text” column. “source” and “externalId” are optional; other columns are kept as metadata."
      }
      footer={footer}
    >
      <div className={s.stack}>
        {upload.error && (
          <Notice tone="error" title="Import failed">
            {explain(upload.error)} You can import the file again: cards with an externalId are not
            duplicated.
          </Notice>
        )}
        {upload.data ? (
          <ImportResult result={upload.data} preview={ready?.preview ?? null} />
        ) : (
          <>
            <DropZone
              compact={ready !== null}
              onFile={(chosen) => void read(chosen)}
              name={file?.name ?? null}
            />
            {file && "message" in file && (
              <Notice tone="error" title={`Cannot import ${file.name}`}>
                {file.message}
              </Notice>
            )}
            {ready && <ImportPreview preview={ready.preview} />}
          </>
        )}
      </div>
    </Dialog>
  );
}

function useImport(projectId: string, dropped: File | null) {
  const queries = useQueryClient();
  const [file, setFile] = useState<ReadFile | null>(null);
  const [seen, setSeen] = useState<File | null>(null);
  const [sent, setSent] = useState(0);
  const read = async (chosen: File) => setFile(await readFile(chosen));
  if (dropped !== seen) {
    setSeen(dropped);
    if (dropped) void read(dropped);
  }
  const upload = useMutation({
    mutationFn: (preview: Preview) => uploadCards(projectId, preview, setSent),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: projectKeys.all }),
        queries.invalidateQueries({ queryKey: cardKeys.list(projectId) }),
      ]),
  });
  return { file, read, upload, sent };
}

async function readFile(file: File): Promise<ReadFile> {
  try {
    return { name: file.name, preview: parsePreview(await file.text()) };
  } catch (error) {
    if (error instanceof InvalidCsvError) return { name: file.name, message: error.message };
    return { name: file.name, message: "Cannot read the file." };
  }
}
