import { describe, expect, it } from "vitest";
import { decodeStored, encodeStored } from "../../../src/repo/codecs.ts";
import { loadZstd } from "../../../src/repo/zstd.ts";
import { noise } from "../../support/repo.ts";

const text = (repeats: number) =>
  new TextEncoder().encode('{"prompt":"a question","completion":"an answer"}\n'.repeat(repeats));

describe("zstd", () => {
  it.each([0, 1, 255, 256, 65_791, 65_792, 1 << 20])(
    "gives back %i bytes, out of a frame that announces them",
    async (size) => {
      const zstd = await loadZstd();
      const bytes = noise(size);
      expect(Buffer.compare(zstd.decompress(zstd.compress(bytes, 3), size), bytes)).toBe(0);
    },
  );

  it("refuses what announces another size, is cut off, or is none", async () => {
    const zstd = await loadZstd();
    const bytes = text(1000);
    const frame = zstd.compress(bytes, 3);
    const refused = expect.objectContaining({ code: "integrity.pack" });
    expect(() => zstd.decompress(frame, bytes.length - 1)).toThrow(refused);
    expect(() => zstd.decompress(frame, 2 ** 40)).toThrow(refused);
    for (const length of [0, 5, 9, frame.length - 1])
      expect(() => zstd.decompress(frame.subarray(0, length), bytes.length)).toThrow(refused);
    // Two frames after each other hold more than the first one says.
    expect(() => zstd.decompress(Buffer.concat([frame, frame]), bytes.length)).toThrow(refused);
    expect(() => zstd.decompress(noise(500), 500)).toThrow(refused);
  });
});

describe("codecs", () => {
  it("compress text, and neither noise nor what is short", async () => {
    expect((await encodeStored(text(2000))).codec).toBe(1);
    expect((await encodeStored(noise(200_000))).codec).toBe(0);
    expect((await encodeStored(text(10))).codec).toBe(0);
  });

  it("leave float weights as they are", async () => {
    const weights = Float32Array.from({ length: 100_000 }, (_, i) => Math.sin(i * 12.9898) * 0.02);
    expect((await encodeStored(new Uint8Array(weights.buffer))).codec).toBe(0);
  });

  it("stop at a codec of the future", async () => {
    await expect(decodeStored(9, new Uint8Array(4), 4)).rejects.toMatchObject({ code: "input.version" });
    await expect(decodeStored(0, new Uint8Array(4), 5)).rejects.toMatchObject({ code: "integrity.pack" });
  });
});
