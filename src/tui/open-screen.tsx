import { glyphsFor } from "./glyphs.ts";
import { openFullScreen, type TerminalStreams } from "./terminal.ts";
import type { LogSource } from "./version-row.ts";

/** Variables by which ink takes a terminal for a build machine and draws nothing. */
const CI_VARIABLES = ["CI", "CONTINUOUS_INTEGRATION"];

/** Shows versions from any source; resolves when the person leaves and the earlier screen is back. */
export async function openScreen(source: LogSource, streams: TerminalStreams): Promise<void> {
  const { env } = streams.process;
  // ink looks at them once, when it is loaded; with a terminal at both ends somebody is watching.
  for (const name of CI_VARIABLES) delete env[name];
  const [{ render }, { LogScreen }] = await Promise.all([import("ink"), import("./log-screen.tsx")]);
  const screen = openFullScreen(streams);
  try {
    const glyphs = glyphsFor((env.INGOT_ASCII ?? "") !== "");
    const app = render(<LogScreen source={source} host={screen} glyphs={glyphs} />, {
      stdin: streams.stdin,
      stdout: screen.surface,
      patchConsole: false,
    });
    await app.waitUntilExit();
  } finally {
    screen.close();
  }
}
