/** Who is signed in; appearance, stopping everything, about, sign out. */

import { useQueryClient } from "@tanstack/react-query";
import { Check, ChevronsUpDown, Info, LogOut, Monitor, Moon, OctagonX, Sun, UserRound } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useState } from "react";
import { api } from "./api/client";
import type { Me } from "./api/types";
import { refreshConversations } from "./chat/conversations";
import { forgetAll } from "./chat/store";
import { note } from "./kit/notes";
import { Confirm, classes, Dialog, menu } from "./kit/pieces";
import { go } from "./kit/route";
import { changeSetting, type Settings, useSetting } from "./kit/settings";
import { words } from "./words/en";

const THEMES: [Settings["theme"], string, typeof Sun][] = [
  ["system", words.menu.system, Monitor],
  ["light", words.menu.light, Sun],
  ["dark", words.menu.dark, Moon],
];

export function PersonMenu({ me, className }: { me: Me; className: string }) {
  const theme = useSetting("theme");
  const [about, setAbout] = useState(false);
  const [stopping, setStopping] = useState(false);
  const client = useQueryClient();
  const { name, standing } = me.person;

  const stop = async (everybody = false) => {
    try {
      const { cancelled } = await api.stop({ everybody });
      note(words.stop.stopped(cancelled));
    } catch (reason) {
      note(words.stop.failed(reason instanceof Error ? reason.message : words.state.unreachable));
    }
    void refreshConversations(client);
  };

  const signOut = async () => {
    await api.logout().catch(() => {});
    forgetAll();
    changeSetting("last_conversation", "");
    client.clear();
    location.hash = "";
    location.reload();
  };

  return (
    <>
      <DropdownMenu.Root>
        <DropdownMenu.Trigger data-testid="person-menu" className={classes(className, "h-11!")}>
          <span
            aria-hidden="true"
            className="grid size-7 shrink-0 place-items-center rounded-full bg-livery font-medium text-[12.5px] text-on-livery"
          >
            {[...name][0]?.toUpperCase()}
          </span>
          <span className="min-w-0 flex-1 text-start leading-tight">
            <span className="block truncate font-medium text-ink">{name}</span>
            <span className="block text-[11.5px] text-ink-3">{words.menu.standing[standing] ?? standing}</span>
          </span>
          <ChevronsUpDown size={14} className="text-ink-3" aria-hidden="true" />
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content side="top" align="start" sideOffset={6} className={classes(menu.content, "w-60")}>
            <DropdownMenu.Label className={menu.label}>{words.menu.theme}</DropdownMenu.Label>
            <DropdownMenu.RadioGroup
              value={theme}
              onValueChange={(value) => changeSetting("theme", value as Settings["theme"])}
            >
              {THEMES.map(([value, label, Sign]) => (
                <DropdownMenu.RadioItem key={value} value={value} className={menu.item}>
                  <Sign size={15} className="text-ink-3" aria-hidden="true" /> {label}
                  <DropdownMenu.ItemIndicator className="ms-auto">
                    <Check size={15} className="text-livery" />
                  </DropdownMenu.ItemIndicator>
                </DropdownMenu.RadioItem>
              ))}
            </DropdownMenu.RadioGroup>
            <DropdownMenu.Separator className={menu.separator} />
            <DropdownMenu.Item className={menu.item} onSelect={() => void stop()}>
              <OctagonX size={15} className="text-ink-3" aria-hidden="true" /> {words.stop.mine}
            </DropdownMenu.Item>
            {standing === "admin" && (
              <DropdownMenu.Item className={menu.item} onSelect={() => setStopping(true)}>
                <OctagonX size={15} className="text-ink-3" aria-hidden="true" /> {words.stop.everybody}
              </DropdownMenu.Item>
            )}
            <DropdownMenu.Separator className={menu.separator} />
            <DropdownMenu.Item className={menu.item} onSelect={() => go({ page: "you" })}>
              <UserRound size={15} className="text-ink-3" aria-hidden="true" /> {words.pages.you}
            </DropdownMenu.Item>
            <DropdownMenu.Item className={menu.item} onSelect={() => setAbout(true)}>
              <Info size={15} className="text-ink-3" aria-hidden="true" /> {words.menu.about}
            </DropdownMenu.Item>
            <DropdownMenu.Item className={menu.item} onSelect={() => void signOut()}>
              <LogOut size={15} className="text-ink-3" aria-hidden="true" /> {words.menu.sign_out}
            </DropdownMenu.Item>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      <Confirm
        open={stopping}
        onClose={() => setStopping(false)}
        onYes={() => void stop(true)}
        title={words.stop.everybody_title}
        text={words.stop.everybody_text}
        yes={words.stop.everybody_yes}
        no={words.stop.keep}
      />
      <Dialog open={about} onClose={() => setAbout(false)} title={words.about.title} description={words.about.what}>
        <p className="tabular text-[13px] text-ink-3">{words.about.version(me.version)}</p>
        <h3 className="mt-5 font-medium text-[13.5px]">{words.about.sources}</h3>
        <p className="mt-1 text-[13px] text-ink-2">{words.about.tmdb}</p>
        <p className="mt-1.5 text-[13px] text-ink-2">{words.about.tvmaze}</p>
        <h3 className="mt-5 font-medium text-[13.5px]">{words.about.keys}</h3>
        <dl className="mt-1.5 grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 text-[13px]">
          {words.about.shortcuts.map(([keys, what]) => (
            <div key={keys} className="contents">
              <dt className="flex gap-1">
                {keys.split(" ").map((key) => (
                  <kbd
                    key={key}
                    className="rounded-md border border-line-2 bg-linen px-1.5 font-sans text-[12px] text-ink-2"
                  >
                    {key}
                  </kbd>
                ))}
              </dt>
              <dd className="text-ink-2">{what}</dd>
            </div>
          ))}
        </dl>
      </Dialog>
    </>
  );
}
