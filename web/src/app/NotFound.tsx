import { Compass } from "lucide-react";
import { Link } from "react-router";

import { EmptyState } from "@/ui/EmptyState";
import { usePageTitle } from "@/ui/usePageTitle";

export function NotFound() {
  usePageTitle("Not found");
  return (
    <EmptyState
      isPage
      icon={Compass}
      title="There is nothing at this address"
      action={<Link to="/">Go to the projects</Link>}
    >
      It may have been deleted, or the link is wrong.
    </EmptyState>
  );
}
