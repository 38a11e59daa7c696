/**
 * As much of Electron's main process as a life cycle needs. It quits in the documented order (`before-quit`, the windows, `will-quit`), each event can be prevented, and the process ends without waiting for anything.
 */
import { EventEmitter } from 'node:events';

class App extends EventEmitter {
  async whenReady(): Promise<void> {}

  quit(): void {
    for (const name of ['before-quit', 'will-quit']) {
      let isPrevented = false;
      this.emit(name, { preventDefault: () => (isPrevented = true) });
      if (isPrevented) return;
    }
    process.exit();
  }
}

export const app = new App();

export class BrowserWindow {
  /** The page is there, so whoever started the application may quit it. */
  async loadURL(_url: string): Promise<void> {
    setImmediate(() => process.send?.('loaded'));
  }
}

process.on('message', (message) => {
  if (message === 'quit') app.quit();
});
