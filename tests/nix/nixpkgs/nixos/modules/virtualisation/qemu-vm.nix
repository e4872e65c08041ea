{ virtualisation.qemuVmModule = true; }
