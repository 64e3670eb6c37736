// `requestRemote`: from this page, which is the product's, straight to the remote.
import { ask } from "./doors.js";

// As much of a body as the console shows.
const SHOWN = 128 * 1024;
const TEXT = /^text\/|json|xml|javascript|x-www-form-urlencoded/;

const blobOf = async (dataUrl, type) => {
  const [, base64 = ""] = String(dataUrl).split(",");
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type });
};

// The bridge writes a form as JSON: files as base64, their names and types beside them.
const formOf = async (text) => {
  const form = new FormData();
  const fields = JSON.parse(text);
  for (const [name, value] of Object.entries(fields)) {
    const described = `__${name}Type` in fields && name.startsWith("file");
    if (described) {
      const file = await blobOf(value, fields[`__${name}Type`]);
      form.append(name, file, fields[`__${name}Name`]);
    } else if (!isDescription(name, fields)) {
      form.append(name, value);
    }
  }
  return form;
};

const isDescription = (name, fields) => {
  const [, file] = /^__(file.*)(?:Name|Type)$/.exec(name) ?? [];
  return file !== undefined && file in fields;
};

const dataUrlOf = (blob) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });

const requestOf = async ({ fetchRequestInit: init, isMultipartFormData }, token) => {
  const headers = new Headers(init.headers);
  let body = init.body || undefined;
  if (isMultipartFormData) {
    body = await formOf(body);
    // The browser names the boundary.
    headers.delete("content-type");
  }
  const shown = [...headers];
  headers.set("authorization", `Bearer ${token}`);
  const method = (init.method ?? "GET").toUpperCase();
  // The FIT says who calls: no cookie does.
  return { shown, init: { method, headers, body, credentials: "omit" } };
};

const read = async (response) => {
  const headers = Object.fromEntries(response.headers);
  const kind = headers["content-type"] ?? "text/plain";
  const blob = await response.blob();
  const isAttachment = !TEXT.test(kind.toLowerCase());
  const body = isAttachment ? await dataUrlOf(blob) : await blob.text();
  const { status, statusText } = response;
  return { answer: { body, headers, status, statusText, isAttachment }, bytes: blob.size };
};

const described = ({ body }) => (body instanceof FormData ? described.form(body) : body);
described.form = (form) =>
  [...form]
    .map(([name, value]) => `${name}: ${value instanceof File ? `${value.name}, ${value.size} bytes` : value}`)
    .join("\n");

export const fetchRemote = async (payload, entry) => {
  const { remoteKey, fetchRequestInit: init } = payload;
  const granted = await ask("fit", { remoteKey, path: init?.path });
  if (granted.rejects) throw new Error(granted.rejects);
  const { shown, init: request } = await requestOf(payload, granted.token);
  const began = performance.now();
  const report = async (end) => {
    const told = await ask("fetched", {
      fit: granted.id,
      url: granted.url,
      method: request.method,
      headers: shown,
      body: described(request)?.slice(0, SHOWN) ?? null,
      milliseconds: Math.round(performance.now() - began),
      ...end,
    }).catch(() => ({}));
    if (told.invocation) entry.invocation(told.invocation);
    if (told.words) entry.words(told.words);
  };
  let got;
  try {
    got = await read(await fetch(granted.url, request));
  } catch (error) {
    await report({ error: error.message });
    throw error;
  }
  const { answer, bytes } = got;
  entry.outcome(answer.status);
  const { status, headers, isAttachment, body } = answer;
  const text = isAttachment ? "" : body.slice(0, SHOWN);
  await report({ answer: { status, headers: Object.entries(headers), body: text, bytes } });
  return answer;
};
