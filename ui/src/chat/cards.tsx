/** Results as a person wants to see them: a shelf of posters, one wide card, or a row of plain ones. */

import { ChevronLeft, ChevronRight, Clapperboard, ExternalLink, ImageOff } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { pictureAddress } from "../api/client";
import type { Card } from "../api/types";
import { classes, Dialog } from "../kit/pieces";
import { words } from "../words/en";
import { Isolated } from "./isolated";
import { revealedText } from "./reveal";

export function Picture({ card, className }: { card: Pick<Card, "picture">; className: string }) {
  const [missing, setMissing] = useState(false);
  const address = pictureAddress(card.picture);
  // There may never have been one, which is no fault; one that does not come is.
  if (!address) {
    return (
      <span
        aria-hidden="true"
        data-testid="no-picture"
        className={classes("grid place-items-center bg-linen text-ink-3/70", className)}
      >
        <Clapperboard className="size-2/5 max-h-8 max-w-8" strokeWidth={1.5} />
      </span>
    );
  }
  if (missing) {
    return (
      <span className={classes("grid place-items-center bg-hover text-ink-3", className)}>
        <ImageOff className="size-2/5 max-h-5 max-w-5" aria-hidden="true" />
        <span className="sr-only">{words.state.picture_missing}</span>
      </span>
    );
  }
  return (
    <img
      src={address}
      alt=""
      loading="lazy"
      decoding="async"
      draggable={false}
      onError={() => setMissing(true)}
      className={classes("bg-hover object-cover", className)}
    />
  );
}

/** Only addresses a browser may open on a click. */
function safe(link: string | null | undefined) {
  return link && /^https?:\/\//i.test(link) ? link : undefined;
}

