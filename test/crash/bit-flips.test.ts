import { expect, it } from "vitest";
import { IngotError } from "../../src/base/errors.ts";
import { buildCommits, putBase, putCommit } from "../support/commits.ts";
import { flipBits, hashesOf, wrongObjects } from "../support/damage.ts";
import { makeRepository, noise, START_MS } from "../support/repo.ts";

const FLIPS = 300;

it(`finds each of ${FLIPS} flipped bits in a repository with large objects, and serves no wrong byte`, async () => {
  const test = await makeRepository();
  await buildCommits(test.repo, 30);
  const session = await test.repo.begin();
  const { model } = await putBase(session, "large");
  const commit = await putCommit(session, {
    model,
    parents: [],
    timeMs: START_MS,
    adapter: noise((4 << 20) + 70_000),
  });
  await session.putBytes(new TextEncoder().encode("a line of text\n".repeat(2000)));
  await session.publish(() => ({ command: "large", edits: [{ ref: "tags/large", new: { oid: commit } }] }));
  const expected = await hashesOf(test);
  const seed = Number(process.env.INGOT_TEST_SEED ?? 7);
  for await (const { what, key, found } of flipBits(test, FLIPS, seed)) {
    if (found instanceof IngotError) expect([3, 6], what).toContain(found.exit);
    else expect(found.findings.length, what).toBeGreaterThan(0);
    if (key !== "format") expect(await wrongObjects(test, expected), what).toEqual([]);
  }
});
