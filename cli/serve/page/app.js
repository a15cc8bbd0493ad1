// The page's beginning: what the server has, the settings, the tabs.

import * as api from "./api.js";
import { setUpConversion } from "./convert.js";
import { changeLive, setUpLive } from "./live.js";

const element = (id) => document.getElementById(id);
const form = element("settings");
const RANGES = [...form.querySelectorAll("input[type=range]")];
let voices = [];

function showValue(range) {
  const value = Number(range.value);
  const sign = value > 0 && Number(range.min) < 0 ? "+" : "";
  const text = `${sign}${value}${range.dataset.unit ? ` ${range.dataset.unit}` : ""}`;
  form.querySelector(`output[for=${range.id}]`).textContent = text;
  range.setAttribute("aria-valuetext", text);
}

// As the API takes them.
function settingsNow() {
  const settings = { voice: form.voice.value, method: form.method.value, speaker: Number(form.speaker.value) };
  for (const range of RANGES) settings[range.name] = Number(range.value);
  return settings;
}

// What the voice has no use for is off.
function showVoice() {
  const voice = voices.find(({ name }) => name === form.voice.value);
  const has = { pitch: voice.pitch, index: voice.index, speakers: voice.speakers > 1 };
  for (const field of form.querySelectorAll("[data-needs]")) {
    const is = has[field.dataset.needs];
    field.classList.toggle("off", !is);
    for (const control of field.querySelectorAll("input, select")) control.disabled = !is;
    if (field.dataset.needs === "speakers") field.hidden = !is;
  }
  form.speaker.max = voice.speakers - 1;
  form.speaker.value = Math.min(form.speaker.value, voice.speakers - 1);
  element("voice-note").textContent =
    `${voice.version}, ${voice.sample_rate / 1000} kHz, ${voice.pitch ? "follows a pitch" : "without pitch"}, ` +
    (voice.index ? "with an index" : "without an index");
}

function setUpSettings(status) {
  form.voice.replaceChildren(...voices.map(({ name }) => new Option(name, name)));
  form.method.replaceChildren(...status.methods.map((name) => new Option(name === "rmvpe" ? "RMVPE" : name.toUpperCase(), name)));
  for (const [name, value] of Object.entries(status.defaults))
    if (form[name] && value !== null && value !== "") form[name].value = value;
  RANGES.forEach(showValue);
  showVoice();
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => target.type === "range" && showValue(target));
  form.addEventListener("change", ({ target }) => {
    if (target.name === "voice") showVoice();
    changeLive(target.name);
  });
}

function setUpTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const select = (tab) => {
    for (const other of tabs) {
      const is = other === tab;
      other.setAttribute("aria-selected", String(is));
      other.tabIndex = is ? 0 : -1;
      element(other.getAttribute("aria-controls")).hidden = !is;
    }
    tab.focus();
  };
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step) select(tabs[(i + step + tabs.length) % tabs.length]);
    });
  });
}

function askForToken() {
  const dialog = element("token-dialog");
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(api.setToken(element("token").value)), { once: true });
  });
}

async function load() {
  for (;;) {
    try {
      return [await api.getJson("api/status"), await api.getJson("api/voices")];
    } catch (error) {
      if (error.status !== 401) throw error;
      await askForToken();
    }
  }
}

async function begin() {
  setUpTabs();
  try {
    const [status, list] = await load();
    voices = list;
    element("version").textContent = `contentvec ${status.version}`;
    setUpSettings(status);
    setUpConversion(status.limits, settingsNow);
    setUpLive(settingsNow);
    document.body.dataset.ready = "true"; // for tests
  } catch (error) {
    element("problem").textContent = error.message;
    element("problem").hidden = false;
  }
}

begin();
