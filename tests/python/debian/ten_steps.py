start_all()
with subtest("the system comes up"):
    machine.wait_for_unit("multi-user.target")
    machine.wait_for_unit("nginx")
with subtest("it serves its page"):
    machine.wait_for_open_port(80)
    page = machine.succeed("curl -sSf http://localhost/")
    t.assertIn("This page is served by", page)
with subtest("a file appears"):
    machine.succeed("(sleep 1; touch /tmp/appears) >&2 &")
    machine.wait_for_file("/tmp/appears", timeout=60)
    machine.fail("test -e /tmp/does-not")
with subtest("it says so"):
    machine.succeed("echo all is said >&2")
    machine.wait_for_console_text("all is said", timeout=60)
with log.nested("it can be asked again and again"):
    machine.wait_until_succeeds("systemctl is-active nginx", timeout=60)
machine.screenshot("ten-steps")
log.info("done")
