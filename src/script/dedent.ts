/**
 * Removes from a template the indentation that all of its lines have, and the
 * empty lines at its beginning and end: for here-documents in indented scripts.
 * Values stay unchanged.
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
  // No indentation of the script follows a line that ends by an escape.
  const { raw } = strings;
  // The first line of a part continues a line after a value, so it has no
  // indentation.
  const lines = raw.flatMap((part, index) =>
    part.split("\n").slice(index === 0 && !part.startsWith("\n") ? 0 : 1)
      // A line with only a value is not empty.
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
