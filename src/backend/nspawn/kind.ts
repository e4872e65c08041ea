import type { BackendKind } from "../backend.ts";

/** Facts about systemd-nspawn and its containers. */
export const nspawn: BackendKind = {
  hypervisor: "systemd-nspawn",
  guestNoun: "container",
  startsFrom: "program",
  plugsIntoHost: true,
  reboots: true,
  takesVsock: false,
  gives: new Set(),

  /** `run-<name>-nspawn` starts a container. */
  machineName: (startCommand) => /run-([^/]+)-nspawn$/.exec(startCommand)?.[1],

  /** Connects over the socket that the container's systemd listens on. */
  sshCommand: ({ name }) => {
    const socket = `/run/systemd/nspawn/unix-export/${name}/ssh`;
    return `ssh -o User=root -o ProxyCommand="socat - UNIX-CLIENT:${socket}" bash`;
  },
};
