// The components of `@forge/react` that plain HTML has something for.
import { app } from "./frame.js";

const { site } = document.body.dataset;

const pixels = (token) => {
  const [, number] = /^space\.(\d+)$/.exec(token ?? "") ?? [];
  return number === undefined ? "" : `${(Number(number) / 100) * 8}px`;
};

const laidOut = (direction) => ({
  tag: "div",
  update: (node, { space, rowSpace, alignInline, alignBlock, spread, shouldWrap }) => {
    const main = { start: "flex-start", end: "flex-end", center: "center" };
    const [inline, block] = [main[alignInline] ?? "", main[alignBlock] ?? ""];
    Object.assign(node.style, {
      display: "flex",
      flexDirection: direction,
      flexWrap: shouldWrap ? "wrap" : "",
      gap: [pixels(rowSpace ?? space), pixels(space)].join(" ").trim() || "",
      justifyContent: spread ? "space-between" : direction === "row" ? inline : block,
      alignItems: direction === "row" ? block : inline,
    });
  },
});

const box = {
  tag: "div",
  update: (node, { padding, paddingBlock, paddingInline }) => {
    node.style.padding = pixels(padding);
    if (paddingBlock) node.style.paddingBlock = pixels(paddingBlock);
    if (paddingInline) node.style.paddingInline = pixels(paddingInline);
  },
};

const plain = (tag) => ({ tag });

const toned = (tag) => ({
  tag,
  update: (node, { appearance, text }) => {
    node.dataset.appearance = appearance ?? "default";
    if (text !== undefined && !node.childNodes.length) node.textContent = text;
  },
});

const pressed = ({ onClick, onPress }) => onClick ?? onPress;

const button = {
  tag: "button",
  update: (node, props) => {
    node.type = props.type === "submit" ? "submit" : "button";
    node.disabled = Boolean(props.isDisabled || props.isLoading);
    node.ariaBusy = String(Boolean(props.isLoading));
    node.dataset.appearance = props.appearance ?? "default";
    node.onclick = () => app.call(pressed(props), {});
  },
};

const link = {
  tag: "a",
  update: (node, props) => {
    const { href } = props;
    const address = href ? new URL(href, site) : undefined;
    if (address && ["https:", "http:", "mailto:"].includes(address.protocol)) {
      Object.assign(node, { href: address.href, target: "_blank", rel: "noreferrer" });
    }
    node.onclick = () => app.call(pressed(props), {});
  },
};

// A title of its own above what is in it.
const titled = {
  create: (node) => node.append(document.createElement("strong"), document.createElement("div")),
  slot: (node) => node.lastChild,
};

const sectionMessage = {
  ...titled,
  tag: "section",
  update: (node, { title, appearance }) => {
    node.dataset.appearance = appearance ?? "information";
    node.firstChild.textContent = title ?? "";
  },
};

const emptyState = {
  ...titled,
  tag: "section",
  update: (node, { header, description }) => {
    node.firstChild.textContent = header ?? "";
    node.dataset.description = typeof description === "string" ? description : "";
  },
};

const eventOf = (field, name) => ({
  target: { name, value: field.value, checked: field.checked, type: field.type },
});

const heard = (field, { name, onChange, onBlur, onFocus }) => {
  field.onblur = () => app.call(onBlur, eventOf(field, name));
  field.onfocus = () => app.call(onFocus, eventOf(field, name));
  return () => app.call(onChange, eventOf(field, name));
};

const described = (field, props) => {
  field.id = props.id ?? "";
  field.name = props.name ?? "";
  field.disabled = Boolean(props.isDisabled);
  field.required = Boolean(props.isRequired);
  if (props["aria-label"]) field.ariaLabel = props["aria-label"];
};

const textual = (tag) => ({
  tag,
  leaf: true,
  update: (node, props) => {
    described(node, props);
    if (tag === "input") node.type = props.type ?? "text";
    node.placeholder = props.placeholder ?? "";
    const value = props.value ?? (node.dataset.begun ? undefined : props.defaultValue);
    node.dataset.begun = "yes";
    if (value !== undefined && node.value !== String(value)) node.value = value;
    node.oninput = heard(node, props);
  },
});

