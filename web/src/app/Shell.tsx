import { FolderGit2, Layers, ListChecks, ShapesIcon } from "lucide-react";
import { useRef } from "react";
import { Link, Outlet, ScrollRestoration, useLocation, useNavigation } from "react-router";

import { ConnectionBanner } from "./ConnectionBanner";
import { Logo } from "./Logo";
import s from "./Shell.module.css";
import { usePageFocus } from "./usePageFocus";
import { UserMenu } from "./UserMenu";

const SECTIONS = [
  { to: "/", label: "Projects", icon: Layers },
  { to: "/plans", label: "Plans", icon: ListChecks },
  { to: "/plan-templates", label: "Templates", icon: ShapesIcon },
  { to: "/repositories", label: "Repositories", icon: FolderGit2 },
] as const;

/** Header, navigation and the page within. */
export function Shell() {
  const { state, location } = useNavigation();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const told = usePageFocus(main);
  return (
    <div className={s.shell}>
      <a className={s.skip} href="#main">
        Skip to content
      </a>
      <header className={s.header}>
        <div className={s.bar}>
          <Link to="/" className={s.home} aria-label="Groundwork home">
            <Logo />
            <span className={s.name}>Groundwork</span>
          </Link>
          <nav aria-label="Main" className={s.nav}>
            {SECTIONS.map(({ to, label, icon: Icon }) => (
              <Link
                key={to}
                to={to}
                className={`${s.link} ${isWithin(pathname, to) ? s.active : ""}`}
                aria-current={pathname === to ? "page" : isWithin(pathname, to) ? true : undefined}
              >
                <Icon size={16} aria-hidden />
                <span>{label}</span>
              </Link>
            ))}
          </nav>
          <UserMenu />
        </div>
        {state === "loading" && location.pathname !== window.location.pathname && (
          <div className={s.loading} />
        )}
      </header>
      <ConnectionBanner />
      <p className="visually-hidden" role="status">
        {told}
      </p>
      <main id="main" tabIndex={-1} className={s.main} ref={main}>
        <Outlet />
      </main>
      <ScrollRestoration />
    </div>
  );
}

/** Project pages are below `/projects`; their list is at `/`. */
function isWithin(pathname: string, to: string): boolean {
  if (to === "/") return pathname === "/" || pathname.startsWith("/projects/");
  return pathname === to || pathname.startsWith(`${to}/`);
}
