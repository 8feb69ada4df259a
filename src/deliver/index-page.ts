// The page that shows everything of an ended task: one file, no scripts, nothing fetched from anywhere.
import type { DeliverableSummary, DeliveredRun, DeliveredTask } from '../core/delivery.ts';
import { briefDetails } from './brief-document.ts';
import { type Markup, markup, nothing, trusted } from './page/markup.ts';
import { addressOf, type Preview } from './page/preview.ts';
import { styleSheet } from './page/style.ts';
import {
  agentTitle,
  byRulesNotice,
  cleanLine,
  costLine,
  durationLine,
  isAllByRules,
  isByRules,
  outcomeLine,
  problemLines,
  titleOf,
} from './wording.ts';

export type PageFile = { deliverable: DeliverableSummary; path: string; preview: Preview };

const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:";
/** Longer briefs start folded, so that the results stay in sight. */
const longBrief = 1_500;

/** Pure: the same task and files give the same page. */
export function indexPage(task: DeliveredTask, files: readonly PageFile[]): string {
  const sections = task.runs.toSorted(byWave).map((run, index) => ({
    run,
    id: `agent-${index + 1}`,
    files: files.filter((file) => file.deliverable.runId === run.id).toSorted(byKind),
  }));

  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${titleOf(task)} · Nightshift</title>
<style>${trusted(styleSheet)}</style>
</head>
<body>
<a class="skip" href="#results">Skip to the results</a>
${header(task, files.length)}
<div class="columns">
${contents(sections)}
<main id="results" tabindex="-1">
${briefSection(task)}
${sections.map(agentSection)}
</main>
</div>
<footer><p>Task <code>${task.id}</code> · hashes of all files in <a href="./manifest.json">manifest.json</a></p></footer>
</body>
</html>
`.html;
}

type AgentSection = { run: DeliveredRun; id: string; files: PageFile[] };

function header(task: DeliveredTask, fileCount: number): Markup {
  const problems = problemLines(task);

  return markup`<header class="page">
<p class="brand">Nightshift results</p>
<h1>${titleOf(task)}</h1>
<p class="outcome ${task.outcome}">${sign(task.outcome)} ${outcomeLine(task)}</p>
${problems.length === 0 ? nothing : markup`<ul class="problems">${problems.map((line) => markup`<li>${line}</li>`)}</ul>`}
${isAllByRules(task) ? markup`<p class="notice" role="note">${byRulesNotice}</p>` : nothing}
<dl class="facts">
<div><dt>Duration</dt><dd>${durationLine(task)}</dd></div>
<div><dt>Cost</dt><dd>${costLine(task.runs)}</dd></div>
<div><dt>Files</dt><dd>${fileCount}</dd></div>
<div><dt>Submitted</dt><dd>${timeOf(task.createdAt)}</dd></div>
</dl>
</header>`;
}

function contents(sections: readonly AgentSection[]): Markup {
  const entries = sections.map(
    ({ run, id, files }) =>
      markup`<li><a href="#${id}"><span class="${run.status}">${sign(run.status)}</span> ${agentTitle(run)} <span class="count">${fileCountOf(files.length)}</span></a></li>`,
  );

  return markup`<nav aria-label="Contents"><ul><li><a href="#brief">The brief</a></li>${entries}</ul></nav>`;
}

function briefSection(task: DeliveredTask): Markup {
  const details = briefDetails(task);
  const text = markup`<p class="brief">${task.description.trim()}</p>
${details === null ? nothing : markup`<details><summary>Everything else in the brief</summary><pre tabindex="0">${details}</pre></details>`}`;

  return markup`<section class="card" id="brief" aria-labelledby="brief-title">
<h2 id="brief-title">The brief</h2>
${task.description.length > longBrief ? markup`<details><summary>Show the whole brief</summary>${text}</details>` : text}
<p class="links"><a href="./brief.md">Open brief.md</a></p>
</section>`;
}

function agentSection({ run, id, files }: AgentSection): Markup {
  const reason = run.error === null ? 'No reason was recorded.' : cleanLine(run.error.message);

  return markup`<section class="card" id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${agentTitle(run)} ${roleOf(run)}</h2>
<p class="meta"><span class="${run.status}">${sign(run.status)} ${statusWord(run)}</span> · ${modelOf(run)} · cost ${costLine([run])}</p>
${run.status === 'complete' ? nothing : markup`<p class="failure">${reason}</p>`}
${run.summary === null ? nothing : markup`<p class="summary">${run.summary}</p>`}
${files.map(fileSection)}
</section>`;
}

function fileSection({ deliverable, path, preview }: PageFile): Markup {
  const title = cleanLine(deliverable.title) || cleanLine(deliverable.name);
  const facts = markup`<p class="links"><a href="${addressOf(path)}">Open ${path}</a> <span class="count">${sizeOf(deliverable.bytes)}</span></p>`;
  if (preview.type === 'none') return markup`<div class="file"><h3>${title}</h3>${facts}</div>`;

  // Machine-readable texts stay folded: few people read them.
  const open = preview.type === 'text' ? nothing : trusted(' open');
  return markup`<details class="file"${open}><summary><h3>${title}</h3></summary>
${facts}
<div class="${preview.type}">${preview.content}</div>
</details>`;
}

function roleOf(run: DeliveredRun): Markup {
  const title = cleanLine(run.title);
  if (title === '' || title.toLowerCase() === run.agent.toLowerCase()) return nothing;

  return markup`<span class="role">${title}</span>`;
}

function modelOf(run: DeliveredRun): string {
  if (isByRules(run)) return 'drafted by rules';
  return run.model === null ? 'no model recorded' : `model ${cleanLine(run.model)}`;
}

function statusWord(run: DeliveredRun): string {
  const word = run.status === 'complete' ? 'done' : run.status;

  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Colour never speaks alone: a sign and a word stand beside it. */
function sign(status: string): Markup {
  const signs: Record<string, string> = { complete: '✓', partial: '!', failed: '✕' };

  return markup`<span class="sign" aria-hidden="true">${signs[status] ?? '–'}</span>`;
}

function timeOf(iso: string): Markup {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return markup`unknown`;

  const exact = time.toISOString();
  return markup`<time datetime="${exact}">${exact.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

function fileCountOf(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}

function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1_000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function byWave(left: DeliveredRun, right: DeliveredRun): number {
  return left.wave - right.wave || left.id - right.id;
}

const kindOrder = ['document', 'image', 'sheet', 'none', 'text'] as const;

function byKind(left: PageFile, right: PageFile): number {
  return kindOrder.indexOf(left.preview.type) - kindOrder.indexOf(right.preview.type);
}
