// The position in a run and how it moves: a beat and a part of it, by itself or by hand, at the end of what has come or behind it.

const SECONDS = { start: 0.3, open: 0.5, round: 0.4, solve: 0.4, relax: 0.4, evaluate: 0.4, commit: 0.7, stop: 0.3 };

export class Position {
  /** ``drive`` is how long a period takes to be carried out before the viewer's eyes, s. */
  constructor(store, drive) {
    this.store = store;
    this.drive = drive;
    this.beat = null;
    this.part = 0;
    this.playing = true;
    this.live = true;  // at the end of what has come
    this.speed = 1;
  }

  get index() { return this.store.beats.indexOf(this.beat); }

  get moves() { return this.playing && !(this.atEnd && this.part >= 1); }

  get atEnd() { return this.beat === this.store.beats.at(-1); }

  seconds(beat) { return beat.kind === "drive" ? this.drive : SECONDS[beat.kind] ?? 0.4; }

  /** Go on by so many seconds; return whether another beat is shown. */
  advance(seconds, running) {
    const before = this.beat, { beats } = this.store;
    if (!beats.length) return false;
    if (!this.beat || !beats.includes(this.beat)) this.beat = this.live ? beats.at(-1) : beats[0];
    if (!this.playing) return this.beat !== before;
    if (this.live && running && !this.atEnd) this._to(beats.at(-1));
    let left = seconds * this.speed;
    while (left > 0) {
      const whole = this.seconds(this.beat), rest = (1 - this.part) * whole;
      if (left < rest) { this.part += left / whole; break; }
      left -= rest;
      if (this.atEnd) { this.part = 1; break; }
      this._to(beats[this.index + 1]);
    }
    return this.beat !== before;
  }

  /** Show a beat and stay there. */
  go(index) {
    const { beats } = this.store;
    const beat = beats[Math.min(Math.max(index, 0), beats.length - 1)];
    if (beat) this._to(beat);
    this.playing = this.live = false;
    // What a beat has told is seen as a whole; a period that is carried out is seen from its beginning.
    this.part = beat && beat.kind !== "drive" ? 1 : 0;
  }

  follow() {
    this.live = this.playing = true;
    const last = this.store.beats.at(-1);
    if (last) this._to(last);
  }

  _to(beat) {
    this.beat = beat;
    this.part = 0;
  }
}
