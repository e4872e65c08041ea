export {
  type Guest,
  guest,
  type GuestName,
  guestNames,
  type StartScriptOptions,
} from "./guest.ts";
export { ensureTools, guestTools, testTools, type Tool } from "./tools.ts";
