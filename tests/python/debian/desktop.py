# Windows and what can be read on the screen.
machine.wait_for_x()
machine.wait_for_window("vmwright window")
machine.wait_for_window(r"^(vm)?wright w(?P<x>i)ndow$", timeout=60)
machine.wait_for_window(r"(v)(?(1)m|x)wright", timeout=60)
assert "vmwright window" in machine.get_window_names()
machine.screenshot("desktop")
assert (machine.out_dir / "desktop.png").exists()

with subtest("text on the screen"):
    machine.succeed("chvt $(fgconsole)")
    machine.wait_for_text("Hello from the guest", timeout=300)
    machine.wait_for_text(r"(?i)hello\s+FROM")
    assert "Hello" in machine.get_screen_text()
    assert any("guest" in text for text in machine.get_screen_text_variants())
