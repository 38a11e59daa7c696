import { VirtualTimeScheduler } from 'rxjs';

/** Virtual time beside real sockets: it stands still while they are at work, and leaps over waits. */
export class LeapingClock extends VirtualTimeScheduler {
  leap(millis: number): void {
    const end = this.frame + millis;
    this.maxFrames = end;
    this.flush();
    this.frame = end;
  }
}
