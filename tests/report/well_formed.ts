import { unseen } from "./hostile.ts";

/** An element of a document. */
export interface Element {
  name: string;
  attributes: Record<string, string | undefined>;
  children: (Element | string)[];
}

const token =
  /<([A-Za-z_][\w.-]*)((?:\s+[A-Za-z_][\w.-]*="[^"<]*")*)\s*(\/?)>|<\/([A-Za-z_][\w.-]*)>|([^<>]+)/y;
const attribute = /\s+([A-Za-z_][\w.-]*)="([^"<]*)"/g;
/**
 * Reads an XML document strictly: elements, attributes in double quotes and
 * text that can be seen, nothing else.
 *
 * @throws {Error} At the first thing that is not well-formed.
 */
export function parse(document: string): Element {
  const hidden = unseen.exec(document);
  if (hidden !== null) {
    throw new Error(`hidden characters: ${JSON.stringify(hidden[0])}`);
  }
  const text = document.replace(/^(?:<\?xml[^>]*\?>|<!doctype html>)\n/, "");
  const root: Element = { name: "", attributes: {}, children: [] };
  const open = [root];
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (found === null) {
      throw new Error(`not well-formed: ${text.slice(at, at + 80)}`);
    }
    const [, name, attributes, empty, end, data] = found;
    const parent = open.at(-1)!;
    if (data !== undefined) {
      parent.children.push(unescaped(data));
    } else if (end !== undefined) {
      if (end !== parent.name) {
        throw new Error(`</${end}> closes <${parent.name}>`);
      }
      open.pop();
    } else {
      const element: Element = { name, attributes: {}, children: [] };
      for (const [, key, value] of attributes.matchAll(attribute)) {
        if (key in element.attributes) throw new Error(`${key} twice`);
        element.attributes[key] = unescaped(value);
      }
      parent.children.push(element);
      if (!empty) open.push(element);
    }
  }
  if (open.length > 1) throw new Error(`<${open.at(-1)!.name}> is not closed`);
  const [first, ...others] = root.children.filter((child) =>
    typeof child !== "string" || child.trim() !== ""
  );
  if (typeof first !== "object" || others.length > 0) {
    throw new Error("not one element at the top");
  }
  return first;
}

function unescaped(text: string): string {
  return text.replace(/&([^;]*);?/g, (whole, name) => {
    const known: Record<string, string> = {
      amp: "&",
      lt: "<",
      gt: ">",
      quot: '"',
      "#39": "'",
      "#9": "\t",
      "#10": "\n",
      "#13": "\r",
    };
    if (!(name in known) || !whole.endsWith(";")) {
      throw new Error(`unknown reference ${whole.slice(0, 20)}`);
    }
    return known[name];
  });
}

/** All text inside an element. */
export function textOf(element: Element): string {
  return element.children.map((child) =>
    typeof child === "string" ? child : textOf(child)
  ).join("");
}

/** All elements of a name inside an element, itself included. */
export function all(element: Element, name: string): Element[] {
  const inside = element.children.filter((child) => typeof child === "object")
    .flatMap((child) => all(child, name));
  return element.name === name ? [element, ...inside] : inside;
}
