export { type Guest, guest, type GuestName, guestNames } from "./guest.ts";
export { ensureTools, type Tool, tools } from "./tools.ts";
