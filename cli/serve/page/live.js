// The live tab: the microphone goes to the server block by block, and comes back in the other voice.

import * as api from "./api.js";
import { openMicrophone } from "./recorder.js";

const element = (id) => document.getElementById(id);
const MOST_ON_THEIR_WAY = 4; // blocks; where the server is slower than speech, what is more is left out

let live = null; // { microphone, socket, ... }
let settings = null; // a function

export function setUpLive(settingsNow) {
  settings = settingsNow;
  element("live").addEventListener("click", () => (live ? stop("Stopped.") : start()));
  element("bypass").addEventListener("change", () => send({ type: "set", bypass: element("bypass").checked }));
  navigator.mediaDevices?.addEventListener?.("devicechange", listMicrophones);
}

// What may change while it runs; another voice or method takes a new start.
export function changeLive(name) {
  if (!live) return;
  if (name === "voice" || name === "method") {
    stop("Stopped: the voice has changed. Start again.");
    return;
  }
  send({ type: "set", [name]: settings()[name] });
}

function say(text, failed = false) {
  const status = element("live-status");
  status.textContent = text;
  status.classList.toggle("failed", failed);
}

function send(object) {
  if (live?.socket?.readyState === WebSocket.OPEN) live.socket.send(JSON.stringify(object));
}

async function listMicrophones() {
  const select = element("microphone");
  const devices = await navigator.mediaDevices.enumerateDevices();
  const now = select.value;
  select.replaceChildren(new Option("the system's own", ""));
  for (const device of devices) {
    if (device.kind === "audioinput" && device.deviceId !== "default" && device.label)
      select.add(new Option(device.label, device.deviceId, false, device.deviceId === now));
  }
}

function showRunning(is) {
  const button = element("live");
  button.setAttribute("aria-pressed", String(is));
  button.textContent = is ? "Stop" : "Start";
  for (const id of ["microphone", "block", "quality"]) element(id).disabled = is;
  element("live-numbers").hidden = !is;
}

async function start() {
  element("live").disabled = true;
  try {
    const microphone = await openMicrophone(element("microphone").value);
    live = { microphone, socket: null, sent: 0, received: 0, lost: 0, gaps: 0, delay: 0 };
    listMicrophones();
    if (microphone.context.sampleRate % 100 !== 0)
      throw new Error(`The sound device has ${microphone.context.sampleRate} samples a second; choose a multiple of 100.`);
    connect();
    showRunning(true);
    say("Loading the voice.");
  } catch (error) {
    stop(error.message, true);
  } finally {
    element("live").disabled = false;
  }
}

function connect() {
  const { context } = live.microphone;
  const socket = (live.socket = api.openLive());
  socket.onopen = () =>
    send({
      type: "start",
      ...settings(),
      rate: context.sampleRate,
      block_ms: Number(element("block").value),
      quality: element("quality").value,
      bypass: element("bypass").checked,
    });
  socket.onmessage = ({ data }) => {
    if (socket !== live?.socket) return;
    if (typeof data === "string") told(JSON.parse(data));
    else heard(new Float32Array(data));
  };
  socket.onclose = () => socket === live?.socket && stop("The server has closed the connection.", true);
}

function told(message) {
  if (message.type === "ready") begin(message);
  else if (message.type === "stats") show(message);
  else if (message.type === "error") stop(message.error, true);
}

function begin({ block, rate, latency_ms }) {
  const { microphone } = live;
  const session = live;
  session.blockMs = (1000 * block) / rate;
  session.latency = latency_ms;
  session.player = new AudioWorkletNode(microphone.context, "player", { numberOfInputs: 0, outputChannelCount: [1] });
  session.player.port.onmessage = ({ data }) => (session.gaps = data.gaps);
  session.player.connect(microphone.context.destination);
  microphone.listen(block, (samples) => {
    if (session !== live || session.socket.readyState !== WebSocket.OPEN) return;
    if (session.sent - session.received >= MOST_ON_THEIR_WAY) {
      ++session.lost;
      return;
    }
    ++session.sent;
    session.socket.send(samples);
  });
  say("Speak.");
}

function heard(samples) {
  ++live.received;
  element("blocks").textContent = live.received;
  live.player.port.postMessage(samples, [samples.buffer]);
}

// Loudness as ears have it: 60 dB over the meter's length.
function level(rms) {
  return Math.max(0, 1 + (20 * Math.log10(Math.max(rms, 1e-5))) / 60);
}

function show(stats) {
  element("heard").value = level(stats.input_level);
  element("spoken").value = level(stats.output_level);
  element("pitch").textContent = stats.f0 > 0 ? `${Math.round(stats.f0)} Hz` : "none";
  const { context } = live.microphone;
  const buffered = live.blockMs + 1000 * ((context.baseLatency || 0) + (context.outputLatency || 0));
  element("delay").textContent = `${Math.round(live.latency + stats.last_ms + buffered)} ms`;
  element("load").textContent = `${Math.round((100 * stats.p99_ms) / stats.block_ms)} % of real time`;
  element("lost").textContent = `${live.lost + live.gaps} blocks`;
  if (stats.error) say(`Some blocks are silent: ${stats.error}`, true);
  else if (live.lost > 2) say("This machine is slower than speech: choose a longer block, or fast.", true);
}

function stop(text, failed = false) {
  const ended = live;
  live = null;
  if (ended) {
    ended.socket?.close();
    ended.microphone.close();
  }
  showRunning(false);
  say(text, failed);
}
