import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { TestFailure } from "../../../mod.ts";
import { JavaScriptEvaluator } from "../../../src/script/prompt/javascript.ts";
import { showOutcome } from "../../../src/script/prompt/show.ts";

async function withEvaluator(
  fn: (evaluator: JavaScriptEvaluator) => Promise<void>,
  names: Record<string, unknown> = {},
) {
  Object.assign(globalThis, names);
  using evaluator = await JavaScriptEvaluator.create(Object.keys(names));
  await fn(evaluator);
}

Deno.test("evaluate() keeps declarations, lets them be repeated, and takes await", () =>
  withEvaluator(async (evaluator) => {
    assertEquals(
      await evaluator.evaluate("const promptA = await Promise.resolve(1)"),
      { value: undefined },
    );
    assertEquals(await evaluator.evaluate("promptA + 1"), { value: 2 });
    await evaluator.evaluate("const promptA = 5");
    assertEquals(await evaluator.evaluate("promptA"), { value: 5 });
    await evaluator.evaluate("async function promptF() { return 7 }");
    assertEquals(await evaluator.evaluate("promptF()"), { value: 7 });
  }));

Deno.test("evaluate() takes TypeScript", () =>
  withEvaluator(async (evaluator) => {
    assertEquals(
      await evaluator.evaluate("((x: number): number => x as number)(3)"),
      { value: 3 },
    );
    await evaluator.evaluate("enum PromptE { A, B }");
    assertEquals(await evaluator.evaluate("PromptE.B"), { value: 1 });
  }));

Deno.test("evaluate() takes what begins with a brace for an object", () =>
  withEvaluator(async (evaluator) => {
    assertEquals(await evaluator.evaluate("{ a: 1 }"), { value: { a: 1 } });
    assertEquals(await evaluator.evaluate("{ let a = 1; a }"), { value: 1 });
  }));

Deno.test("evaluate() imports", () =>
  withEvaluator(async (evaluator) => {
    await evaluator.evaluate(`import { EOL as promptEol } from "node:os"`);
    assertEquals(await evaluator.evaluate("promptEol"), { value: "\n" });
  }));

Deno.test("evaluate() hands over every kind of value itself", () =>
  withEvaluator(async (evaluator) => {
    for (const text of ["-0", "NaN", "12n", "null", "Symbol.iterator"]) {
      const outcome = await evaluator.evaluate(text);
      assert("value" in outcome && Object.is(outcome.value, eval(text)), text);
    }
    const map = await evaluator.evaluate("new Map([[1, 2]])");
    assert("value" in map);
    assertInstanceOf(map.value, Map);
  }));

Deno.test("evaluate() answers with the error itself, thrown or rejected", () =>
  withEvaluator(async (evaluator) => {
    for (
      const text of [
        "promptFail()",
        "promptFail();",
        "await promptFail()",
        "throw promptError",
      ]
    ) {
      const outcome = await evaluator.evaluate(text);
      assert("error" in outcome, text);
      assertInstanceOf(outcome.error, TestFailure);
      assertEquals(showOutcome(outcome, false), "TestFailure: no");
    }
    const outcome = await evaluator.evaluate("1 +* 2");
    assert("error" in outcome);
    assertInstanceOf(outcome.error, SyntaxError);
  }, {
    promptError: new TestFailure("no"),
    promptFail: () => Promise.reject(new TestFailure("no")),
  }));

Deno.test("isComplete() asks for more where there is more to come", () =>
  withEvaluator((evaluator) => {
    for (
      const code of ["f(", "a +", "if (a) {", "x =>", "const f = (a: string,"]
    ) {
      assertEquals(evaluator.isComplete(code), false, code);
    }
    for (
      const code of ["f()", "a++", "let x: Array<number>", "foo bar", "", "}"]
    ) {
      assertEquals(evaluator.isComplete(code), true, code);
    }
    return Promise.resolve();
  }));

Deno.test("push() takes an input line by line, and reset() drops it", () =>
  withEvaluator(async (evaluator) => {
    assertEquals(await evaluator.push("[1,"), "more");
    assertEquals(await evaluator.push("2]"), { value: [1, 2] });
    assertEquals(await evaluator.push("[1,"), "more");
    evaluator.reset();
    assertEquals(await evaluator.push("3"), { value: 3 });
  }));

Deno.test("complete() knows names, members, and what was declared", async (t) => {
  class Machine {
    waitForUnit() {}
    wait_for_unit() {}
    get never(): unknown {
      throw new Error("a getter ran");
    }
  }
  await withEvaluator(async (evaluator) => {
    await evaluator.evaluate("const promptList = [promptMachine]");
    for (
      const [line, candidates, word] of [
        ["promptMa", ["promptMachine"], "promptMa"],
        // Each name once, but in the spelling that was begun.
        ["await promptMachine.wait", ["waitForUnit"], "wait"],
        ["promptMachine?.waitF", ["waitForUnit"], "waitF"],
        ["promptList[0].wait_", ["wait_for_unit"], "wait_"],
        ["f(promptMachine.ne", ["never"], "ne"],
        ["promptMachine.never.", [], ""],
        ["promptLi", ["promptList"], "promptLi"],
        ["'promptMa", [], ""],
        ["promptNothing.a", [], "a"],
      ] as const
    ) {
      await t.step(line, async () => {
        assertEquals(await evaluator.complete(line), [[...candidates], word]);
      });
    }
  }, { promptMachine: new Machine() });
});

Deno.test("the error suggests the name that was probably meant", async () => {
  class Machine {
    waitForUnit() {}
  }
  await withEvaluator(async (evaluator) => {
    const hint = async (code: string) => {
      const outcome = await evaluator.evaluate(code);
      assert("error" in outcome);
      return outcome.hint;
    };
    assertEquals(await hint("promptMahcine"), "did you mean promptMachine?");
    assertEquals(
      await hint("await promptMachine.waitForUnti()"),
      "did you mean promptMachine.waitForUnit?",
    );
    assertEquals(await hint("promptMachine.xyz()"), undefined);
    assertEquals(await hint("throw new TypeError('other')"), undefined);
    assertEquals(
      showOutcome({ error: new TestFailure("x"), hint: "h" }, false),
      "TestFailure: x\nh",
    );
  }, { promptMachine: new Machine() });
});

Deno.test("showOutcome() makes a guest's text harmless", () => {
  const shown = showOutcome({ value: "a\n\x1b[2J\x1b]0;title\x07b\n" }, true);
  assertEquals(shown, "a\nb");
  const error = showOutcome({ error: new TestFailure("\x1b[2Jx") }, true);
  assertEquals(error, "\x1b[31mTestFailure: x\x1b[0m");
  assertEquals(showOutcome({ value: undefined }, true), undefined);
});
