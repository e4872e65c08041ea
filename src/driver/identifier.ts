/** Turns a name into an identifier: all other characters become `_`. */
export function identifier(name: string): string {
  return name.replace(/^[^A-Za-z_]|[^A-Za-z0-9_]/g, "_");
}
