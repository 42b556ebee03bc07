import { Compass } from "lucide-react";
import { Link } from "react-router";

import { EmptyState } from "@/ui/EmptyState";
import { usePageTitle } from "@/ui/usePageTitle";

export function NotFound() {
  usePageTitle("Not found");
  return (
    <EmptyState isPage icon={Compass} title="Page not found" action={<Link to="/">Go to projects</Link>}>
      It was deleted, or the link is wrong.
    </EmptyState>
  );
}
