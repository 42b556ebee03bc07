import { ClipboardPaste, FileUp, MessageSquarePlus } from "lucide-react";
import { useId, useState } from "react";

import { explain } from "@/api/errors";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { plural } from "@/ui/format";
import { Notice } from "@/ui/Notice";
import { ProgressBar } from "@/ui/ProgressBar";
import { ViewSwitch } from "@/ui/ViewSwitch";

import { CardForm, useCardForm } from "./CardForm";
import { withChosenRoles } from "./choices";
import { DropZone } from "./DropZone";
import { NoPreviewError } from "./fileContent";
import s from "./Import.module.css";
import { ImportPreview } from "./ImportPreview";
import { ImportResult } from "./ImportResult";
import { PasteForm } from "./PasteForm";
import { ResumeNotice } from "./ResumeNotice";
import { needsUpload } from "./uploadChoice";
import { ImportStarted, UploadProgress } from "./UploadProgress";
import { FileNeededError, type ImportStep, useImport } from "./useImport";
import { type PreviewState, usePreview } from "./usePreview";
import { type UploadState, useUpload } from "./useUpload";

type Mode = "file" | "paste" | "card";
type Props = { projectId: string; dropped: File | null; onClose: () => void };

const MODES = [
  { value: "file", label: "File", icon: FileUp },
  { value: "paste", label: "Paste", icon: ClipboardPaste },
  { value: "card", label: "One card", icon: MessageSquarePlus },
] as const;

/** Import cards: preview a file or pasted text, send or upload it, show rejected rows; or add one card. */
export function ImportDialog({ projectId, dropped, onClose }: Props) {
  const [mode, setMode] = useState<Mode>("file");
  const form = useId();
  const card = useCardForm(projectId, onClose);
  const preview = usePreview(projectId);
  const sending = useImport(projectId);
  const uploading = useUpload(projectId);
  const [seen, setSeen] = useState<File | null>(null);
  if (dropped !== seen) {
    setSeen(dropped);
    if (dropped) void preview.open(dropped);
  }
  const open = (file: File) => {
    setMode("file");
    void preview.open(file);
  };
  const isOver = sending.result !== undefined || uploading.result !== undefined;
  const isBusy = sending.isSending || uploading.isSending;
  const title = uploading.result ? "Import started" : sending.result ? "Cards imported" : "Import cards";
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => !isOpen && !isBusy && onClose()}
      size="xl"
      title={title}
      footer={
        mode === "card" && !isOver ? (
          <CardActions id={form} card={card} onClose={onClose} />
        ) : (
          <FileActions preview={preview} sending={sending} uploading={uploading} onClose={onClose} />
        )
      }
    >
      <div className={s.stack}>
        {uploading.isSending ? (
          <UploadProgress step={uploading.step} />
        ) : uploading.result ? (
          <ImportStarted projectId={projectId} started={uploading.result} onClose={onClose} />
        ) : sending.isSending ? (
          <Sending step={sending.step} />
        ) : sending.result ? (
          <ImportResult result={sending.result} />
        ) : (
          <>
            <Unfinished sending={sending} uploadError={uploading.error} />
            <ViewSwitch label="Import from" value={mode} onChange={setMode} choices={MODES} />
            {mode === "file" && <FileContent preview={preview} onFile={open} />}
            {mode === "paste" && <PasteForm onFile={open} />}
            {mode === "card" && <CardForm id={form} form={card} />}
          </>
        )}
      </div>
    </Dialog>
  );
}

type SendingState = ReturnType<typeof useImport>;

function Unfinished({ sending, uploadError }: { sending: SendingState; uploadError: Error | null }) {
  const { saved } = sending;
  const error = sending.error ?? uploadError;
  const needsFile = error instanceof FileNeededError;
  return (
    <>
      {error && !needsFile && (
        <Notice tone="error" title="Import stopped">
          {explain(error)}
        </Notice>
      )}
      {saved && (
        <ResumeNotice
          saved={saved}
          needsFile={needsFile}
          onResume={(file) => sending.start({ resume: file })}
          onDiscard={() => void sending.discard()}
        />
      )}
    </>
  );
}

function FileContent({ preview, onFile }: { preview: PreviewState; onFile: (file: File) => void }) {
  return (
    <>
      <DropZone compact={preview.content !== null} onFile={onFile} name={preview.name} />
      {preview.error instanceof NoPreviewError ? (
        <Notice tone="info" title="No preview">
          {explain(preview.error)} The import reads it with the format, encoding and columns it detects.
          Rejected rows are listed afterwards.
        </Notice>
      ) : (
        preview.error !== null && (
          <Notice tone="error" title={`Cannot read ${preview.name ?? "the file"}`}>
            {explain(preview.error)}
          </Notice>
        )
      )}
      {preview.isReading && !preview.preview && <p role="status">Reading the file…</p>}
      {preview.preview && <ImportPreview preview={preview.preview} state={preview} />}
    </>
  );
}

function Sending({ step }: { step: ImportStep | null }) {
  const done = Math.floor((step?.share ?? 0) * 100);
  return (
    <div className={s.sending}>
      <p role="status">{step?.label ?? "Reading the file"}</p>
      <ProgressBar
        label="Import progress"
        segments={{ total: 100, done, failed: 0, skipped: 0, active: 0 }}
      />
      <p className={s.summary}>
        {done}%. You can leave this page: the import can be resumed where it stopped.
      </p>
    </div>
  );
}

type FileActionsProps = {
  preview: PreviewState;
  sending: SendingState;
  uploading: UploadState;
  onClose: () => void;
};

function FileActions({ preview: state, sending, uploading, onClose }: FileActionsProps) {
  if (uploading.isSending) return <Button onClick={uploading.stop}>Stop upload</Button>;
  if (sending.isSending) return <Button onClick={sending.stop}>Stop import</Button>;
  if (sending.result ?? uploading.result) {
    return (
      <Button variant="primary" onClick={onClose}>
        Done
      </Button>
    );
  }
  return (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <ImportButton state={state} sending={sending} uploading={uploading} />
    </>
  );
}

type ImportButtonProps = { state: PreviewState; sending: SendingState; uploading: UploadState };

function ImportButton({ state, sending, uploading }: ImportButtonProps) {
  const { content, preview, choices } = state;
  if (content && state.error instanceof NoPreviewError) {
    return (
      <Button variant="primary" onClick={() => uploading.start({ content, preview: null, choices })}>
        Upload and import
      </Button>
    );
  }
  const hasText =
    preview !== undefined && withChosenRoles(preview.columns, choices).some(({ role }) => role === "text");
  const cards = preview ? preview.rows - preview.rejectedCount : 0;
  const isReady = hasText && cards > 0 && !state.isReading && state.error === null;
  const start = () => {
    if (!content || !preview) return;
    const via = needsUpload(content, preview) ? uploading : sending;
    via.start({ content, preview, choices });
  };
  return (
    <Button variant="primary" disabled={!isReady} onClick={start}>
      {isReady ? (preview.isWhole ? `Import ${plural(cards, "card")}` : "Import all cards") : "Import"}
    </Button>
  );
}

type CardActionsProps = { id: string; card: ReturnType<typeof useCardForm>; onClose: () => void };

function CardActions({ id, card, onClose }: CardActionsProps) {
  return (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button variant="primary" type="submit" form={id} disabled={!card.isReady} busy={card.add.isPending}>
        Add card
      </Button>
    </>
  );
}
