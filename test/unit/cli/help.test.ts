import { describe, expect, it } from "vitest";
import { helpOf, overview } from "../../../src/cli/help-text.ts";
import { COMMANDS, FAMILIES, findCommand } from "../../../src/cli/registry.ts";
import { plainLook } from "../../../src/cli/terminal.ts";
import { TOPICS } from "../../../src/cli/topics.ts";
import { runInProcess } from "../../support/run-cli.ts";

const fake = { cwd: "/" };

describe("help", () => {
  it("bare `ingot` fits a screen and shows six groups and three examples", async () => {
    const { out, code } = await runInProcess([], fake);
    expect(code).toBe(0);
    expect(out.trimEnd().split("\n").length).toBeLessThanOrEqual(50);
    for (const group of [
      "start a repository",
      "data and training",
      "examine history and state",
      "branch and release",
      "share",
      "run and maintain",
    ]) {
      expect(out).toContain(`\n${group}\n`);
    }
    expect(out).not.toContain("rev-parse");
    expect((await runInProcess(["help", "-a"], fake)).out).toContain("rev-parse");
  });

  it.each(COMMANDS.map((c) => c.name))("`help %s` is `-h`", async (name) => {
    const [long, short] = [
      await runInProcess(["help", ...name.split(" ")], fake),
      await runInProcess([...name.split(" "), "-h"], fake),
    ];
    expect(long).toEqual(name === "help" ? { ...short, out: long.out } : short);
    expect(long.code).toBe(0);
    expect(long.out).toContain(`usage: ingot ${name}`);
  });

  it.each(Object.keys(TOPICS))("`help %s` says something", async (topic) => {
    const { out, code } = await runInProcess(["help", topic], fake);
    expect([code, out.includes("undefined"), out.length > 80]).toEqual([0, false, true]);
  });

  it("explains error codes, and suggests for a typo", async () => {
    expect((await runInProcess(["help", "refused.lock"], fake)).out).toContain("exit 9");
    expect(await runInProcess(["help", "trian"], fake)).toMatchObject({
      code: 2,
      err: expect.stringContaining("ingot help train"),
    });
  });

  it("every verb is in the overview, every example is a line that parses to its verb", () => {
    const all = overview(plainLook, { all: true, hint: "" }).join("\n");
    for (const command of COMMANDS) {
      expect(all, command.name).toContain(command.name.split(" ")[0]);
      for (const [line] of command.examples ?? []) {
        const words = line.replace(/^source <\(/, "").split(" ");
        expect(words[0], line).toBe("ingot");
        const name = findCommand(words.slice(1))?.command.name;
        expect(name === command.name || FAMILIES[words[1]!] === name, line).toBe(true);
      }
      expect(
        helpOf(plainLook, command).every((l) => l.length <= 120),
        command.name,
      ).toBe(true);
    }
  });
});
