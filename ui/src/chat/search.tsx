/** The palette behind Ctrl K: conversations by title, and the few things one does from anywhere. */

import { useQueryClient } from "@tanstack/react-query";
import { Command } from "cmdk";
import { Hand, House, MessageSquare, MessageSquarePlus, SunMoon, UserRound } from "lucide-react";
import { Dialog } from "radix-ui";
import { useDeferredValue, useEffect, useState } from "react";
import { go } from "../kit/route";
import { changeSetting, setting } from "../kit/settings";
import { day, words } from "../words/en";
import { useConversationSearch } from "./conversations";
import { Isolated } from "./isolated";

const item =
  "flex h-10 cursor-default select-none items-center gap-3 rounded-[10px] px-3 text-[14px] outline-none data-[selected=true]:bg-hover";
const group =
  "[&>[cmdk-group-heading]]:px-3 [&>[cmdk-group-heading]]:pt-2.5 [&>[cmdk-group-heading]]:pb-1 [&>[cmdk-group-heading]]:text-[12px] [&>[cmdk-group-heading]]:text-ink-3";

export function SearchPalette({ open, onClose }: { open: boolean; onClose: () => void }) {
  const [query, setQuery] = useState("");
  const asked = useDeferredValue(query.trim());
  const client = useQueryClient();
  const { data } = useConversationSearch(asked);
  useEffect(() => {
    if (!open) return;
    setQuery("");
    void client.invalidateQueries({ queryKey: ["conversations", "search"] });
  }, [open, client]);

  const then = (act: () => void) => () => {
    onClose();
    act();
  };
  const flip = () => {
    const dark =
      setting("theme") === "system" ? matchMedia("(prefers-color-scheme: dark)").matches : setting("theme") === "dark";
    changeSetting("theme", dark ? "light" : "dark");
  };
  const actions = [
    { name: words.sidebar.new_conversation, Sign: MessageSquarePlus, act: () => go({ page: "new" }) },
    { name: words.pages.approvals, Sign: Hand, act: () => go({ page: "approvals" }) },
    { name: words.pages.you, Sign: UserRound, act: () => go({ page: "you" }) },
    { name: words.pages.house, Sign: House, act: () => go({ page: "house" }) },
    { name: `${words.menu.theme}: ${words.menu.light} / ${words.menu.dark}`, Sign: SunMoon, act: flip },
  ].filter(({ name }) => name.toLowerCase().includes(asked.toLowerCase()));
  const conversations = data?.conversations ?? [];

  return (
    <Dialog.Root open={open} onOpenChange={(next) => next || onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="veil fixed inset-0 z-40 bg-veil" />
        <Dialog.Content
          aria-describedby={undefined}
          className="pop fixed inset-x-3 top-[12dvh] z-50 mx-auto flex max-h-[70dvh] max-w-xl flex-col overflow-hidden rounded-2xl border border-line bg-raised shadow-floating focus:outline-none"
        >
          <Dialog.Title className="sr-only">{words.search.title}</Dialog.Title>
          <Command label={words.search.title} shouldFilter={false} className="flex min-h-0 flex-col">
            <Command.Input
              value={query}
              onValueChange={setQuery}
              placeholder={words.search.placeholder}
              className="h-13 w-full shrink-0 border-line border-b bg-transparent px-5 text-[15px] placeholder:text-ink-3 focus:outline-none max-sm:text-[16px]"
            />
            <Command.List className="min-h-0 overflow-y-auto p-2">
              <Command.Empty className="py-10 text-center text-[14px] text-ink-3">{words.search.none}</Command.Empty>
              {conversations.length > 0 && (
                <Command.Group heading={words.search.conversations} className={group}>
                  {conversations.map((conversation) => (
                    <Command.Item
                      key={conversation.id}
                      value={conversation.id}
                      onSelect={then(() => go({ page: "conversation", id: conversation.id }))}
                      className={item}
                    >
                      <MessageSquare size={15} className="shrink-0 text-ink-3" aria-hidden="true" />
                      <span className="min-w-0 flex-1 truncate">
                        <Isolated text={conversation.title || words.sidebar.untitled} />
                      </span>
                      <span className="shrink-0 text-[12px] text-ink-3">{day(conversation.updated_at_ms)}</span>
                    </Command.Item>
                  ))}
                </Command.Group>
              )}
              {actions.length > 0 && (
                <Command.Group heading={words.search.actions} className={group}>
                  {actions.map(({ name, Sign, act }) => (
                    <Command.Item key={name} value={name} onSelect={then(act)} className={item}>
                      <Sign size={15} className="shrink-0 text-ink-3" aria-hidden="true" />
                      {name}
                    </Command.Item>
                  ))}
                </Command.Group>
              )}
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
