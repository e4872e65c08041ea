/** The words that a module can't use as names; see ECMA-262, "Identifiers". */
const reservedWords: ReadonlySet<string> = new Set(
  [
    "arguments await break case catch class const continue debugger default",
    "delete do else enum eval export extends false finally for function if",
    "implements import in instanceof interface let new null package private",
    "protected public return static super switch this throw true try typeof",
    "var void while with yield",
  ].join(" ").split(" "),
);

/** Whether a script can't use `name`, because it is a reserved word. */
export function isReservedWord(name: string): boolean {
  return reservedWords.has(name);
}
