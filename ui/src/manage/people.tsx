/** For admins: everybody who may talk to the house, what they may do, their accounts on other channels. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link2, Pencil, Plus, Trash2 } from "lucide-react";
import { type FormEvent, type ReactNode, useMemo, useState } from "react";
import { api } from "../api/client";
import type { Me, Person, Standing } from "../api/types";
import { noteFailure } from "../chat/conversations";
import { Isolated } from "../chat/isolated";
import { note } from "../kit/notes";
import { Button, Confirm, classes, Dialog, Failed, field, IconButton, Spinner } from "../kit/pieces";
import { date, day, words } from "../words/en";
import { Frame, forbidden, Secret, Waiting } from "./frame";
import { Identities } from "./identities";
import { type Columns, DataTable } from "./table";

const STANDINGS: Standing[] = ["guest", "child", "member", "admin"];

export default function PeoplePage({ me, start }: { me: Me; start: ReactNode }) {
  const client = useQueryClient();
  const { data, isPending, error, refetch } = useQuery({
    queryKey: ["people"],
    queryFn: ({ signal }) => api.people(signal),
  });
  const [link, setLink] = useState<{ person: Person; url: string; expires_at_ms: number }>();
  const [editing, setEditing] = useState<Person>();
  const [removing, setRemoving] = useState<Person>();
  const refresh = () => client.invalidateQueries({ queryKey: ["people"] });
  const make_link = useMutation({
    mutationFn: async (person: Person) => ({ person, ...(await api.linkPerson(person.id)) }),
    onSuccess: setLink,
    onError: noteFailure,
  });
  const remove = useMutation({
    mutationFn: (id: string) => api.deletePerson(id),
    onError: noteFailure,
    onSettled: refresh,
  });
  const add = useMutation({ mutationFn: api.createPerson, onError: noteFailure, onSuccess: refresh });

  const ask_link = make_link.mutate;
  const columns: Columns<Person> = useMemo(
    () => [
      {
        accessorKey: "name",
        header: words.people.name,
        cell: ({ row }) => (
          <>
            <Isolated text={row.original.name} className="font-medium" />
            {row.original.id === me.person.id && <span className="text-ink-3"> ({words.people.you})</span>}
          </>
        ),
      },
      {
        accessorKey: "standing",
        header: words.people.standing,
        cell: ({ row }) => words.menu.standing[row.original.standing],
      },
      {
        accessorKey: "created_at_ms",
        header: words.people.since,
        cell: ({ row }) => day(row.original.created_at_ms),
      },
      {
        id: "actions",
        enableSorting: false,
        header: () => <span className="sr-only">{words.people.actions}</span>,
        cell: ({ row }) => (
          <span className="inline-flex items-center gap-1">
            <Button className="h-8! px-2.5!" onClick={() => ask_link(row.original)}>
              <Link2 size={14} aria-hidden="true" /> <span className="max-sm:sr-only">{words.people.link}</span>
            </Button>
            <IconButton label={`${words.people.edit}: ${row.original.name}`} onClick={() => setEditing(row.original)}>
              <Pencil size={15} />
            </IconButton>
            <IconButton
              label={`${words.people.remove}: ${row.original.name}`}
              disabled={row.original.id === me.person.id}
              onClick={() => setRemoving(row.original)}
            >
              <Trash2 size={15} />
            </IconButton>
          </span>
        ),
      },
    ],
    [me.person.id, ask_link],
  );

  return (
    <Frame me={me} start={start} page="people" hint={words.people.hint}>
      <div>
        {isPending ? (
          <Waiting />
        ) : error ? (
          <Failed
            title={forbidden(error) ? words.people.forbidden : words.state.unreachable}
            {...(forbidden(error) ? {} : { onRetry: () => void refetch() })}
          />
        ) : (
          <DataTable
            label={words.pages.people}
            columns={columns}
            rows={data.people}
            numeric={["actions"]}
            wide={["created_at_ms"]}
          />
        )}
        {!forbidden(error) && <AddPerson busy={add.isPending} onAdd={(person) => add.mutate(person)} />}
      </div>
      <Dialog
        open={link !== undefined}
        onClose={() => setLink(undefined)}
        title={link ? words.people.link_for(link.person.name) : ""}
        {...(link ? { description: words.people.link_hint(date(link.expires_at_ms)) } : {})}
      >
        {link && <Secret text={link.url} />}
      </Dialog>
      <Dialog
        open={editing !== undefined}
        onClose={() => setEditing(undefined)}
        title={editing ? words.people.edit_title(editing.name) : ""}
      >
        {editing && (
          <Edit
            person={editing}
            onDone={() => {
              setEditing(undefined);
              void refresh();
            }}
          />
        )}
      </Dialog>
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        onYes={() => removing && remove.mutate(removing.id)}
        title={words.confirm.person_title(removing?.name ?? "")}
        text={words.confirm.person_text}
        yes={words.confirm.yes_remove}
      />
    </Frame>
  );
}

function Edit({ person, onDone }: { person: Person; onDone: () => void }) {
  const [name, setName] = useState(person.name);
  const [standing, setStanding] = useState(person.standing);
  const [problem, setProblem] = useState("");
  const change = useMutation({
    mutationFn: () =>
      api.changePerson(person.id, {
        ...(name.trim() === person.name ? {} : { name: name.trim() }),
        ...(standing === person.standing ? {} : { standing }),
      }),
    onSuccess: () => {
      note(words.people.kept(name.trim()));
      onDone();
    },
    onError: (reason) => setProblem(words.people.not_kept(reason.message)),
  });
  const same = name.trim() === person.name && standing === person.standing;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!same && name.trim() !== "") change.mutate();
  };
  return (
    <>
      <form onSubmit={submit} className="mt-2 grid gap-3">
        <label className="text-[13px] text-ink-2">
          {words.people.name}
          <input
            value={name}
            maxLength={80}
            onChange={(event) => setName(event.target.value)}
            className={classes(field, "mt-1 h-9!")}
          />
        </label>
        <div>
          <p aria-hidden="true" className="text-[13px] text-ink-2">
            {words.people.standing}
          </p>
          <StandingField label={words.people.standing} value={standing} onChange={setStanding} className="mt-1" />
        </div>
        {problem !== "" && (
          <p role="alert" className="text-[13px] text-danger">
            {problem}
          </p>
        )}
        <div>
          <Button type="submit" kind="primary" disabled={same || name.trim() === "" || change.isPending}>
            {change.isPending && <Spinner size={14} />} {words.people.keep}
          </Button>
        </div>
      </form>
      <h3 className="mt-6 font-medium text-[14px]">{words.identities.title}</h3>
      <Identities person={person} />
    </>
  );
}

function StandingField({
  value,
  onChange,
  className,
  label,
}: {
  value: Standing;
  onChange: (standing: Standing) => void;
  className?: string;
  label: string;
}) {
  return (
    <select
      value={value}
      aria-label={label}
      onChange={(event) => onChange(event.target.value as Standing)}
      className={classes(field, "h-9! pe-2", className)}
    >
      {STANDINGS.map((standing) => (
        <option key={standing} value={standing}>
          {words.menu.standing[standing]}
        </option>
      ))}
    </select>
  );
}

function AddPerson({ busy, onAdd }: { busy: boolean; onAdd: (person: { name: string; standing: Standing }) => void }) {
  const [name, setName] = useState("");
  const [standing, setStanding] = useState<Standing>("member");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() === "") return;
    onAdd({ name: name.trim(), standing });
    setName("");
  };
  return (
    <form onSubmit={submit} aria-label={words.people.add_person} className="mt-4 flex flex-wrap gap-2">
      <input
        value={name}
        maxLength={80}
        onChange={(event) => setName(event.target.value)}
        aria-label={words.people.person_name}
        placeholder={words.people.person_name}
        className={classes(field, "h-9! min-w-40 flex-1 sm:max-w-64")}
      />
      <StandingField label={words.people.standing} value={standing} onChange={setStanding} className="w-auto!" />
      <Button type="submit" disabled={busy || name.trim() === ""}>
        <Plus size={15} aria-hidden="true" /> {words.people.add}
      </Button>
    </form>
  );
}
