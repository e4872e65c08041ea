import { assertEquals } from "@std/assert";
import { dedent } from "../../src/script/dedent.ts";

Deno.test("dedent removes the indentation that all lines have", () => {
  const name = "web";
  assertEquals(
    dedent`
      cat > /etc/hosts <<EOF
        127.0.0.1 ${name}

      EOF
    `,
    "cat > /etc/hosts <<EOF\n  127.0.0.1 web\n\nEOF",
  );
});

Deno.test("dedent leaves values as they are, and escapes their meaning", () => {
  const lines = "    a\n      b";
  assertEquals(
    dedent`
      ${lines}
        printf '\\n\t\${x}'
      ${1}${2}`,
    "    a\n      b\n  printf '\\n\t${x}'\n12",
  );
  assertEquals(dedent`one`, "one");
  assertEquals(dedent`  one ${2}`, "one 2");
  assertEquals(dedent``, "");
  assertEquals(
    dedent`
      a\nb
        c`,
    "a\nb\n  c",
  );
});
