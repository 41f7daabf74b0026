/** The model picker and the streaming switch. When the catalogue cannot be asked, a short built-in list serves. */

import { useQuery } from "@tanstack/react-query";
import { Command } from "cmdk";
import { Check, ChevronDown, TriangleAlert } from "lucide-react";
import { Popover, Switch } from "radix-ui";
import { useState } from "react";
import { api } from "../api/client";
import type { ModelInfo, Models } from "../api/types";
import { classes } from "../kit/pieces";
import { changeSetting, useSetting } from "../kit/settings";
import { words } from "../words/en";

const BUILT_IN: Models = {
  live: false,
  default: "",
  models: [
    "openai/gpt-5-mini",
    "openai/gpt-5",
    "anthropic/claude-sonnet-4-5",
    "openrouter/openai/gpt-5-mini",
    "ollama/llama3.3",
  ].map((name) => {
    const [provider = "", ...rest] = name.split("/");
    return { name, provider, id: rest.join("/") };
  }),
};

export function useModels(): Models & { loading: boolean } {
  const { data, isPending } = useQuery({
    queryKey: ["models"],
    queryFn: ({ signal }) => api.models(signal),
    staleTime: 5 * 60_000,
    retry: 1,
  });
  return {
    ...(data && data.models.length > 0 ? data : { ...BUILT_IN, ...(data?.problem ? { problem: data.problem } : {}) }),
    loading: isPending,
  };
}

/** The model to send along; undefined lets the house choose. */
export function chosenModel(model: string): string | undefined {
  return model === "auto" ? undefined : model;
}

const item =
  "flex min-h-9 cursor-default select-none items-center gap-2.5 rounded-lg px-2.5 py-1.5 outline-none data-[selected=true]:bg-hover";

export function ModelPicker() {
  const [open, setOpen] = useState(false);
  const chosen = useSetting("model");
  const streaming = useSetting("streaming");
  const { models, live, loading, problem, default: first } = useModels();
  const providers = [...new Set(models.map((model) => model.provider))];
  const short = chosen === "auto" ? words.models.auto : (chosen.split("/").at(-1) ?? chosen);

  const choose = (name: string) => {
    changeSetting("model", name);
    setOpen(false);
  };

  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger
        aria-label={`${words.models.label}: ${short}`}
        className="inline-flex h-8 min-w-0 items-center gap-1 rounded-[9px] px-2.5 text-[13px] text-ink-2 transition-colors hover:bg-hover hover:text-ink data-[state=open]:bg-hover pointer-coarse:h-9"
      >
        <span className="truncate">{short}</span>
        <ChevronDown size={13} className="shrink-0 text-ink-3" aria-hidden="true" />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          aria-label={words.models.label}
          align="start"
          side="top"
          sideOffset={8}
          collisionPadding={12}
          className="pop z-50 flex w-[min(320px,calc(100vw-24px))] flex-col overflow-hidden rounded-2xl border border-line bg-raised shadow-floating"
        >
          <Command label={words.models.label} className="flex min-h-0 flex-col" defaultValue={chosen}>
            <Command.Input
              placeholder={words.models.search}
              className="h-11 w-full border-line border-b bg-transparent px-4 text-[14px] placeholder:text-ink-3 focus:outline-none max-sm:text-[16px]"
            />
            <Command.List className="max-h-[min(300px,45dvh)] overflow-y-auto p-1.5 text-[13.5px]">
              <Command.Empty className="px-2.5 py-6 text-center text-ink-3">{words.models.none}</Command.Empty>
              <Command.Item value="auto" onSelect={() => choose("auto")} className={item}>
                <span className="min-w-0 flex-1">
                  <span className="block font-medium">{words.models.auto}</span>
                  <span className="block truncate text-[12px] text-ink-3">{words.models.auto_hint(first)}</span>
                </span>
                {chosen === "auto" && <Check size={15} className="text-livery" aria-hidden="true" />}
              </Command.Item>
              {providers.map((provider) => (
                <Command.Group
                  key={provider}
                  heading={provider}
                  className="[&>[cmdk-group-heading]]:px-2.5 [&>[cmdk-group-heading]]:pt-2.5 [&>[cmdk-group-heading]]:pb-1 [&>[cmdk-group-heading]]:text-[12px] [&>[cmdk-group-heading]]:text-ink-3"
                >
                  {models
                    .filter((model) => model.provider === provider)
                    .map((model) => (
                      <ModelItem key={model.name} model={model} chosen={chosen === model.name} onChoose={choose} />
                    ))}
                </Command.Group>
              ))}
            </Command.List>
          </Command>
          {!live && !loading && (
            <p className="flex gap-2 border-line border-t bg-brass-soft px-4 py-2.5 text-[12px] text-brass leading-snug">
              <TriangleAlert size={13} className="mt-0.5 shrink-0" aria-hidden="true" />
              <span title={problem ?? undefined}>{words.models.built_in_hint}</span>
            </p>
          )}
          <div className="flex h-11 items-center justify-between gap-3 border-line border-t px-4 text-[13px]">
            <span aria-hidden="true">{words.models.streaming}</span>
            <Toggle
              checked={streaming}
              onChange={(on) => changeSetting("streaming", on)}
              label={words.models.streaming}
            />
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function ModelItem({
  model,
  chosen,
  onChoose,
}: {
  model: ModelInfo;
  chosen: boolean;
  onChoose: (name: string) => void;
}) {
  const facts = [
    model.context_tokens ? words.models.context(model.context_tokens) : "",
    model.price ? words.models.price(model.price.input, model.price.output) : "",
  ].filter(Boolean);
  return (
    <Command.Item value={model.name} onSelect={() => onChoose(model.name)} className={item}>
      <span className="min-w-0 flex-1">
        <span className="block truncate">{model.id}</span>
        {facts.length > 0 && <span className="tabular block truncate text-[12px] text-ink-3">{facts.join(" · ")}</span>}
      </span>
      {chosen && <Check size={15} className="text-livery" aria-hidden="true" />}
    </Command.Item>
  );
}

export function Toggle({
  checked,
  onChange,
  label,
}: {
  checked: boolean;
  onChange: (on: boolean) => void;
  label: string;
}) {
  return (
    <Switch.Root
      checked={checked}
      onCheckedChange={onChange}
      aria-label={label}
      className={classes(
        "relative h-5 w-8.5 shrink-0 rounded-full bg-line-2 transition-colors data-[state=checked]:bg-livery",
      )}
    >
      <Switch.Thumb className="block size-4 translate-x-0.5 rounded-full bg-raised shadow-raised transition-transform data-[state=checked]:translate-x-4" />
    </Switch.Root>
  );
}
