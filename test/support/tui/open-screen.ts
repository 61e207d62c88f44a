import { openScreen } from "../../../src/tui/open-screen.tsx";
import { makeSource, makeVersions } from "../log-source.ts";

// Run in a terminal by test/e2e/tui.test.ts: the screen over a made-up history. The argument says how it ends badly, if at all.
const source = makeSource(makeVersions(40));
if (process.argv[2] === "throw") {
  source.detail = async () => {
    throw new Error("made to fail");
  };
}
await openScreen(source, { stdin: process.stdin, stdout: process.stdout, process });
console.log("left by the person");
process.exit(0);
