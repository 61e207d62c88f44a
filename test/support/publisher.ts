import process from "node:process";
import { openRepository } from "../../src/repo/open.ts";
import { openFileSystemStorage } from "../../src/storage/file-system.ts";
import { buildCommits } from "./commits.ts";

/** A process that publishes commits on a branch of its own and says each one that was acknowledged. */
const [place, branch, count, durability] = process.argv.slice(2) as [string, string, string, "full" | "none"];
const repo = await openRepository(openFileSystemStorage(place, { durability }), { actor: branch });
await buildCommits(repo, Number(count), {
  branch,
  salt: branch,
  onCommit: (number) => process.stdout.write(`${number}\n`),
});
await repo.close();
