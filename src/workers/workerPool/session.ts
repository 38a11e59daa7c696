import { Observable } from 'rxjs';
import {
  aFunction,
  millis,
  oneOf,
  optional,
  type Rules,
  requireRule,
  settingsOf,
  whole,
} from '../../internal/validation.ts';
import type { WorkerTask } from '../task.ts';
import type { Job, JobOwner } from './job.ts';
import type { WorkerSession, WorkerSessionOptions } from './options.ts';
import type { PoolCore } from './poolCore.ts';

const OWNER = 'workerPool.session';

const SESSION_DEFAULTS: Readonly<Required<WorkerSessionOptions>> = Object.freeze({
  transfer: 'buffers',
  timeoutMillis: Number.POSITIVE_INFINITY,
  onStateLost: () => {},
  onEmitted: () => {},
  onTrouble: () => {},
});

const SESSION_RULES: Rules<Required<WorkerSessionOptions>> = {
  transfer: oneOf('buffers', 'none'),
  timeoutMillis: millis(1, 'orInfinity'),
  onStateLost: aFunction,
  onEmitted: aFunction,
  onTrouble: aFunction,
};

let sessions = 0; // that were opened in this process

export function openSession<C, R>(
  core: PoolCore,
  task: WorkerTask<C, R>,
  options: WorkerSessionOptions,
): WorkerSession<C, R> {
  const { transfer, timeoutMillis, ...told } = settingsOf(OWNER, SESSION_DEFAULTS, SESSION_RULES, options);
  const owner: JobOwner = { id: ++sessions, ...told };
  const { kind, module, export: name, state, finish } = task;
  const sent = { kind, module, export: name, state, finish };
  const isFinished = kind === 'operator' || finish !== undefined;
  const start = (work: Job['work'], worker: number | undefined): Observable<R> =>
    new Observable((subscriber) => {
      const job: Job = {
        owner,
        task: sent,
        work,
        worker,
        timeoutMillis,
        done: (value, books) => {
          subscriber.next((kind === 'operator' ? { results: value, books } : value) as R);
          subscriber.complete();
        },
        failed: (error) => subscriber.error(error),
      };
      subscriber.add(() => core.leave(job));
      core.enter(job);
    });
  return {
    run: (chunk, worker) => {
      requireRule(`${OWNER}.run worker`, worker, optional(whole(0, core.settings.size - 1)));
      return start({ kind: 'run', chunk, transfer: transfer === 'buffers' }, worker);
    },
    finish: () => (isFinished ? core.workersOf(owner).map((worker) => start({ kind: 'finish' }, worker)) : []),
    flush: (urgency) => core.flush(owner, urgency),
    close: () => core.close(owner),
  };
}
