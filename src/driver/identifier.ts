/** A name with what no identifier may hold as `_`. */
export function identifier(name: string): string {
  return name.replace(/^[^A-Za-z_]|[^A-Za-z0-9_]/g, "_");
}
