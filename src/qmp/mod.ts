/**
 * A client of the QEMU Machine Protocol.
 *
 * @module
 */
export { QmpClient, QmpClosed, QmpError, type QmpEvent } from "./client.ts";
