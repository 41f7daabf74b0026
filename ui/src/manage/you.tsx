/** What the house knows of the person who looks: their accounts, what it remembers, and how it forgets. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { type FormEvent, type ReactNode, useState } from "react";
import { api } from "../api/client";
import type { Me, Remembered } from "../api/types";
import { noteFailure } from "../chat/conversations";
import { Isolated } from "../chat/isolated";
import { forgetAll } from "../chat/store";
import { Button, Confirm, classes, Dialog, Failed, field, IconButton, Spinner } from "../kit/pieces";
import { changeSetting } from "../kit/settings";
import { day, words } from "../words/en";
import { Frame, Part, Waiting } from "./frame";
import { Identities, LinkChannel } from "./identities";

export default function YouPage({ me, start }: { me: Me; start: ReactNode }) {
  const [linking, setLinking] = useState(false);
  return (
    <Frame me={me} start={start} page="you" hint={words.you.hint}>
      <Facts me={me} />
      <Part title={words.identities.yours} hint={words.identities.yours_hint}>
        {me.person.standing === "admin" && <Identities person={me.person} watching={linking} />}
        <LinkChannel onCode={setLinking} />
      </Part>
      <ForgetMe name={me.person.name} />
    </Frame>
  );
}

function Facts({ me }: { me: Me }) {
  const client = useQueryClient();
  const { data, isPending, isError, refetch } = useQuery({
    queryKey: ["memory"],
    queryFn: ({ signal }) => api.memory(signal),
  });
  const [removing, setRemoving] = useState<Remembered>();
  const remove = useMutation({
    mutationFn: (id: string) => api.deleteFact(id),
    onError: noteFailure,
    onSettled: () => client.invalidateQueries({ queryKey: ["memory"] }),
  });
  return (
    <Part title={words.you.facts} hint={words.you.facts_hint}>
      {isPending ? (
        <Waiting />
      ) : isError ? (
        <Failed title={words.you.failed} onRetry={() => void refetch()} />
      ) : data.facts.length === 0 ? (
        <p className="text-[14px] text-ink-2">{words.you.no_facts}</p>
      ) : (
        <ul aria-label={words.you.facts} className="divide-y divide-line border-line border-y">
          {data.facts.map((fact) => (
            <li key={fact.id} data-testid="fact" className="flex items-start gap-3 py-2.5">
              <div className="min-w-0 flex-1">
                <p className="overflow-y-clip text-[14px] leading-snug">
                  <Isolated text={fact.text} />
                </p>
                <p className="mt-0.5 text-[12.5px] text-ink-3">
                  {words.you.scope[fact.scope] ?? fact.scope} ·{" "}
                  {fact.author === me.person.id ? words.you.said_by_you : words.you.said_by_other} ·{" "}
                  {day(fact.created_at_ms)}
                </p>
              </div>
              <IconButton label={`${words.you.remove}: ${fact.text}`} onClick={() => setRemoving(fact)}>
                <Trash2 size={15} />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        onYes={() => removing && remove.mutate(removing.id)}
        title={words.you.remove_title}
        text={removing?.text ?? ""}
        yes={words.you.remove}
      />
    </Part>
  );
}

/** Only somebody who types their own name is forgotten. */
function ForgetMe({ name }: { name: string }) {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState("");
  const forget = useMutation({
    mutationFn: () => api.forgetMe(typed.trim()),
    onSuccess: () => {
      setOpen(false);
      setTyped("");
      forgetAll();
      changeSetting("last_conversation", "");
      void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "me" });
    },
    onError: (reason) => setProblem(words.you.not_forgotten(reason.message)),
  });
  const fits = typed.trim() === name;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setProblem("");
    if (fits && !forget.isPending) forget.mutate();
  };
  return (
    <Part title={words.you.forget} hint={words.you.forget_hint}>
      {forget.data && (
        <p
          role="status"
          data-testid="forgotten"
          className="mb-3 rounded-xl border border-livery/25 bg-livery-soft px-3.5 py-2.5 text-[14px] text-livery"
        >
          {words.you.forgotten({ ...forget.data })}
        </p>
      )}
      <Button className="text-danger!" onClick={() => setOpen(true)}>
        {words.you.forget_me}
      </Button>
      <Dialog
        open={open}
        onClose={() => setOpen(false)}
        title={words.you.forget_title}
        description={words.you.forget_text}
      >
        <form onSubmit={submit}>
          <label className="text-[13px] text-ink-2">
            {words.you.type_name} <Isolated text={name} className="font-semibold text-ink" />
            <input
              value={typed}
              autoComplete="off"
              onChange={(event) => setTyped(event.target.value)}
              className={classes(field, "mt-1 h-9!")}
            />
          </label>
          {problem !== "" && (
            <p role="alert" className="mt-2 text-[13px] text-danger">
              {problem}
            </p>
          )}
          <div className="mt-4 flex justify-end gap-2">
            <Button onClick={() => setOpen(false)}>{words.confirm.cancel}</Button>
            <Button type="submit" kind="danger" disabled={!fits || forget.isPending}>
              {forget.isPending && <Spinner size={14} />} {words.you.forget_yes}
            </Button>
          </div>
        </form>
      </Dialog>
    </Part>
  );
}
