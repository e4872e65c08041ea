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
  "zero\u200bwidth\u200d\u2060joined\ufeff, soft\u00adhyphen, \u034f\u115f\u3164\uffa0",
  "tagged\u{e0041}\u{e007f} annotated\ufff9\ufffb selected\ufe00\u{e0100}",
  "C1 \x9b31mred\x9b0m \x9dtitle\x9c\x85",
  "colours \x1b[38;5;196mhere\x1b[0m and \x1b[1;3",
  "emoji 🎉 and combining e\u0301",
  "%s %n ${x} \\0",
  "%%chunks%%%%index%%%%title%%%%summary%%",
  "line\nline\r\nline\rline\u2028line\u2029line",
  "../../etc/passwd",
  "javascript:alert(1)",
  "x".repeat(1 << 20),
];

/** What no report may hold: nobody sees it, or it is left of a control sequence. */
export const unseen: RegExp =
  /(?![\t\n\ufe0e\ufe0f])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufdd0-\ufdef]|\[[\d;]*m|\]0;/u;

/** A stream of numbers from 0 up to 1 that is the same every time. */
export function numbers(seed: number): () => number {
  return () => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed / 2 ** 31;
  };
}
