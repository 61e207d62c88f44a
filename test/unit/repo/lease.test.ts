import { describe, expect, it } from "vitest";
import { acquireLease, findLeaseHolder, INTERVAL_MS } from "../../../src/repo/lease.ts";
import { openMemoryStorage } from "../../../src/storage/memory.ts";
import { currentProcess } from "../../../src/storage/process-identity.ts";
import { frozenClock, makeRepository, seededRandom } from "../../support/repo.ts";

const options = () => ({ clock: frozenClock(), random: seededRandom(5), waitMs: 0 });

function grantOf(holder: object, extra: object = {}): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      nonce: "n",
      holder: { ...currentProcess(), ...holder },
      command: "train x",
      heartbeatSeq: 0,
      released: false,
      ...extra,
    }),
  );
}

describe("leases", () => {
  it("are held by one, given back, and taken again under a higher number", async () => {
    const storage = openMemoryStorage();
    const first = await acquireLease(storage, "run-t1", { ...options(), command: "train refunds" });
    await expect(acquireLease(storage, "run-t1", options())).rejects.toMatchObject({
      code: "conflict.lease",
      data: { pid: process.pid, command: "train refunds" },
    });
    expect(await findLeaseHolder(storage, "run-t1")).toMatchObject({ command: "train refunds" });
    await first.beat();
    await first.assertHeld();
    await (await acquireLease(storage, "run-t2", options())).release();
    await first.release();
    await first.release();
    expect(await findLeaseHolder(storage, "run-t1")).toBeUndefined();
    const second = await acquireLease(storage, "run-t1", options());
    await expect(first.assertHeld()).rejects.toMatchObject({ code: "conflict.lease" });
    await second.assertHeld();
  });

  it("are held by one of many that ask at once, on a disk too", async () => {
    const test = await makeRepository({ on: "disk" });
    for (const storage of [openMemoryStorage(), test.storage]) {
      const asked = await Promise.allSettled(
        Array.from({ length: 8 }, () => acquireLease(storage, "queue", options())),
      );
      const won = asked.filter((each) => each.status === "fulfilled");
      expect(won).toHaveLength(1);
      await won[0]?.value.release();
      await (await acquireLease(storage, "queue", options())).release();
    }
    test.remove();
  });

  const stale: readonly (readonly [string, Uint8Array])[] = [
    ["a process that is gone", grantOf({ pid: 2 ** 22 + 1 })],
    ["a pid that is another process now", grantOf({ start: "1" })],
    ["a boot that is over", grantOf({ bootId: "another boot" })],
    ["one that gave it back", grantOf({ machineId: "far away" }, { released: true })],
  ];
  it.each(stale)("are free again after %s", async (_, grant) => {
    const storage = openMemoryStorage();
    await storage.put("leases/run-t1/000000000007", grant);
    const lease = await acquireLease(storage, "run-t1", options());
    await lease.assertHeld();
    expect(await storage.stat("leases/run-t1/000000000008")).toBeDefined();
    expect(await storage.stat("leases/run-t1/000000000007")).toBeUndefined();
  });

  const held: readonly (readonly [string, Uint8Array])[] = [
    ["this process", grantOf({})],
    ["another machine", grantOf({ machineId: "far away", pid: 1 })],
    ["nobody can say whom: garbage", Buffer.from("{{{")],
    ["nobody can say whom: empty", new Uint8Array(0)],
  ];
  it.each(held)("are not taken from %s", async (_, grant) => {
    const storage = openMemoryStorage();
    await storage.put("leases/run-t1/000000000007", grant);
    await expect(acquireLease(storage, "run-t1", options())).rejects.toMatchObject({
      code: "conflict.lease",
    });
  });

  it("pass from another machine only on demand, or when no beat came by both clocks", async () => {
    const clock = frozenClock();
    const storage = openMemoryStorage({ nowMs: () => clock.nowMs() });
    await storage.put("leases/run-t1/000000000001", grantOf({ machineId: "far away" }));
    const lease = await acquireLease(storage, "run-t1", { ...options(), takeOver: true });
    await lease.release();

    await storage.put("leases/run-t2/000000000001", grantOf({ machineId: "far away" }));
    const waiting = acquireLease(storage, "run-t2", {
      clock,
      random: seededRandom(1),
      waitMs: 10 * INTERVAL_MS,
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    clock.advance(3 * INTERVAL_MS);
    await (await waiting).release();
  });

  it("are lost by a process that stood still for too long", async () => {
    const clock = frozenClock();
    const lease = await acquireLease(openMemoryStorage(), "run-t1", { clock, random: seededRandom(1) });
    clock.advance(3 * INTERVAL_MS + 1);
    await expect(lease.assertHeld()).rejects.toMatchObject({ code: "conflict.lease" });
  });
});
