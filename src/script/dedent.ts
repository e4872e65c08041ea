/**
 * A template's text without the indentation that all of its lines have, and
 * without the empty lines that it begins and ends with: for here-documents in
 * indented scripts. Values stay as they are.
 *
 * @example
 * ```ts
 * await machine.succeed(dedent`
 *   cat > /etc/motd <<EOF
 *   Welcome
 *   EOF
 * `);
 * ```
 */
export function dedent(
  strings: TemplateStringsArray,
  ...values: unknown[]
): string {
  // A line that ends by an escape has no indentation of the script's behind it.
  const { raw } = strings;
  // The first line of a part goes on behind a value, and is indented by nothing.
  const lines = raw.flatMap((part, index) =>
    part.split("\n").slice(index === 0 && !part.startsWith("\n") ? 0 : 1)
      // A line that holds only a value is none of white space.
      .map((line, at, all) =>
        at === all.length - 1 && index < raw.length - 1 ? `${line}x` : line
      )
  );
  const indents = lines.filter((line) => line.trim() !== "")
    .map((line) => /^[ \t]*/.exec(line)![0].length);
  const common = indents.length === 0 ? 0 : Math.min(...indents);
  const parts = strings.map((part, index) => {
    const first = index === 0 ? "\n" : "";
    return (first + part).replaceAll(
      new RegExp(`\\n[ \\t]{0,${common}}`, "g"),
      "\n",
    ).slice(first.length);
  });
  parts[0] = parts[0].replace(/^\n/, "");
  parts.push(parts.pop()!.replace(/\n[ \t]*$/, ""));
  return parts.reduce((text, part, index) =>
    text + String(values[index - 1]) + part
  );
}
