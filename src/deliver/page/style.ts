// The style of the page: light and dark by the reader's choice, one column on a phone, plain on paper.
// Every pair of text and ground has a contrast of at least 4.5 to 1 in both themes.
export const styleSheet = `
:root {
  color-scheme: light dark;
  --ground: #f5f6fa; --card: #ffffff; --text: #1b1d29; --muted: #565b70; --line: #dcdfe9;
  --accent: #4338ca; --good: #12693f; --warn: #8a4b00; --bad: #b3261e; --shade: #eef0f7;
  --notice: #fff4dc; --notice-text: #5c3b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #11131c; --card: #1a1d29; --text: #e9eaf2; --muted: #a7acc3; --line: #313548;
    --accent: #b0a8ff; --good: #69d6a0; --warn: #f2bd66; --bad: #ff9089; --shade: #232736;
    --notice: #33290f; --notice-text: #f6d898;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 80rem; padding: 0 1rem 3rem; background: var(--ground); color: var(--text);
  font: 1rem/1.6 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif;
  overflow-wrap: anywhere;
}
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
h1, h2, h3, h4, h5, h6 { line-height: 1.25; text-wrap: balance; margin: 1.6em 0 .5em; }
.skip { position: absolute; left: -999rem; padding: .5rem 1rem; background: var(--card); }
.skip:focus { left: 1rem; top: 1rem; z-index: 2; }

header.page { padding: 2.5rem 0 1.5rem; }
.brand { margin: 0; color: var(--accent); font-size: .85rem; font-weight: 600; letter-spacing: .04em; }
h1 { font-size: clamp(1.6rem, 1.1rem + 2.2vw, 2.5rem); margin: .2rem 0 .8rem; letter-spacing: -.015em; }
.outcome { margin: 0; font-size: 1.15rem; font-weight: 600; }
.sign {
  display: inline-block; width: 1.5em; height: 1.5em; margin-right: .2em; border-radius: 50%;
  border: 1.5px solid currentColor; text-align: center; line-height: 1.35; font-size: .8em; font-weight: 700;
}
.complete { color: var(--good); } .partial { color: var(--warn); } .failed { color: var(--bad); }
.cancelled, .skipped { color: var(--muted); }
.problems { margin: .6rem 0 0; padding-left: 1.2rem; }
.notice {
  margin: 1.2rem 0 0; padding: .7rem 1rem; border-radius: .6rem; background: var(--notice); color: var(--notice-text);
}
.facts { display: flex; flex-wrap: wrap; gap: .8rem 2.5rem; margin: 1.4rem 0 0; }
.facts dt { color: var(--muted); font-size: .85rem; }
.facts dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }

.columns { display: grid; gap: 1.5rem; }
nav ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem; }
nav a {
  display: block; padding: .35rem .7rem; border-radius: .5rem; color: var(--text); text-decoration: none;
}
nav a:hover { background: var(--shade); }
nav .sign { width: auto; height: auto; border: 0; }
.count { color: var(--muted); font-size: .85rem; font-weight: 400; }
@media (min-width: 60rem) {
  .columns { grid-template-columns: 13rem minmax(0, 1fr); }
  nav { position: sticky; top: 1.5rem; align-self: start; }
  nav ul { flex-direction: column; }
}
main { min-width: 0; display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.5rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 1rem; padding: clamp(1rem, 3vw, 2rem); }
.card > h2 { margin: 0 0 .3rem; font-size: 1.45rem; }
.role { display: block; color: var(--muted); font-size: 1rem; font-weight: 400; letter-spacing: 0; }
.meta { margin: 0; color: var(--muted); font-size: .9rem; }
.meta .sign { font-size: .7em; }
.failure { color: var(--bad); font-weight: 600; }
.summary { max-width: 46rem; font-size: 1.1rem; white-space: pre-line; }
.brief { max-width: 46rem; margin: .6rem 0; white-space: pre-wrap; }
.links { margin: .2rem 0 .8rem; font-size: .9rem; }
.card > :last-child { margin-bottom: 0; }

.file { margin-top: 1.2rem; border-top: 1px solid var(--line); padding-top: 1rem; }
.file h3 { display: inline; margin: 0; font-size: 1.1rem; }
summary { cursor: pointer; padding: .2rem 0; }
summary::marker { color: var(--muted); }
.document > * { max-width: 46rem; }
.document h4 { font-size: 1.2rem; } .document h5 { font-size: 1.05rem; } .document h6 { font-size: 1rem; }
.document > :first-child { margin-top: 0; }
.document li { margin: .2rem 0; }
.document > .scroll { width: fit-content; max-width: 100%; }
.document td { overflow-wrap: anywhere; }
blockquote { margin: 1rem 0; padding-left: 1rem; border-left: 3px solid var(--line); color: var(--muted); }
hr { border: 0; border-top: 1px solid var(--line); margin: 1.5rem 0; }
code, pre { font: .88em/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { background: var(--shade); padding: .1em .3em; border-radius: .3em; }
pre {
  max-height: 28rem; overflow: auto; margin: .8rem 0; padding: 1rem; border-radius: .6rem; background: var(--shade);
  white-space: pre-wrap;
}
pre code { padding: 0; background: none; font-size: 1em; }
img { display: block; max-width: 100%; height: auto; border-radius: .6rem; }
.image img { border: 1px solid var(--line); }
.missing { color: var(--muted); font-style: italic; }

.scroll { overflow: auto; margin: .8rem 0; border: 1px solid var(--line); border-radius: .6rem; overflow-wrap: normal; }
.sheet.scroll { max-height: 32rem; }
table { border-collapse: collapse; font-size: .9rem; line-height: 1.45; }
.sheet table { min-width: 100%; }
th, td { padding: .5rem .75rem; text-align: left; vertical-align: top; max-width: 26rem; min-width: 5rem; }
td { border-top: 1px solid var(--line); white-space: pre-line; }
th { background: var(--shade); font-weight: 600; white-space: nowrap; }
.sheet th { position: sticky; top: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.note { margin: .4rem 0; color: var(--muted); font-size: .85rem; }
footer { margin-top: 2.5rem; color: var(--muted); font-size: .85rem; }

@media print {
  :root {
    color-scheme: light;
    --ground: #fff; --card: #fff; --text: #000; --muted: #444; --line: #bbb; --accent: #000; --good: #000;
    --warn: #000; --bad: #000; --shade: #f2f2f2; --notice: #fff; --notice-text: #000;
  }
  body { max-width: none; font-size: 10.5pt; }
  nav, .skip { display: none; }
  .columns { display: block; }
  .card { border: 0; padding: 0; margin-bottom: 2rem; }
  .scroll, .sheet.scroll, pre { max-height: none; overflow: visible; border: 0; }
  .sheet th { position: static; }
  th { white-space: normal; }
  tr, img { break-inside: avoid; } h2, h3, h4, h5, h6 { break-after: avoid; }
  a[href^='http']::after { content: ' (' attr(href) ')'; font-size: .85em; }
}
`;
