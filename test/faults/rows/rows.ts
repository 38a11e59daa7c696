import type { Row } from '../row.ts';
import { ANSWERS } from './answers.ts';
import { CONNECTING } from './connecting.ts';
import { HTTP2 } from './http2.ts';
import { PROCESSES } from './processes.ts';
import { REFUSALS } from './refusals.ts';
import { REQUESTS } from './requests.ts';
import { SECURED } from './secured.ts';

/** The table. */
export const ROWS: readonly Row[] = [
  ...CONNECTING,
  ...SECURED,
  ...REQUESTS,
  ...ANSWERS,
  ...REFUSALS,
  ...HTTP2,
  ...PROCESSES,
];
