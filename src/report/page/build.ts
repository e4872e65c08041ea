/**
 * Builds `page.html`, what every page is made of, from the sources beside this
 * file. With `--check` it writes nothing and fails if the committed text is not
 * what the sources give.
 *
 * @module
 */
const folder = new URL("./", import.meta.url);
const target = new URL("page.html", folder);

async function bundled(): Promise<string> {
  const output = await Deno.makeTempFile({ suffix: ".js" });
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "bundle",
        "--quiet",
        "--platform=browser",
        "--minify",
        "--output",
        output,
        "main.tsx",
      ],
      cwd: folder.pathname,
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return (await Deno.readTextFile(output)).trim();
  } finally {
    await Deno.remove(output);
  }
}

/** What a content security policy calls a text that it allows. */
async function hash(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(text),
  );
  return `'sha256-${new Uint8Array(bytes).toBase64()}'`;
}

async function build(): Promise<string> {
  const script = `\n${await bundled()}\n`;
  const css = await Deno.readTextFile(new URL("style.css", folder));
  const style = `\n${
    css.replace(/\/\*[^]*?\*\//g, "").replace(/\s*\n\s*/g, "\n").trim()
  }\n`;
  if (/<\/script|<!--|%%\w+%%/i.test(script)) {
    throw new Error("Expected a script that can stand on a page");
  }
  const policy = [
    "default-src 'none'",
    `script-src ${await hash(script)}`,
    `style-src ${await hash(style)}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="${policy}%%connect%%"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>%%title%%</title>
<style>${style}</style>
</head>
<body>
<div id="app">
%%summary%%</div>
%%index%%<script type="module">${script}</script>
%%chunks%%</body>
</html>
`;
}

if (import.meta.main) {
  const text = await build();
  if (Deno.args.includes("--check")) {
    if (await Deno.readTextFile(target) !== text) {
      console.error(
        "Expected src/report/page/page.html to be what its sources build, but it differs: run `deno task build`",
      );
      Deno.exit(1);
    }
  } else {
    await Deno.writeTextFile(target, text);
    console.log(`src/report/page/page.html: ${text.length} bytes`);
  }
}
