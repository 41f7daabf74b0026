/** What there is to watch, what is on its way, what comes next, and how the services behind it are. */

import { CircleCheck } from "lucide-react";
import { lazy, type ReactNode, Suspense } from "react";
import type { Me } from "../api/types";
import { Isolated } from "../chat/isolated";
import { classes } from "../kit/pieces";
import { Frame, Part, Waiting } from "../manage/frame";
import { bytes, count, words } from "../words/en";
import {
  agenda,
  type CalendarEntry,
  type Disk,
  type Download,
  dayIn,
  knownZone,
  type MediaHealth,
  readCalendar,
  readLibrary,
  readMediaHealth,
  readQueue,
  type ServiceHealth,
  timeLeft,
} from "./answers";
import { Bar, CouldNotBeAsked, Poster } from "./bits";
import { Shown, useTool } from "./tool";

const Plots = lazy(() => import("./plots"));

const said = words.library;
/** How soon it is asked again while the page is looked at. */
const QUEUE_MS = 10_000;
const HEALTH_MS = 30_000;
const DAYS = 14;

const NOTHING = {};
const FORTNIGHT = { days: DAYS };

export default function LibraryPage({ me, start }: { me: Me; start: ReactNode }) {
  const library = useTool("media_library", NOTHING, readLibrary);
  const queue = useTool("media_queue", NOTHING, readQueue, QUEUE_MS);
  const calendar = useTool("media_calendar", FORTNIGHT, readCalendar);
  const health = useTool("media_health", NOTHING, readMediaHealth, HEALTH_MS);
  const zone = knownZone(me.person.zone);
  const unconnected = [library, queue, calendar, health].every(({ state }) => state === "not_offered");
  return (
    <Frame me={me} start={start} page="library" hint={said.hint}>
      {unconnected ? (
        <Connect />
      ) : (
        <>
          <Part title={said.stock} hint={said.stock_hint}>
            <Shown asked={library} name="media_library">
              {(value) => {
                // Nothing, where somebody was not asked, is not known to be nothing.
                const known = (number: number, text: string) =>
                  number === 0 && value.could_not_ask.length > 0 ? words.media.not_known : text;
                const totals: [string, string][] = [
                  [said.films, known(value.films, count(value.films))],
                  [said.series, known(value.series, count(value.series))],
                  [said.episodes, known(value.episodes, count(value.episodes))],
                  [said.size, known(value.size_bytes, bytes(value.size_bytes))],
                ];
                return (
                  <>
                    <CouldNotBeAsked services={value.could_not_ask} />
                    {value.films + value.series === 0 && value.could_not_ask.length === 0 ? (
                      <p className="text-[14px] text-ink-2">{said.empty}</p>
                    ) : (
                      <>
                        <dl className="mb-8 grid grid-cols-2 gap-y-4 sm:grid-cols-4">
                          {totals.map(([label, total]) => (
                            <div key={label}>
                              <dt className="text-[12.5px] text-ink-3">{label}</dt>
                              <dd className="tabular font-medium text-[22px] tracking-[-0.02em]">{total}</dd>
                            </div>
                          ))}
                        </dl>
                        <Suspense fallback={<Waiting />}>
                          <Plots library={value} />
                        </Suspense>
                      </>
                    )}
                    {value.disks.length > 0 && <Disks disks={value.disks} />}
                  </>
                );
              }}
            </Shown>
          </Part>
          <Part title={said.queue} hint={said.queue_hint}>
            <Shown asked={queue} name="media_queue">
              {({ downloads, could_not_ask }) => (
                <>
                  <CouldNotBeAsked services={could_not_ask} />
                  {downloads.length > 0 ? (
                    <ul aria-label={said.queue} className="divide-y divide-line border-line border-y">
                      {downloads.map((download, place) => (
                        <Fetched key={`${download.service} ${download.title} ${place}`} download={download} />
                      ))}
                    </ul>
                  ) : (
                    could_not_ask.length === 0 && <p className="text-[14px] text-ink-2">{said.queue_empty}</p>
                  )}
                </>
              )}
            </Shown>
          </Part>
          <Part title={said.calendar} hint={said.calendar_hint(zone.replaceAll("_", " "))}>
            <Shown asked={calendar} name="media_calendar">
              {(value) => {
                const days = agenda(value, zone);
                return (
                  <>
                    <CouldNotBeAsked services={value.could_not_ask} />
                    {days.length === 0 && value.could_not_ask.length === 0 && (
                      <p className="text-[14px] text-ink-2">{said.calendar_empty}</p>
                    )}
                    <div className="space-y-6">
                      {days.map(({ date, entries }) => (
                        <Day key={date} date={date} entries={entries} zone={zone} />
                      ))}
                    </div>
                  </>
                );
              }}
            </Shown>
          </Part>
          <Part title={said.health} hint={said.health_hint}>
            <Shown asked={health} name="media_health">
              {(value) => (
                <Health health={value} disks={library.state !== "here" || library.value.disks.length === 0} />
              )}
            </Shown>
          </Part>
        </>
      )}
    </Frame>
  );
}