const ticked = {
  tag: "label",
  leaf: true,
  create: (node) => {
    const field = document.createElement("input");
    field.type = "checkbox";
    node.append(field, document.createElement("span"));
  },
  update: (node, props) => {
    const field = node.firstChild;
    described(field, props);
    const checked = props.isChecked ?? (node.dataset.begun ? undefined : props.defaultChecked);
    node.dataset.begun = "yes";
    if (checked !== undefined) field.checked = checked;
    node.lastChild.textContent = props.label ?? "";
    field.onchange = heard(field, props);
  },
};

const select = {
  tag: "select",
  leaf: true,
  update: (node, props) => {
    described(node, props);
    const options = (props.options ?? []).flatMap((option) => option.options ?? [option]);
    const chosen = (props.value ?? props.defaultValue)?.value ?? node.value;
    node.replaceChildren(...options.map(({ label, value }) => new Option(label, value)));
    node.value = chosen;
    heard(node, props);
    node.onchange = () => app.call(props.onChange, options[node.selectedIndex]);
  },
};

const form = {
  tag: "form",
  update: (node, { onSubmit }) => {
    node.onsubmit = (event) => {
      event.preventDefault();
      app.call(onSubmit, {});
    };
  },
};

const label = {
  tag: "label",
  update: (node, { labelFor }) => {
    node.htmlFor = labelFor ?? "";
  },
};

const spinner = {
  tag: "span",
  leaf: true,
  update: (node, props) => {
    node.role = "status";
    node.ariaLabel = props.label ?? "Loading";
  },
};

const image = {
  tag: "img",
  leaf: true,
  update: (node, { src, alt }) => Object.assign(node, { src: src ?? "", alt: alt ?? "" }),
};

const heading = {
  tag: ({ as, size }) => {
    if (/^h[1-6]$/.test(as ?? "")) return as;
    return { xxlarge: "h1", xlarge: "h1", large: "h2", medium: "h3" }[size] ?? "h4";
  },
};

const string = {
  tag: "#text",
  leaf: true,
  update: (node, { text }) => {
    if (node.data !== text) node.data = text ?? "";
  },
};

export const parts = {
  String: string,
  Text: plain("p"),
  Strong: plain("strong"),
  Em: plain("em"),
  Strike: plain("s"),
  Code: plain("code"),
  Heading: heading,
  Stack: laidOut("column"),
  Inline: laidOut("row"),
  ButtonGroup: laidOut("row"),
  Box: box,
  Button: button,
  LoadingButton: button,
  LinkButton: link,
  Link: link,
  Lozenge: toned("span"),
  Badge: toned("span"),
  Tag: toned("span"),
  SectionMessage: sectionMessage,
  SectionMessageAction: link,
  EmptyState: emptyState,
  Spinner: spinner,
  Image: image,
  List: { tag: ({ type }) => (type === "ordered" ? "ol" : "ul") },
  ListItem: plain("li"),
  DynamicTable: plain("div"),
  ContentWrapper: plain("div"),
  Row: plain("div"),
  Cell: plain("div"),
  Form: form,
  FormSection: plain("div"),
  FormFooter: plain("div"),
  Label: label,
  HelperMessage: plain("small"),
  ErrorMessage: plain("small"),
  ValidMessage: plain("small"),
  Textfield: textual("input"),
  TextArea: textual("textarea"),
  Checkbox: ticked,
  Toggle: ticked,
  Select: select,
};

// What has no equal here is a box with its name, and what is in it.
export const unknownPart = (type) => ({
  tag: "div",
  create: (node) => {
    node.dataset.unknown = String(type);
    node.append(Object.assign(document.createElement("small"), { textContent: String(type) }));
    node.append(document.createElement("div"));
  },
  slot: (node) => node.lastChild,
});
