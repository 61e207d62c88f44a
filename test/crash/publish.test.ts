import { beforeAll, describe, expect, it } from "vitest";
import type { Oid } from "../../src/base/oid.ts";
import { fsck } from "../../src/repo/fsck.ts";
import { commits } from "../../src/repo/history.ts";
import { openRepository } from "../../src/repo/open.ts";
import type { Repository } from "../../src/repo/repository.ts";
import { makeRepository, seededRandom } from "../support/repo.ts";
import { bundlePublisher, startPublisher } from "../support/start-publisher.ts";

beforeAll(bundlePublisher);

async function historyOf(repo: Repository, branch: string): Promise<Oid[]> {
  const tip = (await repo.refs()).oid(`heads/${branch}`);
  const oids: Oid[] = [];
  if (tip !== undefined) for await (const { oid } of commits(repo, [tip])) oids.push(oid);
  return oids;
}

describe("several processes at once", () => {
  it("publish 400 commits: none is lost, and the log is one chain", async () => {
    const test = await makeRepository({ on: "disk" });
    const place = test.storage.location;
    const branches = ["main", "b1", "b2", "b3"];
    const publishers = branches.map((branch) =>
      startPublisher({ place, branch, count: 100, durability: "none" }),
    );
    expect(await Promise.all(publishers.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);

    const repo = await openRepository(place);
    const refs = await repo.refs();
    expect(refs.n).toBe(401);
    expect(refs.list("tags/v").map(({ name }) => name)).toHaveLength(400);
    for (const branch of branches) expect(await historyOf(repo, branch)).toHaveLength(100);
    let expected = 401;
    for await (const operation of repo.operations()) expect(operation.n).toBe(expected--);
    const report = await fsck(repo, { deep: true });
    expect(report.findings).toEqual([]);
    test.remove();
  });
});

describe("kill -9", () => {
  const KILLS = 12;

  it(`loses no acknowledged commit in ${KILLS} kills, and leaves nothing that needs repair`, async () => {
    const test = await makeRepository({ on: "disk" });
    const place = test.storage.location;
    const random = seededRandom(Number(process.env.INGOT_TEST_SEED ?? 3));
    for (let round = 0; round < KILLS; round++) {
      const branch = `r${round}`;
      const publisher = startPublisher({ place, branch, count: 10_000, durability: "full" });
      const [a = 0, b = 0] = random.bytes(2);
      while (publisher.acknowledged() < 1) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, (a * 256 + b) / 256));
      publisher.child.kill("SIGKILL");
      expect(await publisher.ended).toBe("SIGKILL");
      const repo = await openRepository(place);
      const history = await historyOf(repo, branch);
      // One more than was said may be there: the kill can fall between the last write and the word about it.
      expect(history.length - publisher.acknowledged(), `round ${round}`).toBeGreaterThanOrEqual(0);
      expect(history.length - publisher.acknowledged(), `round ${round}`).toBeLessThanOrEqual(1);
      const { findings } = await fsck(repo, { deep: round === KILLS - 1 });
      expect(
        findings.filter(({ severity }) => severity !== "notice"),
        `round ${round}`,
      ).toEqual([]);
      await repo.close();
    }
    test.remove();
  });
});
