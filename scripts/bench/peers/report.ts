// Medians of the rounds, and how the others compare to the product.
import type { PeerName } from './contract.ts';
import { percentile } from '../measure.ts';
import type { WorkloadName } from './workloads/all.ts';
import type { Figures } from './workloads/types.ts';

/** One measurement; without figures where it failed. */
export type Measured = {
  peer: PeerName;
  workload: WorkloadName;
  figures?: Figures;
  error?: string;
};

export type Line = {
  workload: WorkloadName;
  figure: string;
  /** By peer: the median of its rounds, and that of the product divided by it. */
  values: Partial<Record<PeerName, { median: number | null; ratio: number | null }>>;
};

export function linesOf(measured: Measured[]): Line[] {
  const workloads = [...new Set(measured.map(({ workload }) => workload))];

  return workloads.flatMap((workload) => {
    const own = measured.filter((one) => one.workload === workload);
    const figures = new Set(own.flatMap((one) => Object.keys(one.figures ?? {})));

    return [...figures].map((figure) => ({ workload, figure, values: valuesOf(own, figure) }));
  });
}

function valuesOf(measured: Measured[], figure: string): Line['values'] {
  const peers = [...new Set(measured.map(({ peer }) => peer))];
  const medians = peers.map((peer) => [peer, medianOf(measured, peer, figure)] as const);
  const ours = medians.find(([peer]) => peer === 'nightshift')?.[1] ?? null;

  return Object.fromEntries(
    medians.map(([peer, median]) => [
      peer,
      { median, ratio: ours === null || median === null || median === 0 ? null : ours / median },
    ]),
  );
}

function medianOf(measured: Measured[], peer: PeerName, figure: string): number | null {
  const values = measured
    .filter((one) => one.peer === peer)
    .map((one) => one.figures?.[figure] ?? null)
    .filter((value) => value !== null);

  return values.length === 0 ? null : percentile(values, 0.5);
}

/** One row per figure, one column per queue: its value, and ours divided by it. */
export function tableOf(lines: Line[], peers: PeerName[]): string {
  const rows = [
    ['', '', ...peers],
    ...lines.map(({ workload, figure, values }) => [
      workload,
      figure,
      ...peers.map((peer) => cell(values[peer], peer)),
    ]),
  ];
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );

  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths?.[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cell(value: Line['values'][PeerName], peer: PeerName): string {
  if (value === undefined) return '';
  if (value.median === null) return 'not in the time';
  const ratio = peer === 'nightshift' || value.ratio === null ? '' : ` (×${short(value.ratio)})`;

  return `${short(value.median)}${ratio}`;
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(2);
}
