import { MachineError } from "../errors.ts";

/**
 * A machine did not start, or can't go on from a snapshot. The message names the
 * machine.
 */
export class StartFailure extends MachineError {}
