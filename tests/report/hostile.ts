/** Texts that have broken a report somewhere. */
export const hostile: readonly string[] = [
  "",
  "]]>",
  "<![CDATA[",
  "<script>alert(1)</script>",
  '" onload="alert(1)',
  "</pre></line></nest></logfile>",
  "<!-- -- -->",
  "&amp; &#0; &unknown;",
  Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join(""),
  "\ud800 lone \udc00 surrogates \udfff",
  "\ufffe\uffff\ufeff",
  "\x1b]0;title\x07\x1b[31mred\x1b[0m",
  "\u202eright to left\u202c",
  "emoji 🎉 and combining e\u0301",
  "%s %n ${x} \\0",
  "line\nline\r\nline\rline\u2028line",
  "../../etc/passwd",
  "javascript:alert(1)",
  "x".repeat(1 << 20),
];

/** A stream of numbers from 0 up to 1 that is the same every time. */
export function numbers(seed: number): () => number {
  return () => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed / 2 ** 31;
  };
}
