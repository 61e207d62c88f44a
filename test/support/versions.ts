import path from "node:path";
import { versionEdits } from "../../src/commands/publish-version.ts";
import { openRepository } from "../../src/repo/open.ts";
import { putBase, putCommit } from "./commits.ts";
import { noise } from "./repo.ts";

/**
 * Makes the next version of the repository in a folder, as a training would: on what HEAD points at, with an adapter of so many
 * bytes that do not compress; the first one is a base.
 */
export async function addVersion(
  folder: string,
  { message, adapterBytes = 100 }: { readonly message: string; readonly adapterBytes?: number },
): Promise<string> {
  const repo = await openRepository(path.join(folder, ".ingot"));
  try {
    const session = await repo.begin();
    const onto = (await repo.refs()).oid("HEAD");
    const seed = [...message].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7);
    const commit = await putCommit(session, {
      model: (await putBase(session)).model,
      parents: onto === undefined ? [] : [onto],
      timeMs: Date.now(),
      message,
      ...(onto === undefined ? {} : { adapter: noise(adapterBytes, seed) }),
    });
    let version = "";
    await session.publish((refs, next) => {
      const made = versionEdits(refs, next, { commit, onto, aside: false });
      version = made.version;
      return { command: `train ${message}`, edits: made.edits };
    });
    return version;
  } finally {
    await repo.close();
  }
}
