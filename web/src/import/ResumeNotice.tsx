import { useRef } from "react";

import { Button } from "@/ui/Button";
import { plural } from "@/ui/format";
import { Notice } from "@/ui/Notice";

import type { ImportState } from "./importState";
import { shareDone } from "./useImport";

type Props = {
  saved: ImportState;
  /** The browser no longer has the file. */
  needsFile: boolean;
  onResume: (file: File | null) => void;
  onDiscard: () => void;
};

/** Offer to resume a stopped import. */
export function ResumeNotice({ saved, needsFile, onResume, onDiscard }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const { created, duplicates, rejectedCount } = saved.totals;
  const rows = created + duplicates + rejectedCount;
  const actions = (
    <>
      <Button size="s" onClick={onDiscard}>
        Discard import
      </Button>
      <Button
        size="s"
        variant="primary"
        onClick={() => (needsFile ? input.current?.click() : onResume(null))}
      >
        {needsFile ? "Choose file and resume" : "Resume import"}
      </Button>
    </>
  );
  return (
    <Notice
      tone="info"
      title={`The import of ${saved.name} is not finished: ${Math.floor(shareDone(saved) * 100)}%`}
      action={actions}
    >
      {plural(rows, "row")} sent, {plural(created, "new card")}.{" "}
      {needsFile
        ? `The browser no longer has the file: choose ${saved.name} again.`
        : "No row is imported twice."}
      <input
        ref={input}
        className="visually-hidden"
        type="file"
        tabIndex={-1}
        aria-label={`Choose ${saved.name} again`}
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) onResume(file);
          event.target.value = "";
        }}
      />
    </Notice>
  );
}
