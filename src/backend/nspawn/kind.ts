import type { BackendKind } from "../backend.ts";

/** systemd-nspawn, and what it runs. */
export const nspawn: BackendKind = {
  hypervisor: "systemd-nspawn",
  guestNoun: "container",
  plugsIntoHost: true,
  takesVsock: false,

  /** A container is what `run-<name>-nspawn` starts. */
  machineName: (startCommand) => /run-([^/]+)-nspawn$/.exec(startCommand)?.[1],

  /** Over the socket that the container's systemd listens on. */
  sshCommand: ({ name }) => {
    const socket = `/run/systemd/nspawn/unix-export/${name}/ssh`;
    return `ssh -o User=root -o ProxyCommand="socat - UNIX-CLIENT:${socket}" bash`;
  },
};
