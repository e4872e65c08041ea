import { type Characters, union } from "./characters.ts";
import type { Node } from "./syntax.ts";

const nothing: Node = { type: "sequence", nodes: [] };

/** Flattens sequences, and turns a choice of single characters into a set. */
export function flatten(node: Node): Node {
  switch (node.type) {
    case "sequence": {
      const nodes: Node[] = [];
      for (const part of node.nodes.map(flatten)) {
        if (part.type === "sequence") nodes.push(...part.nodes);
        else nodes.push(part);
      }
      return nodes.length === 1 ? nodes[0] : { type: "sequence", nodes };
    }
    case "choice": {
      const nodes = node.nodes.map(flatten);
      const sets: Characters[] = [];
      for (const way of nodes) {
        if (way.type === "characters") sets.push(way.set);
      }
      if (sets.length < 2) return { type: "choice", nodes };
      const joined: Node = { type: "characters", set: union(...sets) };
      const others = nodes.filter((way) => way.type !== "characters");
      return others.length === 0
        ? joined
        : { type: "choice", nodes: [joined, ...others] };
    }
    case "repeat": {
      const inner = flatten(node.node);
      if (node.max === 0) return nothing;
      return node.min === 1 && node.max === 1
        ? inner
        : { ...node, node: inner };
    }
    default:
      return node;
  }
}

/**
 * Removes from a pattern's beginning the parts that do not change where its
 * matches end, given that they may begin anywhere: `x*` of `x*y`, and all but
 * one `x` of `x+y`.
 */
export function trimStart(node: Node): Node {
  switch (node.type) {
    case "repeat": {
      if (node.min === 0) return nothing;
      const rest: Node[] = node.min === 1
        ? []
        : [{ ...node, min: node.min - 1, max: node.min - 1 }];
      return flatten({
        type: "sequence",
        nodes: [trimStart(node.node), ...rest],
      });
    }
    case "sequence": {
      if (node.nodes.length === 0) return node;
      const first = trimStart(node.nodes[0]);
      const rest: Node = { type: "sequence", nodes: node.nodes.slice(1) };
      return isNothing(first)
        ? trimStart(rest)
        : flatten({ type: "sequence", nodes: [first, rest] });
    }
    case "choice":
      return flatten({ type: "choice", nodes: node.nodes.map(trimStart) });
    default:
      return node;
  }
}

function isNothing(node: Node): boolean {
  return node.type === "sequence" && node.nodes.length === 0;
}

/** The shortest text that a node can match, in characters. */
export function shortest(node: Node): number {
  switch (node.type) {
    case "characters":
      return 1;
    case "sequence":
      return node.nodes.reduce((sum, part) => sum + shortest(part), 0);
    case "choice":
      return Math.min(...node.nodes.map(shortest));
    case "repeat":
      return node.min * shortest(node.node);
    case "assertion":
      return 0;
  }
}
