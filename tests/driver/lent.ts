import { Log } from "../../mod.ts";
import type { LentToVlan } from "../../src/driver/vlan.ts";
import { Faults } from "../../src/machine/mod.ts";

/** What a VLAN without a driver is lent: nobody to tell, and no machines. */
export const lent: LentToVlan = {
  faults: new Faults(new Log()),
  outDir: "/nowhere",
  machines: () => [],
  tellOfFile: () => {},
  complain: () => {},
};