function Connect() {
  const text = words.media;
  return (
    <section aria-labelledby="connect" data-testid="connect" className="max-w-xl">
      <h2 id="connect" className="font-semibold text-[17px] tracking-[-0.012em]">
        {text.connect}
      </h2>
      <p className="text-[14px] text-ink-2">{text.connect_hint}</p>
      <ol className="mt-5 space-y-5">
        {text.connect_steps.map(({ title, code }) => (
          <li key={title}>
            <h3 className="mb-1.5 font-medium text-[14px]">{title}</h3>
            <pre className="overflow-x-auto rounded-xl border border-line bg-linen px-3.5 py-2.5 font-mono text-[12.5px] leading-relaxed">
              {code}
            </pre>
          </li>
        ))}
      </ol>
      <p className="mt-4 text-[13.5px] text-ink-3">{text.connect_where}</p>
    </section>
  );
}

/** A service as a person names it: `Radarr`, and which one where it is not the only one. */
function serviceName({ service, instance }: Pick<Download, "service" | "instance">) {
  const name = `${service.slice(0, 1).toUpperCase()}${service.slice(1)}`;
  return instance === "" || instance === "default" ? name : `${name} ${instance}`;
}

function Fetched({ download }: { download: Download }) {
  const { title, detail, percent, problem, size_bytes, state } = download;
  const left = timeLeft(download.time_left);
  const ill = problem !== null;
  return (
    <li data-testid="download" data-state={state} className="flex items-start gap-4 py-3.5">
      <Poster picture={download.picture} className="w-[42px] rounded-md" />
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-baseline justify-between gap-x-4">
          <p className="min-w-0 overflow-y-clip font-medium text-[14.5px] leading-snug">
            <Isolated text={title} />
          </p>
          <p className="tabular text-[13px] text-ink-2">
            {percent !== null && words.requests.percent(Math.round(percent))}
            {left && <span className="text-ink-3"> · {said.left(left)}</span>}
          </p>
        </div>
        {detail !== "" && (
          <p className="overflow-y-clip text-[13px] text-ink-2 leading-snug">
            <Isolated text={detail} />
          </p>
        )}
        {percent !== null && (
          <Bar
            percent={percent}
            of={said.download_progress(title)}
            tone={ill ? "bg-brass-mark" : "bg-livery"}
            className="mt-2"
          />
        )}
        <p className="mt-1.5 text-[12.5px] text-ink-3">
          {[said.state[state.toLowerCase()] ?? state, serviceName(download), size_bytes > 0 ? bytes(size_bytes) : ""]
            .filter((part) => part !== "")
            .join(" · ")}
        </p>
        {ill && (
          <p className="mt-1 overflow-y-clip text-[13px] text-brass leading-snug">
            <Isolated text={problem} />
          </p>
        )}
      </div>
    </li>
  );
}

