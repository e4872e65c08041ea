# Until spring 2026 the driver's wrapper sets `startScripts`, `vlans`, `testScript` and `globalTimeout`.
{ }
