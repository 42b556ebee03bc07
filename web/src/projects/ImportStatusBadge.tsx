import {
  Ban,
  CircleAlert,
  CircleCheck,
  Clock,
  LoaderCircle,
  type LucideIcon,
  TriangleAlert,
  Upload,
} from "lucide-react";

import type { ImportStatus } from "@/services/imports";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

type Look = { label: string; tone: Tone; icon: LucideIcon; spinning?: boolean };

const LOOKS: Record<ImportStatus, Look> = {
  AWAITING_UPLOAD: { label: "Not started", tone: "grey", icon: Upload },
  WAITING: { label: "Waiting", tone: "grey", icon: Clock },
  REFUSED: { label: "Refused", tone: "red", icon: CircleAlert },
  QUEUED: { label: "Queued", tone: "grey", icon: Clock },
  RUNNING: { label: "Running", tone: "blue", icon: LoaderCircle, spinning: true },
  SUCCEEDED: { label: "Succeeded", tone: "green", icon: CircleCheck },
  PARTIAL: { label: "Partial", tone: "amber", icon: TriangleAlert },
  FAILED: { label: "Failed", tone: "red", icon: CircleAlert },
  CANCELLED: { label: "Cancelled", tone: "grey", icon: Ban },
};

export function ImportStatusBadge({ status }: { status: ImportStatus }) {
  const { label, ...look } = LOOKS[status];
  return <StatusBadge {...look}>{label}</StatusBadge>;
}
