import { Link } from "react-router";

import { ProgressBar } from "@/ui/ProgressBar";

import s from "./Import.module.css";
import type { StartedImport, UploadStep } from "./uploadImport";

const LABELS: Record<UploadStep["phase"], string> = {
  uploading: "Uploading the file",
  starting: "Starting the import",
  waiting: "Waiting for another import of this project to end",
};

export function UploadProgress({ step }: { step: UploadStep | null }) {
  const done = Math.floor((step?.share ?? 0) * 100);
  const isUploading = !step || step.phase === "uploading";
  return (
    <div className={s.sending}>
      <p role="status">{LABELS[step?.phase ?? "uploading"]}</p>
      <ProgressBar
        label="Upload progress"
        segments={{ total: 100, done, failed: 0, skipped: 0, active: 0 }}
      />
      <p className={s.summary}>
        {isUploading
          ? `${done}%. Keep this page open until the upload is complete.`
          : "The file is uploaded. If you leave this page now, start the import from the list of imports."}
      </p>
    </div>
  );
}

type StartedProps = { projectId: string; started: StartedImport; onClose: () => void };

/** After the start: the server does the rest. */
export function ImportStarted({ projectId, started, onClose }: StartedProps) {
  return (
    <div className={s.stack}>
      <p>
        <strong>{started.name}</strong> is uploaded, and its import has started. It continues on the server:
        you can close this page.
      </p>
      <p className={s.summary}>
        <Link to={`/projects/${projectId}/runs/${started.runId}`}>Follow the run</Link>, or see{" "}
        <Link to={`/projects/${projectId}?section=imports`} onClick={onClose}>
          all imports
        </Link>{" "}
        with their counts and rejected rows.
      </p>
    </div>
  );
}
