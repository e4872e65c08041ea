/** The words that no module can use as a name, see ECMA-262, "Identifiers". */
const reservedWords: ReadonlySet<string> = new Set(
  [
    "arguments await break case catch class const continue debugger default",
    "delete do else enum eval export extends false finally for function if",
    "implements import in instanceof interface let new null package private",
    "protected public return static super switch this throw true try typeof",
    "var void while with yield",
  ].join(" ").split(" "),
);

/** Whether no script can say `name`, as it is a word of the language. */
export function isReservedWord(name: string): boolean {
  return reservedWords.has(name);
}
