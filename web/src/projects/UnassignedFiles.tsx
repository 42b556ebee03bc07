import { useQuery } from "@tanstack/react-query";

import { unassignedFilesQuery } from "@/services/imports";
import { plural } from "@/ui/format";
import { Notice } from "@/ui/Notice";

const SHOWN = 5;

/** Files put into the bucket that belong to no project: nobody else would see them. */
export function UnassignedFiles() {
  const files = useQuery(unassignedFilesQuery()).data;
  if (!files?.length) return null;
  const more = files.length - SHOWN;
  return (
    <Notice tone="info" title={`${plural(files.length, "file")} in the bucket could not be imported`}>
      <ul>
        {files.slice(0, SHOWN).map(({ key, reason, createdAt }) => (
          <li key={`${key} ${createdAt}`}>
            <code>{key}</code>: {reason}
          </li>
        ))}
      </ul>
      {more > 0 && <p>and {plural(more, "more file")}</p>}
      <p>Put each file under imports/PROJECT/, with the id from the address of the project’s page.</p>
    </Notice>
  );
}