function Facts({ card, most }: { card: Card; most: number }) {
  const facts = (card.facts ?? []).slice(0, most);
  if (facts.length === 0) return null;
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-2.5 gap-y-0.5 text-[12px] leading-[1.45]">
      {facts.map(({ label, value }) => (
        <div key={label} className="contents">
          <dt className="text-ink-3">
            <Isolated text={label} />
          </dt>
          <dd className="tabular min-w-0 truncate text-ink-2" title={revealedText(value)}>
            <Isolated text={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Poster({ card, onOpen }: { card: Card; onOpen: () => void }) {
  return (
    <li className="w-[136px] shrink-0 sm:w-[148px]">
      <button type="button" onClick={onOpen} data-testid="card" className="group block w-full rounded-xl text-start">
        <Picture
          card={card}
          className="aspect-2/3 w-full rounded-xl shadow-raised ring-1 ring-line transition-transform duration-200 group-hover:-translate-y-0.5"
        />
        <span className="mt-2 line-clamp-2 block font-medium text-[13px] leading-snug">
          <Isolated text={card.title} />
        </span>
        {card.subtitle && (
          <span className="mt-0.5 line-clamp-2 block text-[12px] text-ink-3 leading-snug">
            <Isolated text={card.subtitle} />
          </span>
        )}
        <span className="mt-1 block text-[12px] text-ink-2 leading-snug">
          {(card.facts ?? []).slice(0, 2).map(({ label, value }) => (
            <span key={label} className="tabular block truncate">
              <span className="text-ink-3">
                <Isolated text={label} />
              </span>{" "}
              <Isolated text={value} />
            </span>
          ))}
        </span>
      </button>
    </li>
  );
}

function Plain({ card, onOpen }: { card: Card; onOpen: () => void }) {
  return (
    <li className="w-[232px] shrink-0">
      <button
        type="button"
        onClick={onOpen}
        data-testid="card"
        className="flex h-full w-full flex-col items-stretch rounded-xl border border-line bg-raised p-3 text-start transition-colors hover:border-line-2"
      >
        <span className="line-clamp-2 font-medium text-[13.5px] leading-snug">
          <Isolated text={card.title} />
        </span>
        {card.subtitle && (
          <span className="mt-0.5 line-clamp-2 text-[12px] text-ink-3">
            <Isolated text={card.subtitle} />
          </span>
        )}
        {card.text && (
          <span className="mt-1.5 line-clamp-3 text-[12.5px] text-ink-2 leading-snug">
            <Isolated text={card.text} />
          </span>
        )}
        <span className="mt-2">
          <Facts card={card} most={3} />
        </span>
      </button>
    </li>
  );
}

function Wide({ card, onOpen }: { card: Card; onOpen: () => void }) {
  return (
    <button
      type="button"
      onClick={onOpen}
      data-testid="card"
      className="mt-3 flex w-full gap-4 rounded-2xl border border-line bg-raised p-3 text-start transition-colors hover:border-line-2"
    >
      {pictureAddress(card.picture) && (
        <Picture card={card} className="aspect-2/3 w-[92px] shrink-0 self-start rounded-lg ring-1 ring-line" />
      )}
      <span className="min-w-0 flex-1 py-0.5">
        <span className="line-clamp-3 font-medium text-[14.5px] leading-snug">
          <Isolated text={card.title} />
        </span>
        {card.subtitle && (
          <span className="mt-0.5 line-clamp-2 text-[12.5px] text-ink-3">
            <Isolated text={card.subtitle} />
          </span>
        )}
        {card.text && (
          <span className="mt-1.5 line-clamp-3 text-[13px] text-ink-2 leading-snug">
            <Isolated text={card.text} />
          </span>
        )}
        <span className="mt-2 block">
          <Facts card={card} most={4} />
        </span>
      </span>
    </button>
  );
}

/**
 * A card with nothing cut, under a title that is drawn elsewhere unless `titled`. Of what was `asked` for, the link is
 * words: a model may have chosen it.
 */
export function CardContent({
  card,
  asked = false,
  titled = false,
}: {
  card: Card;
  asked?: boolean;
  titled?: boolean;
}) {
  const link = safe(card.link);
  return (
    <div className="flex gap-4 max-sm:gap-3.5 sm:gap-5">
      {pictureAddress(card.picture) && (
        <Picture
          card={card}
          className={classes(
            "aspect-2/3 shrink-0 self-start ring-1 ring-line",
            asked ? "w-[84px] rounded-lg sm:w-[104px]" : "w-28 rounded-xl sm:w-48",
          )}
        />
      )}
      <div className="min-w-0 flex-1 overflow-y-clip">
        {titled && card.title !== "" && (
          <p className="font-medium text-[14.5px] leading-snug">
            <Isolated text={card.title} />
          </p>
        )}
        {card.subtitle && (
          <p className="text-[13.5px] text-ink-2">
            <Isolated text={card.subtitle} />
          </p>
        )}
        {card.text && (
          <p className={classes("mt-2 leading-relaxed first:mt-0", asked ? "text-[13.5px]" : "text-[14.5px]")}>
            <Isolated text={card.text} />
          </p>
        )}
        {(card.facts ?? []).length > 0 && (
          <dl className="mt-3 divide-y divide-line border-line border-y text-[13.5px] first:mt-0">
            {card.facts?.map(({ label, value }, place) => (
              <div key={place} className="flex gap-4 py-1.5">
                <dt className="w-28 shrink-0 text-ink-3 max-sm:w-22">
                  <Isolated text={label} />
                </dt>
                <dd className="tabular min-w-0">
                  <Isolated text={value} />
                </dd>
              </div>
            ))}
          </dl>
        )}
        {asked && card.link && (
          <p className="mt-2 font-mono text-[12px] text-ink-3">
            <Isolated text={card.link} />
          </p>
        )}
        {(link || card.source) && (
          <div
            className={classes(
              "flex flex-wrap items-center justify-between gap-2 text-ink-3",
              asked ? "mt-2 text-[11.5px]" : "mt-4 text-[12.5px]",
            )}
          >
            {link && !asked && (
              <a
                href={link}
                target="_blank"
                rel="noopener noreferrer"
                className="inline-flex items-center gap-1.5 font-medium text-[13.5px] text-livery hover:underline"
              >
                {words.cards.more} <ExternalLink size={13} aria-hidden="true" />
              </a>
            )}
            <span>{card.source}</span>
          </div>
        )}
      </div>
    </div>
  );
}

function Details({ card, onClose }: { card: Card | undefined; onClose: () => void }) {
  return (
    <Dialog open={card !== undefined} onClose={onClose} title={revealedText(card?.title ?? "")} wide>
      {card && (
        <div className="mt-2">
          <CardContent card={card} />
        </div>
      )}
    </Dialog>
  );
}

export function Cards({ cards }: { cards: Card[] }) {
  const [open, setOpen] = useState<Card>();
  const shelf = useRef<HTMLUListElement>(null);
  const [ends, setEnds] = useState({ start: true, end: true });

  useEffect(() => {
    const element = shelf.current;
    if (!element) return;
    const measure = () =>
      setEnds({
        start: element.scrollLeft < 8,
        end: element.scrollLeft + element.clientWidth > element.scrollWidth - 8,
      });
    measure();
    element.addEventListener("scroll", measure, { passive: true });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      element.removeEventListener("scroll", measure);
      observer.disconnect();
    };
  }, []);

  const [first] = cards;
  if (!first) return null;
  const sources = [...new Set(cards.flatMap((card) => (card.source ? [card.source] : [])))];
  const pictured = cards.some((card) => pictureAddress(card.picture));
  const Drawn = pictured ? Poster : Plain;
  const scroll = (direction: number) => {
    const element = shelf.current;
    element?.scrollBy({ left: direction * element.clientWidth * 0.8, behavior: "smooth" });
  };

  return (
    <div className="enter">
      {cards.length === 1 ? (
        <Wide card={first} onOpen={() => setOpen(first)} />
      ) : (
        <div className="group/shelf relative mt-3">
          <ul
            ref={shelf}
            aria-label={words.cards.shelf(cards.length)}
            data-start={ends.start}
            data-end={ends.end}
            className="shelf -mx-4 flex gap-3.5 overflow-x-auto px-4 pt-1 pb-1 sm:-mx-2 sm:px-2"
          >
            {cards.map((card, place) => (
              <Drawn key={place} card={card} onOpen={() => setOpen(card)} />
            ))}
          </ul>
          {!ends.start && (
            <ShelfButton label={words.cards.previous} side="start" tall={pictured} onClick={() => scroll(-1)} />
          )}
          {!ends.end && <ShelfButton label={words.cards.next} side="end" tall={pictured} onClick={() => scroll(1)} />}
        </div>
      )}
      {sources.length > 0 && <p className="mt-1.5 text-[11.5px] text-ink-3">{sources.join(" · ")}</p>}
      <Details card={open} onClose={() => setOpen(undefined)} />
    </div>
  );
}

function ShelfButton({
  label,
  side,
  tall,
  onClick,
}: {
  label: string;
  side: "start" | "end";
  tall: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      aria-label={label}
      onClick={onClick}
      className={classes(
        "absolute hidden size-9 place-items-center rounded-full border border-line bg-raised text-ink-2 shadow-raised transition-opacity hover:text-ink pointer-fine:grid",
        tall ? "top-[94px]" : "top-1/2 -translate-y-1/2",
        side === "start" ? "-left-4" : "-right-4",
      )}
    >
      {side === "start" ? <ChevronLeft size={17} /> : <ChevronRight size={17} />}
    </button>
  );
}
