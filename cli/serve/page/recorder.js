// The microphone: as blocks, and as a recording.

import { wavOf } from "./wav.js";

// A microphone; listen() gives what it hears in blocks of so many samples.
export async function openMicrophone(device = "") {
  if (!navigator.mediaDevices) {
    throw new Error("The browser gives no page a microphone that is neither encrypted nor on this machine: " +
      "open it by http://localhost through a tunnel, or by https.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        deviceId: device ? { exact: device } : undefined,
        channelCount: 1,
        echoCancellation: false,
        noiseSuppression: false,
        autoGainControl: false,
      },
    });
  } catch (error) {
    throw new Error(error.name === "NotFoundError" ? "There is no microphone." : `The microphone cannot be used: ${error.message}`);
  }
  const context = new AudioContext({ latencyHint: "interactive" });
  try {
    await context.audioWorklet.addModule("worklet.js");
    await context.resume();
  } catch (error) {
    stream.getTracks().forEach((track) => track.stop());
    context.close();
    throw error;
  }
  return {
    context,
    listen(block, heard) {
      const capture = new AudioWorkletNode(context, "capture", {
        numberOfOutputs: 0,
        channelCount: 1,
        channelCountMode: "explicit",
        processorOptions: { block },
      });
      capture.port.onmessage = ({ data }) => heard(data);
      context.createMediaStreamSource(stream).connect(capture);
    },
    close() {
      stream.getTracks().forEach((track) => track.stop());
      context.close();
    },
  };
}

// Records until it is stopped, or `most` seconds are full.
export async function startRecording(most, tick) {
  const microphone = await openMicrophone();
  const { sampleRate } = microphone.context;
  const chunks = [];
  let samples = 0;
  let done;
  const isFull = new Promise((resolve) => (done = resolve));
  microphone.listen(4096, (block) => {
    chunks.push(block);
    samples += block.length;
    tick(samples / sampleRate);
    if (samples > (most - 1) * sampleRate) done();
  });
  return {
    isFull,
    stop() {
      microphone.close();
      return wavOf(chunks, sampleRate);
    },
  };
}
