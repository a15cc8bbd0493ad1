// What runs in the browser's audio thread.

// Puts what the microphone hears together to blocks, and sends each to the page.
class Capture extends AudioWorkletProcessor {
  constructor(options) {
    super();
    this.block = new Float32Array(options.processorOptions.block);
    this.filled = 0;
  }

  process([input]) {
    const samples = input[0];
    if (!samples) return true; // nothing is connected yet
    for (let at = 0; at < samples.length; ) {
      const count = Math.min(samples.length - at, this.block.length - this.filled);
      this.block.set(samples.subarray(at, at + count), this.filled);
      this.filled += count;
      at += count;
      if (this.filled === this.block.length) this.send();
    }
    return true;
  }

  send() {
    const length = this.block.length; // which is 0 once it is sent
    this.port.postMessage(this.block, [this.block.buffer]);
    this.block = new Float32Array(length);
    this.filled = 0;
  }
}

// Plays blocks as they come. Starts a little late, so that one which comes late itself is not missed; where more than
// four wait, the oldest are left out, so that the delay does not grow.
class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    this.blocks = [];
    this.at = 0; // in the first of them
    this.playing = false;
    this.gaps = 0;
    this.port.onmessage = ({ data }) => {
      this.blocks.push(data);
      if (this.blocks.length > 4) {
        this.blocks.splice(0, this.blocks.length - 2);
        this.at = 0;
        this.tell(++this.gaps);
      }
      if (this.blocks.length >= 2) this.playing = true;
    };
  }

  process(inputs, [output]) {
    const samples = output[0];
    for (let filled = 0; this.playing && filled < samples.length; ) {
      const block = this.blocks[0];
      if (!block) {
        this.playing = false;
        this.tell(++this.gaps);
        break;
      }
      const count = Math.min(samples.length - filled, block.length - this.at);
      samples.set(block.subarray(this.at, this.at + count), filled);
      filled += count;
      this.at += count;
      if (this.at === block.length) {
        this.blocks.shift();
        this.at = 0;
      }
    }
    return true;
  }

  tell(gaps) {
    this.port.postMessage({ gaps });
  }
}

registerProcessor("capture", Capture);
registerProcessor("player", Player);
