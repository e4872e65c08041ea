/**
 * A client of the QEMU Machine Protocol.
 *
 * @module
 */
export {
  QmpAnswerTooLarge,
  QmpClient,
  QmpClosed,
  type QmpConnectOptions,
  QmpError,
  type QmpEvent,
  type QmpSendOptions,
} from "./client.ts";
export { QmpEventQueue } from "./event_queue.ts";
