/** The user's choices for an import, as parameters of the request. */

import type { Query } from "@/api/client";
import type { ColumnRole, ImportPreview, PreviewColumn } from "@/services/cards";

import { type FileKind, typeOf } from "./fileContent";

export type Choices = {
  charset?: string;
  delimiter?: string;
  dateOrder?: "dmy" | "mdy";
  /** Only columns whose role differs from the detected one. */
  roles: Record<string, ColumnRole>;
  keepPersonal: boolean;
  skipEqualTexts: boolean;
};
export const NO_CHOICES: Choices = { roles: {}, keepPersonal: false, skipEqualTexts: false };

const SINGLE = ["title", "externalId", "source", "postedAt"] as const;
/** Gateways reject longer URLs. */
const MAX_PINNED = 4_000;

/** Columns with the chosen roles. */
export function withChosenRoles(columns: PreviewColumn[], { roles }: Choices): PreviewColumn[] {
  return columns.map((column) => ({ ...column, role: roles[column.name] ?? column.role }));
}

/** Assign a role to a column. Only the text role may have several columns. */
export function chooseRole(
  choices: Choices,
  columns: PreviewColumn[],
  name: string,
  role: ColumnRole,
): Choices {
  const roles = { ...choices.roles, [name]: role };
  for (const column of withChosenRoles(columns, choices)) {
    const isReplaced = column.name !== name && column.role === role;
    if (isReplaced && SINGLE.some((single) => single === role)) roles[column.name] = "metadata";
  }
  return { ...choices, roles };
}

/** Parameters of a preview. */
export function previewQuery(kind: FileKind, choices: Choices, columns: PreviewColumn[]): Query {
  const { charset, delimiter, dateOrder, keepPersonal, roles } = choices;
  const hasRoles = Object.keys(roles).length > 0;
  return {
    type: typeOf(kind),
    charset,
    delimiter,
    dateOrder,
    personal: keepPersonal ? "keep" : undefined,
    ...(hasRoles ? roleQuery(withChosenRoles(columns, choices), roles) : {}),
  };
}

/** Parameters of an import: those of the preview and its results, so that all parts are read the same way. */
export function importQuery(
  kind: FileKind,
  choices: Choices,
  preview: ImportPreview,
  inParts: boolean,
): Query {
  const dedupe = choices.skipEqualTexts ? "content" : undefined;
  const query = { ...previewQuery(kind, choices, preview.columns), dedupe };
  if (!inParts) return query;
  const pinned = roleQuery(withChosenRoles(preview.columns, choices), choices.roles);
  const isLong = encodeURIComponent(JSON.stringify(pinned)).length > MAX_PINNED;
  return {
    ...query,
    ...(isLong ? {} : pinned),
    type: preview.type,
    charset: preview.encoding,
    delimiter: preview.delimiter,
    dateOrder: choices.dateOrder ?? preview.dateOrder,
    timezone: preview.timezone,
  };
}

function roleQuery(columns: PreviewColumn[], chosen: Record<string, ColumnRole>): Query {
  const named = (role: ColumnRole) => columns.filter((one) => one.role === role).map(({ name }) => name);
  const chosenAs = (role: ColumnRole) => Object.keys(chosen).filter((name) => chosen[name] === role);
  return {
    text: named("text"),
    ...Object.fromEntries(SINGLE.map((role) => [role, named(role)[0]])),
    metadata: chosenAs("metadata"),
    omit: chosenAs("personal"),
  };
}
