import { Text } from "ink";
import { plainText } from "../base/terminal-text.ts";
import type { Glyphs } from "./glyphs.ts";
import { KEYMAP } from "./keymap.ts";
import { Frame } from "./pane.tsx";
import type { Overlay, ScreenState } from "./screen.ts";

const KEY_COLUMNS = 12;

export interface OverlayPaneProps {
  readonly overlay: Overlay;
  readonly state: ScreenState;
  readonly glyphs: Glyphs;
}

/** Help, or the difference of two versions, over the whole body. */
export function OverlayPane({ overlay, state, glyphs }: OverlayPaneProps): React.JSX.Element {
  const pane = { width: state.layout.width, height: state.layout.height - 2 };
  const lines = overlay.kind === "help" ? HELP : (overlay.lines ?? ["reading..."]);
  return (
    <Frame pane={pane} title={title(overlay, state)} focused={true} glyphs={glyphs}>
      {lines.slice(overlay.top, overlay.top + pane.height - 2).map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line has no other name than its place
        <Text key={i} wrap="truncate">{` ${line}`}</Text>
      ))}
    </Frame>
  );
}

const HELP = KEYMAP.map(({ keys, meaning }) => `${keys.join(" ").padEnd(KEY_COLUMNS)}${meaning}`);

function title(overlay: Overlay, state: ScreenState): string {
  if (overlay.kind === "help") return "Keys   Esc back";
  const name = (commit: string): string =>
    plainText(state.versions.find((row) => row.commit === commit)?.version ?? commit.slice(0, 8));
  return `diff ${name(overlay.from)} ${name(overlay.to)}   Esc back`;
}
