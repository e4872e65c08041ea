{ virtualisation.nspawnModule = true; }
