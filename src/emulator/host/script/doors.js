// The emulator's doors for this page, on this page's own origin.
const { module } = document.body.dataset;
const UNEXPECTED = "An unexpected error happened";

const door = (name) => `/host/${module}/${name}`;

const post = (name, body) =>
  fetch(door(name), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

// What the door answers; a sentence of its own where it turns the call down.
export const ask = async (name, body) => {
  const response = await post(name, body);
  const answer = await response.json().catch(() => ({ rejects: UNEXPECTED }));
  if (!response.ok && !answer.rejects) throw new Error(UNEXPECTED);
  return answer;
};

// A report that is lost is lost: the page's call goes on.
export const tell = (name, body) => post(name, body).catch(() => undefined);

export const context = async () => {
  const response = await fetch(door("context"));
  if (!response.ok) throw new Error(UNEXPECTED);
  return response.json();
};
