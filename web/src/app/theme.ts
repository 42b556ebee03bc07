/** Color theme, stored per browser. */

export type Theme = "system" | "light" | "dark";
const KEY = "groundwork.theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

export const theme = {
  get(): Theme {
    const kept = localStorage.getItem(KEY);
    return THEMES.find((name) => name === kept) ?? "system";
  },

  set(name: Theme): void {
    localStorage.setItem(KEY, name);
    theme.apply();
  },

  apply(): void {
    const name = theme.get();
    if (name === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
  },
};
