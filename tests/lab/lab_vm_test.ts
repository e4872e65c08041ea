import { assertEquals, assertRejects } from "@std/assert";
import { TestFailure } from "../../mod.ts";
import { booted } from "../machine/booted.ts";
import { LabFrozen, runIn } from "./machine.ts";

Deno.test("a hung machine of the lab is distinguished from a hung program in it", async (t) => {
  await using lab = await booted();
  const { machine } = lab;
  await machine.connect();

  await t.step("the result of a program that ends is returned", async () => {
    assertEquals(
      await runIn(machine, "echo", "echo here; exit 3", { timeout: 60 }),
      { status: 3, output: "here\n" },
    );
  });

  await t.step("a program that does not end fails", async () => {
    const error = await assertRejects(
      () => runIn(machine, "a sleep", "sleep 1000", { timeout: 1 }),
      TestFailure,
    );
    assertEquals(
      error.message,
      "a sleep did not end in the lab within 1 seconds",
    );
  });

  await t.step("a hung machine is reported so", async () => {
    Deno.kill(machine.pid!, "SIGSTOP");
    const error = await assertRejects(
      () => runIn(machine, "an echo", "echo here", { timeout: 1, patience: 2 }),
      LabFrozen,
    );
    assertEquals(
      error.message,
      "The lab's machine stood still while it ran an echo: it did not answer " +
        "for 2 seconds and was ended from outside, which says nothing of what " +
        "was tried in it",
    );
  });
});
