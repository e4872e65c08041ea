export * from "./errors.ts";
export * from "./event.ts";
export * from "./log.ts";
