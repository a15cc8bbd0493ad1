// The tab of recordings: one is chosen, dropped or recorded, sent, converted and listened to.

import * as api from "./api.js";
import { startRecording } from "./recorder.js";

const element = (id) => document.getElementById(id);

let chosen = null; // { blob, name, address }
let limits = null;
let recording = null;
let running = null; // an AbortController
let settings = null; // a function

export function setUpConversion(serverLimits, settingsNow) {
  limits = serverLimits;
  settings = settingsNow;
  element("limits").textContent =
    `WAV, FLAC, MP3, Ogg …; up to ${megabytes(limits.upload_bytes)} and ${minutes(limits.seconds)}`;
  const file = element("file");
  file.addEventListener("change", () => file.files[0] && choose(file.files[0], file.files[0].name));
  setUpDrop();
  element("record").addEventListener("click", toggleRecording);
  element("convert").addEventListener("click", convert);
  element("cancel").addEventListener("click", () => running?.abort());
}

function megabytes(bytes) {
  return bytes < 1e5 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${+(bytes / 1e6).toFixed(1)} MB`;
}

function minutes(seconds) {
  return seconds < 90 ? `${+seconds.toFixed(1)} s` : `${+(seconds / 60).toFixed(1)} minutes`;
}

function say(text, failed = false) {
  const status = element("status");
  status.textContent = text;
  status.classList.toggle("failed", failed);
}

function setUpDrop() {
  const drop = element("drop");
  const over = (event, is) => {
    event.preventDefault();
    drop.classList.toggle("over", is);
  };
  drop.addEventListener("dragenter", (event) => over(event, true));
  drop.addEventListener("dragover", (event) => over(event, true));
  drop.addEventListener("dragleave", (event) => over(event, drop.contains(event.relatedTarget)));
  drop.addEventListener("drop", (event) => {
    over(event, false);
    const file = event.dataTransfer.files[0];
    if (file) choose(file, file.name);
  });
  // What misses it would be opened in place of the page.
  for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
}

function choose(blob, name) {
  if (blob.size > limits.upload_bytes) {
    say(`${name} has ${megabytes(blob.size)}: at most ${megabytes(limits.upload_bytes)} are taken.`, true);
    return;
  }
  chosen = { blob, name, address: URL.createObjectURL(blob) };
  element("chosen-name").textContent = name;
  element("chosen-size").textContent = megabytes(blob.size);
  element("chosen-audio").src = chosen.address;
  element("chosen").hidden = false;
  element("convert").disabled = running !== null;
  say("");
}

async function toggleRecording() {
  const button = element("record");
  if (recording) return finishRecording();
  button.disabled = true;
  try {
    recording = await startRecording(limits.seconds, (seconds) => {
      button.textContent = `Stop (${seconds.toFixed(0)} s)`;
    });
    recording.isFull.then(finishRecording);
    button.setAttribute("aria-pressed", "true");
    button.textContent = "Stop";
    say("Recording.");
  } catch (error) {
    say(error.message, true);
  } finally {
    button.disabled = false;
  }
}

function finishRecording() {
  if (!recording) return;
  const blob = recording.stop();
  recording = null;
  const button = element("record");
  button.setAttribute("aria-pressed", "false");
  button.textContent = "Record";
  choose(blob, `recording ${new Date().toLocaleTimeString()}.wav`);
  say("Recorded.");
}

function showRunning(is) {
  element("convert").disabled = is || !chosen;
  element("cancel").hidden = !is;
  element("progress").hidden = !is;
  if (is) element("progress").removeAttribute("value");
}

async function convert() {
  const { blob, name, address } = chosen;
  running = new AbortController();
  const { signal } = running;
  showRunning(true);
  let path = null;
  try {
    const query = new URLSearchParams({ ...settings(), format: element("format").value });
    say("Sending.");
    const job = await api.send(`api/conversions?${query}`, blob, signal, (part) => (element("progress").value = part));
    path = `api/conversions/${job.id}`;
    const done = await ended(path, signal);
    const result = await api.getBlob(`${path}/result`);
    addResult(done, name, address, result, path);
    say(`Done: ${done.result.seconds.toFixed(1)} s of sound in ${done.result.took_seconds.toFixed(1)} s.`);
  } catch (error) {
    if (error.name === "AbortError") {
      say("Cancelled.");
      if (path) api.remove(path).catch(() => {});
    } else {
      say(error.message, true);
    }
  } finally {
    running = null;
    showRunning(false);
  }
}

// Waits for the end of a conversion, and shows how far it is.
async function ended(path, signal) {
  const cancelled = new Promise((_, reject) => {
    const cancel = () => reject(new DOMException("Cancelled", "AbortError"));
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
  });
  cancelled.catch(() => {}); // it may come when nobody waits any more
  for (let said = ""; ; ) {
    const job = await api.getJson(path);
    if (job.status === "failed") throw new Error(job.error);
    if (job.status === "done") return job;
    const progress = element("progress");
    if (job.progress > 0) progress.value = job.progress;
    else progress.removeAttribute("value");
    // A screen reader is told each step once, and need not hear every percent: the bar has them.
    const text = job.status === "waiting" ? "Waiting for other conversions." : "Converting.";
    if (text !== said) say((said = text));
    await Promise.race([cancelled, new Promise((resolve) => setTimeout(resolve, 200))]);
  }
}

function make(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function player(caption, address) {
  const audio = make("audio", { controls: true, src: address });
  audio.setAttribute("aria-label", caption);
  return make("figure", {}, make("figcaption", { textContent: caption }), audio);
}

function addResult(job, name, original, result, path) {
  const address = URL.createObjectURL(result);
  const file = `${name.replace(/\.[^.]*$/, "")}.converted.${job.format}`;
  const download = make("a", { className: "button", href: address, download: file, textContent: "Download" });
  const remove = make("button", { type: "button", textContent: "Remove" });
  remove.setAttribute("aria-label", `Remove ${file}`);
  const { voice, key, index_rate } = job.settings;
  const how = `${voice}, key ${key > 0 ? "+" : ""}${key}, index rate ${+index_rate.toFixed(2)}, seed ${job.settings.seed}`;
  const item = make(
    "li",
    {},
    make("p", { className: "title", textContent: file }),
    make("p", { className: "note", textContent: how }),
    ...job.warnings.map((warning) => make("p", { className: "note", textContent: `Note: ${warning}` })),
    make("div", { className: "pair" }, player("Before", original), player("After", address)),
    make("div", { className: "actions" }, download, remove),
  );
  remove.addEventListener("click", () => {
    item.remove();
    URL.revokeObjectURL(address);
    element("results-title").hidden = element("results").children.length === 0;
    api.remove(path).catch(() => {}); // which may be gone already
    element("convert").focus();
  });
  element("results").prepend(item);
  element("results-title").hidden = false;
}
