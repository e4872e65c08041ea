/**
 * A client of the QEMU Machine Protocol.
 *
 * @module
 */
export {
  connectQmp,
  QmpAnswerTooLarge,
  type QmpClient,
  QmpClosed,
  QmpError,
  type QmpEvent,
} from "./client.ts";
export { QmpEventQueue } from "./event_queue.ts";
