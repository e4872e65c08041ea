export {
  type Guest,
  guest,
  type GuestName,
  guestNames,
  type StartScriptOptions,
} from "./guest.ts";
export {
  microConfiguration,
  type MicroHypervisor,
  type MicroOptions,
} from "./micro_configuration.ts";
export { ensureTools, guestTools, testTools, type Tool } from "./tools.ts";
