import { oneLine } from "../../base/terminal-text.ts";
import type { Status } from "../../commands/status.ts";
import type { Look } from "../terminal.ts";
import { formatBytes } from "./format.ts";

/** Free space below this is worth a warning. */
const LOW_BYTES = 5e9;

/** Status as git writes it: what is, and under it what to do. */
export function renderStatus(look: Look, status: Status): string[] {
  const { head, next, production, staging, serves } = status;
  const where = head.branch === undefined ? "HEAD detached" : `On ${head.branch}`;
  const at =
    head.version === undefined
      ? ", no version yet"
      : ` at ${head.version} ${look.paint("dim", head.commit!.slice(0, 8))}`;
  const refs = [
    production === undefined ? undefined : `production ${production.version}`,
    staging === undefined ? undefined : `staging ${staging.version}`,
  ].filter((t) => t !== undefined);
  const lines = [`${where}${at}${refs.length === 0 ? "" : `, ${refs.join(", ")}`}`];

  if (next.on === undefined) {
    lines.push('No base model yet                (use "ingot import PATH")');
    return [...lines, ...diskLines(look, status)];
  }
  lines.push(
    next.fromBase
      ? `Next training will be ${next.version}, from the base (${next.on})`
      : `Next training will be ${next.version}, builds on ${next.on}`,
  );
  if (serves !== undefined) lines.push(`Answers come from ${serves.ref} ${serves.version}`);
  for (const run of status.unfinished) {
    const what = run.datasets.length === 0 ? "" : ` ${oneLine(run.datasets.join(", "))}`;
    const steps = run.steps === undefined ? `step ${run.step}` : `${run.step} of ${run.steps}`;
    lines.push(
      `${look.paint("yellow", "Unfinished:")} ${run.run}${what}, ${steps}     (use "ingot train --resume ${run.run}")`,
    );
  }
  for (const { name } of status.untrained.slice(0, 5))
    lines.push(`Not trained yet: ${oneLine(name)}     (use "ingot train ${oneLine(name)}")`);
  if (status.untrained.length > 5)
    lines.push(`  and ${status.untrained.length - 5} more     (use "ingot data list")`);
  if (status.untrained.length === 0 && status.versions === 1)
    lines.push('No data to train on              (use "ingot data add FILE")');
  if (staging !== undefined && numberOf(staging.version) > numberOf(production?.version))
    lines.push(`Staging is not in production     (use "ingot promote")`);
  return [...lines, ...diskLines(look, status)];
}

function diskLines(look: Look, { freeBytes }: Status): string[] {
  if (freeBytes === undefined) return [];
  if (freeBytes >= LOW_BYTES) return [`Disk: ${formatBytes(freeBytes)} free`];
  return [`${look.paint("red", "Disk nearly full:")} ${formatBytes(freeBytes)} free     (use "ingot gc")`];
}

/** Number of a version; below all numbers for one that has none. */
function numberOf(version: string | undefined): number {
  return version !== undefined && /^v\d+$/.test(version) ? Number(version.slice(1)) : -1;
}
