// What the server offers, over its HTTP API (openapi.json).

const TOKEN = "contentvec-token";

// The program's address ends in #token=...: it stays in this tab, and out of the address bar and its history.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  sessionStorage.setItem(TOKEN, given);
  history.replaceState(null, "", location.pathname);
}

export function setToken(token) {
  sessionStorage.setItem(TOKEN, token.trim());
}

function authorization() {
  const token = sessionStorage.getItem(TOKEN);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

export class ApiError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

function errorOf(status, text) {
  try {
    return new ApiError(status, JSON.parse(text).error);
  } catch {
    return new ApiError(status, text || `The server answered ${status}.`);
  }
}

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: authorization() });
  } catch {
    throw new ApiError(0, "The server does not answer: is contentvec serve still running?");
  }
  if (!response.ok) throw errorOf(response.status, await response.text());
  return response;
}

export async function getJson(path) {
  return (await request(path)).json();
}

export async function getBlob(path) {
  return (await request(path)).blob();
}

export async function remove(path) {
  await request(path, { method: "DELETE" });
}

// Sends a recording; `progress` is told how much of it is there, 0 to 1, which fetch() does not say.
export function send(path, blob, signal, progress) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", path);
    for (const [name, value] of Object.entries(authorization())) sending.setRequestHeader(name, value);
    sending.setRequestHeader("Content-Type", "application/octet-stream");
    sending.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    sending.onload = () =>
      sending.status === 202 ? resolve(JSON.parse(sending.responseText)) : reject(errorOf(sending.status, sending.responseText));
    sending.onerror = () => reject(new ApiError(0, "The recording could not be sent."));
    sending.onabort = () => reject(new DOMException("Cancelled", "AbortError"));
    signal.addEventListener("abort", () => sending.abort());
    sending.send(blob);
  });
}

// A WebSocket cannot say a header: the token is among its protocols.
export function openLive() {
  const token = sessionStorage.getItem(TOKEN);
  const protocols = token ? ["contentvec.live", `bearer.${token}`] : ["contentvec.live"];
  const address = new URL("api/live", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address, protocols);
  socket.binaryType = "arraybuffer";
  return socket;
}
