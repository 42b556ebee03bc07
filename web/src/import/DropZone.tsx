import { FileSpreadsheet } from "lucide-react";
import { useId, useRef, useState } from "react";

import { Button } from "@/ui/Button";

import s from "./Import.module.css";

type Props = { onFile: (file: File) => void; name: string | null; compact: boolean };

const ACCEPTED = ".csv,.tsv,.tab,.txt,.json,.ndjson,.jsonl,.xlsx,.gz,.zip";

/** Drop target and button for a file. */
export function DropZone({ onFile, name, compact }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const [over, setOver] = useState(false);
  const take = (files: FileList | null) => {
    const file = files?.[0];
    if (file) onFile(file);
  };
  return (
    // dropping is a shortcut for the pointer; the button does the same
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      className={`${s.zone} ${compact ? s.compact : ""}`}
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(false);
        take(event.dataTransfer.files);
      }}
    >
      <FileSpreadsheet size={compact ? 18 : 26} aria-hidden />
      <span className={s.zoneText}>
        {name ?? "Drop a CSV, TSV, JSON, NDJSON or xlsx file here, or one of these as gzip or zip"}
      </span>
      <Button size={compact ? "s" : "m"} onClick={() => input.current?.click()}>
        {name ? "Choose another file" : "Choose file"}
      </Button>
      <label htmlFor={id} className="visually-hidden">
        File with cards
      </label>
      <input
        ref={input}
        id={id}
        className="visually-hidden"
        type="file"
        tabIndex={-1}
        accept={ACCEPTED}
        onChange={(event) => {
          take(event.target.files);
          event.target.value = "";
        }}
      />
    </div>
  );
}
