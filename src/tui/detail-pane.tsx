import { Text } from "ink";
import { detailLines, type Line, type Tone } from "./detail-lines.ts";
import type { Glyphs } from "./glyphs.ts";
import { detailColumns, innerHeight } from "./layout.ts";
import { Frame } from "./pane.tsx";
import { type ScreenState, selectedVersion } from "./screen.ts";

const TONES: {
  readonly [tone in Tone]: { readonly color?: string; readonly bold?: boolean; readonly dimColor?: boolean };
} = {
  plain: {},
  title: { bold: true },
  dim: { dimColor: true },
  good: { color: "green" },
  bad: { color: "red" },
  name: { color: "cyan" },
};

/** The selected version in full, from its first visible line. */
export function DetailPane({
  state,
  glyphs,
}: {
  readonly state: ScreenState;
  readonly glyphs: Glyphs;
}): React.JSX.Element {
  const { layout, detail, detailTop } = state;
  const row = selectedVersion(state);
  const width = detailColumns(layout);
  const lines =
    detail === undefined
      ? []
      : detailLines(detail, width, glyphs).slice(detailTop, detailTop + innerHeight(layout.detail));
  const title = row === undefined ? "Nothing selected" : `${row.version} ${row.commit.slice(0, 8)}`;
  return (
    <Frame pane={layout.detail} title={title} focused={state.focus === "detail"} glyphs={glyphs}>
      {lines.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line has no other name than its place
        <SpanLine key={i} line={line} />
      ))}
    </Frame>
  );
}

function SpanLine({ line }: { readonly line: Line }): React.JSX.Element {
  return (
    <Text wrap="truncate">
      {" "}
      {line.map((span, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: as above
        <Text key={i} {...TONES[span.tone]}>
          {span.text}
        </Text>
      ))}
    </Text>
  );
}
