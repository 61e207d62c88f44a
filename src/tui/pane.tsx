import { Box, Text } from "ink";
import type { ReactNode } from "react";
import { toWidth } from "./detail-lines.ts";
import type { Glyphs } from "./glyphs.ts";
import type { Pane } from "./layout.ts";

export interface FrameProps {
  readonly pane: Pane;
  readonly title: string;
  readonly focused: boolean;
  readonly glyphs: Glyphs;
  readonly children: ReactNode;
}

/** A box with its title in the upper border. The lines inside are the caller's; what is too much is cut off. */
export function Frame({ pane, title, focused, glyphs, children }: FrameProps): React.JSX.Element {
  const color = focused ? { color: "cyan" } : { dimColor: true };
  const inner = Math.max(0, pane.width - 2);
  const named = ` ${toWidth(title, Math.min([...title].length, Math.max(0, inner - 3)), glyphs)} `;
  const rule = glyphs.dash.repeat(Math.max(0, inner - [...named].length - 1));
  const side = `${glyphs.line}\n`.repeat(Math.max(1, pane.height - 2)).trimEnd();
  return (
    <Box flexDirection="column" width={pane.width} height={pane.height} overflow="hidden">
      <Text
        wrap="truncate"
        {...color}
      >{`${glyphs.topLeft}${glyphs.dash}${named}${rule}${glyphs.topRight}`}</Text>
      <Box height={pane.height - 2}>
        <Box width={1}>
          <Text {...color}>{side}</Text>
        </Box>
        <Box flexDirection="column" width={inner} overflow="hidden">
          {children}
        </Box>
        <Box width={1}>
          <Text {...color}>{side}</Text>
        </Box>
      </Box>
      <Text
        wrap="truncate"
        {...color}
      >{`${glyphs.bottomLeft}${glyphs.dash.repeat(inner)}${glyphs.bottomRight}`}</Text>
    </Box>
  );
}
