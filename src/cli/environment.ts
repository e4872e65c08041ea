/** The environment. */
export interface Environment {
  /** The variable's value, if it is set. */
  get(name: string): string | undefined;
}
