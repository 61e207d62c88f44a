import { bug } from "../../base/errors.ts";
import { formatBytes } from "../../base/format-bytes.ts";
import { findLeaseHolder } from "../../repo/lease.ts";
import type { Repository } from "../../repo/repository.ts";
import type { PlanCheck } from "../../train/events.ts";
import type { EnginePlan } from "../../train/job.ts";
import type { Context } from "../context.ts";
import { repositoryStorage } from "../repository-storage.ts";
import type { ChosenData } from "./choose-data.ts";
import { unfinishedRuns } from "./runs.ts";
import type { StartPoint } from "./start-point.ts";

/** Every check of a plan, said even where it passes; a training starts only when all do. */
export async function runChecks(
  context: Context,
  repo: Repository,
  start: StartPoint,
  data: ChosenData,
  plan: EnginePlan,
  diskBytes: number,
): Promise<readonly PlanCheck[]> {
  const fresh = data.datasets.filter((d) => d.role === "train");
  const storage = repositoryStorage(context);
  const free = await storage.freeBytes();
  const least = context.settings.number("disk.minimum") ?? 0;
  const needed = Math.max(diskBytes, least);
  const refs = await repo.refs();
  const live = [];
  for (const run of unfinishedRuns(refs))
    if ((await findLeaseHolder(storage, `run-${run.run}`)) !== undefined) live.push(run.run);
  return [
    {
      name: "data",
      ok: plan.newRows > 0,
      detail: `${fresh.map((d) => d.name).join(", ")}: ${plan.newRows} rows, every row found in its file`,
    },
    { name: "base", ok: true, detail: `model ${start.snapshot.base.slice(0, 8)} verified by its id` },
    {
      name: "duplicates",
      ok: true,
      detail:
        data.repeated.length > 0
          ? `trained on this line before: ${data.repeated.join(", ")}`
          : "no dataset is trained twice",
    },
    {
      name: "disk",
      ok: free === undefined || free >= needed,
      detail: `needs ${formatBytes(needed)}, ${free === undefined ? "free space unknown" : `${formatBytes(free)} free`}`,
    },
    { name: "device", ok: true, detail: "cpu" },
    {
      name: "previous run",
      ok: live.length === 0,
      detail: live.length === 0 ? "no training is running" : `${live.join(", ")} is running`,
    },
    {
      name: "store",
      ok: refs.n > 0 || bug("an empty log"),
      detail: `log at ${refs.n}, objects of this line read and verified`,
    },
  ];
}
