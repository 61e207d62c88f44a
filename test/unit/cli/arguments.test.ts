import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkArguments, optionsOf } from "../../../src/cli/arguments.ts";
import { type CommandDefinition, integer } from "../../../src/cli/command.ts";
import { parseQuick } from "../../../src/cli/parse-quick.ts";
import { parseWithYargs } from "../../../src/cli/parse-yargs.ts";
import { COMMANDS } from "../../../src/cli/registry.ts";

const commandNamed = (name: string) => COMMANDS.find((c) => c.name === name)!;

async function codeOf(command: CommandDefinition, argv: readonly string[]): Promise<string> {
  try {
    checkArguments(command, await parseWithYargs(command, argv));
    return "ok";
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as { hint?: string }).hint}`;
  }
}

describe("arguments", () => {
  it.each([
    ["train", ["--epocs", "3"], "usage.flag: did you mean --epochs?"],
    ["train", ["--epochs", "abc"], "usage.flag: --epochs takes a number from 0"],
    ["train", ["--epochs", "-1"], "usage.flag: --epochs takes a number from 0"],
    ["train", ["--epochs", ""], "usage.flag: --epochs takes a number from 0"],
    ["train", ["--epochs", "Infinity"], "usage.flag: --epochs takes a number from 0"],
    ["train", ["--steps", "1.5"], "usage.flag: --steps takes a whole number from 1"],
    ["train", ["--steps"], "usage.flag: --steps N"],
    ["train", ["--method", "lore"], "usage.flag: did you mean lora? (lora, full)"],
    ["train", ["--stage=yes"], "usage.flag: ingot train -h"],
    ["diff", [], "usage.argument: ingot diff -h"],
    ["diff", ["a", "b", "c"], "usage.argument: ingot diff -h"],
    ["train", ["a", "--lr", "2e-4", "b", "-m", "a message", "--no-stage"], "ok"],
    ["rm", ["v1", "v2", "--force"], "ok"],
  ])("%s %j gives %s", async (name, argv, expected) => {
    expect(await codeOf(commandNamed(name), argv)).toBe(expected);
  });

  it("reads every form of an option alike, quickly and by yargs", async () => {
    const log = commandNamed("log");
    const word = fc.constantFrom(
      "main",
      "v1..v2",
      "-n",
      "3",
      "-n3",
      "--count=4",
      "--count",
      "--graph",
      "--oneline",
      "-i",
      "-q",
      "-qi",
      "--",
      "--json",
      "-C",
      "/tmp",
      "--color=never",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (argv) => {
        const outcome = async (parse: typeof parseWithYargs) => {
          try {
            const { options, positionals } = await parse(log, argv);
            const once = [...options].map(([name, values]) => [
              name,
              values.every((v) => v === true) ? true : values,
            ]);
            return { options: Object.fromEntries(once), positionals };
          } catch (error) {
            return (error as { code: string }).code;
          }
        };
        expect(await outcome(async (c, a) => parseQuick(c, a))).toEqual(await outcome(parseWithYargs));
      }),
      { numRuns: 300 },
    );
  });

  it("asks for no argument that the verb does not declare", () => {
    const args = checkArguments(commandNamed("status"), { options: new Map(), positionals: [] });
    expect(() => args.flag("graph")).toThrow("bug");
  });
});

describe("the registry", () => {
  it("has no name, alias or option twice", () => {
    const words = COMMANDS.flatMap((c) => [c.name, ...(c.aliases ?? [])]);
    expect(new Set(words).size).toBe(words.length);
    for (const command of COMMANDS) {
      const names = optionsOf(command).flatMap((o) => [
        o.name,
        ...(o.short === undefined || o.short === o.name ? [] : [o.short]),
      ]);
      expect(new Set(names).size, command.name).toBe(names.length);
    }
  });

  it("only the last positional takes all that is left, and none is required after an optional one", () => {
    for (const { name, positionals = [] } of COMMANDS) {
      expect(
        positionals.slice(0, -1).some((p) => p.many),
        name,
      ).toBe(false);
      const firstOptional = positionals.findIndex((p) => p.required !== true);
      if (firstOptional >= 0)
        expect(
          positionals.slice(firstOptional).some((p) => p.required),
          name,
        ).toBe(false);
    }
  });

  it("numbers keep their bounds", () => {
    expect(integer("N", 1, 8)).toEqual({ type: "integer", placeholder: "N", min: 1, max: 8 });
  });
});
