// What a UI Kit module draws, in plain HTML: its tree comes whole with every change, and
// what stayed keeps its element, so that a field keeps its text and the focus.
import { parts, unknownPart } from "./ui-kit-parts.js";

const place = document.getElementById("native");
const MOST_PARTS = 5_000;

let drawn = new Map(); // key of a part → { type, node }

export const draw = ({ forgeDoc }, entry) => {
  if (!place) throw new Error("Only a UI Kit module (`render: native`) can be drawn.");
  const next = new Map();
  fill(place, forgeDoc?.children ?? [], next);
  drawn = next;
  entry.outcome(`drew ${next.size}`);
};

const fill = (container, children, next) => {
  const nodes = children.map((child) => nodeOf(child, next)).filter(Boolean);
  nodes.forEach((node, at) => {
    if (container.childNodes[at] !== node) container.insertBefore(node, container.childNodes[at] ?? null);
  });
  while (container.childNodes.length > nodes.length) container.lastChild.remove();
};

const nodeOf = ({ type, key, props = {}, children = [] }, next) => {
  if (next.size >= MOST_PARTS) return undefined;
  const part = parts[type] ?? unknownPart(type);
  const tag = typeof part.tag === "function" ? part.tag(props) : part.tag;
  const before = drawn.get(key);
  const kept = before?.tag === tag && before.type === type;
  const made = kept ? before : { type, tag, node: create(part, tag, type) };
  next.set(key, made);
  part.update?.(made.node, props);
  if (!part.leaf) fill(part.slot?.(made.node) ?? made.node, children, next);
  return made.node;
};

const create = (part, tag, type) => {
  if (tag === "#text") return document.createTextNode("");
  const node = document.createElement(tag);
  node.dataset.part = type;
  part.create?.(node);
  return node;
};
