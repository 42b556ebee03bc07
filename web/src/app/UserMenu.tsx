import { useQueryClient } from "@tanstack/react-query";
import { CircleUserRound, LogOut, Monitor, Moon, Sun } from "lucide-react";
import { useState } from "react";

import { token } from "@/api/token";
import { IconButton } from "@/ui/Button";
import { Menu, MenuItem, MenuLabel, MenuRadio, MenuRadioGroup, MenuSeparator } from "@/ui/Menu";

import { type Theme, theme } from "./theme";

export function UserMenu() {
  const [chosen, choose] = useState<Theme>(theme.get);
  const queries = useQueryClient();
  const change = (name: Theme) => {
    theme.set(name);
    choose(name);
  };
  const signOut = () => {
    queries.clear();
    token.clear();
  };
  return (
    <Menu trigger={<IconButton label="User menu" icon={CircleUserRound} />}>
      <MenuLabel>Theme</MenuLabel>
      <MenuRadioGroup value={chosen} onValueChange={(value) => change(value as Theme)}>
        <MenuRadio value="system" icon={Monitor}>
          System
        </MenuRadio>
        <MenuRadio value="light" icon={Sun}>
          Light
        </MenuRadio>
        <MenuRadio value="dark" icon={Moon}>
          Dark
        </MenuRadio>
      </MenuRadioGroup>
      <MenuSeparator />
      <MenuItem icon={LogOut} onSelect={signOut}>
        Sign out
      </MenuItem>
    </Menu>
  );
}
