export {
  type Guest,
  guest,
  type GuestName,
  guestNames,
  type StartScriptOptions,
} from "./guest.ts";
export { ensureTools, type Tool, tools } from "./tools.ts";