function Day({ date, entries, zone }: { date: string; entries: CalendarEntry[]; zone: string }) {
  const now = Date.now();
  const name =
    date === dayIn(now, zone) ? said.today : date === dayIn(now + 86_400_000, zone) ? said.tomorrow : undefined;
  const noon = Date.parse(`${date}T12:00:00Z`);
  const written = Number.isNaN(noon)
    ? date
    : new Intl.DateTimeFormat("en", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" }).format(noon);
  const hour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
  return (
    <section data-testid="day" aria-label={written} className="sm:grid sm:grid-cols-[132px_1fr] sm:gap-6">
      <h3 className="mb-1 text-[13.5px] sm:pt-2.5">
        <span className="font-medium">{name ?? written}</span>
        {name && <span className="text-ink-3 sm:block"> {written}</span>}
      </h3>
      <ul className="divide-y divide-line border-line border-y">
        {entries.map((entry, place) => (
          <li key={place} data-testid="coming" className="flex items-center gap-3.5 py-2.5">
            <span className="tabular w-11 shrink-0 text-[13px] text-ink-2">
              {entry.at === null ? "" : hour.format(Date.parse(entry.at))}
            </span>
            <Poster picture={entry.picture} className="w-[30px] rounded" />
            <span className="min-w-0 flex-1 overflow-y-clip leading-snug">
              <span className="block font-medium text-[14px]">
                <Isolated text={entry.title} />
              </span>
              <span className="block text-[12.5px] text-ink-3">
                {entry.detail === "" ? (
                  entry.kind === "film" ? (
                    said.film
                  ) : (
                    said.episode
                  )
                ) : (
                  <Isolated text={entry.detail} />
                )}
              </span>
            </span>
            {entry.is_here && (
              <span className="inline-flex items-center gap-1.5 text-[12.5px] text-livery">
                <CircleCheck size={13} aria-hidden="true" /> {said.here}
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Health({ health, disks }: { health: MediaHealth; disks: boolean }) {
  const { services, state } = health;
  if (services.length === 0) return <p className="text-[14px] text-ink-2">{said.no_services}</p>;
  return (
    <>
      <p className="mb-3 text-[14px]">{state === "healthy" ? said.healthy : said.degraded}</p>
      <ul aria-label={said.health} className="grid gap-3 sm:grid-cols-2">
        {services.map((service) => (
          <Service key={service.name} service={service} />
        ))}
      </ul>
      {disks && health.disks.length > 0 && <Disks disks={health.disks} />}
    </>
  );
}

function Service({ service: { name, state, version, problems, reason } }: { service: ServiceHealth }) {
  const up = state === "up";
  const well = up && problems.length === 0;
  return (
    <li
      data-testid="service"
      data-state={state}
      className={classes(
        "rounded-2xl border px-4 py-3.5",
        up ? "border-line bg-raised" : "border-danger-line bg-danger-soft",
      )}
    >
      <div className="flex items-baseline gap-2.5">
        <span
          aria-hidden="true"
          className={classes(
            "relative top-[-1px] size-2 shrink-0 rounded-full",
            well ? "bg-livery" : up ? "bg-brass-mark" : "bg-danger",
          )}
        />
        <h3 className="min-w-0 flex-1 font-medium text-[14px]">
          <Isolated text={name.slice(0, 1).toUpperCase() + name.slice(1).replace(/ default$/, "")} />
        </h3>
        {version !== null && <span className="tabular text-[12.5px] text-ink-3">{said.version(version)}</span>}
      </div>
      <p className={classes("mt-0.5 ps-4.5 text-[13.5px]", up ? "text-ink-2" : "text-danger")}>
        {well ? said.up : up ? said.up_but : said.down}
      </p>
      {reason !== null && reason !== "" && (
        <p className="overflow-y-clip ps-4.5 text-[13px] text-ink-2 leading-snug">
          <Isolated text={reason} />
        </p>
      )}
      {problems.length > 0 && (
        <ul className="mt-1 space-y-1 ps-4.5 text-[13px] leading-snug">
          {problems.map((problem) => (
            <li key={problem} className="overflow-y-clip text-brass">
              <Isolated text={problem} />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

/** A disk with less than this left is about to be in the way. */
const LITTLE = 0.1;

function Disks({ disks }: { disks: Disk[] }) {
  return (
    <div className="mt-9">
      <h3 className="mb-2 font-medium text-[14px]">{said.disks}</h3>
      <ul className="grid gap-x-10 gap-y-4 sm:grid-cols-2">
        {disks.map(({ path, free_bytes, total_bytes, service }) => {
          const free = total_bytes > 0 ? free_bytes / total_bytes : 0;
          const little = free < LITTLE;
          return (
            <li key={`${service} ${path}`} data-testid="disk">
              <div className="flex items-baseline justify-between gap-3">
                <span className="min-w-0 truncate font-mono text-[12.5px]" title={path}>
                  <Isolated text={path} />
                </span>
                <span className="text-[12.5px] text-ink-3">
                  <Isolated text={service} />
                </span>
              </div>
              <Bar
                percent={(1 - free) * 100}
                of={said.used(path)}
                tone={little ? "bg-brass-mark" : "bg-livery"}
                className="mt-1.5"
              />
              <p className={classes("tabular mt-1 text-[12.5px]", little ? "text-brass" : "text-ink-2")}>
                {said.free(bytes(free_bytes), bytes(total_bytes))}
                {little && `, ${said.nearly_full}`}
              </p>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
