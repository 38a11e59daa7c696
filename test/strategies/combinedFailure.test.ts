import { describe, expect, test } from 'vitest';
import type { Failure } from '../../src/index.ts';
import { combinedFailure } from '../../src/strategies/combinedFailure.ts';

const RETRYABLE: Failure = { kind: 'retryable' };
const REFUSED: Failure = { kind: 'retryable', connectionRefused: true };
const PERMANENT: Failure = { kind: 'permanent' };
const ARRIVED: Failure = { kind: 'permanent', mayHaveArrived: true };
const UNKNOWN: Failure = { kind: 'unknownOutcome' };
const TOO_LARGE: Failure = { kind: 'tooLarge' };
const later = (retryAfterMillis: number): Failure => ({ kind: 'throttled', retryAfterMillis });

describe('failures at several backends are together', () => {
  test.each<[string, readonly Failure[], Failure]>([
    ['retryable, if one is', [PERMANENT, RETRYABLE, TOO_LARGE], RETRYABLE],
    ['unknown, if one is', [RETRYABLE, UNKNOWN], UNKNOWN],
    ['unknown, if one may have arrived and another may be tried again', [ARRIVED, RETRYABLE], UNKNOWN],
    ['throttled, until the first is ready', [later(500), PERMANENT, later(200)], later(200)],
    ['retryable, if one is ready now', [later(500), RETRYABLE], RETRYABLE],
    ['refused connections, if all are', [REFUSED, REFUSED, PERMANENT], REFUSED],
    ['not refused, if one is not', [REFUSED, RETRYABLE], RETRYABLE],
    ['permanent, and may have arrived', [TOO_LARGE, ARRIVED], ARRIVED],
    ['too large, where a part may fit', [PERMANENT, TOO_LARGE], TOO_LARGE],
    ['permanent', [PERMANENT, PERMANENT], PERMANENT],
  ])('%s', (_title, failures, expected) => {
    expect(combinedFailure(failures)).toEqual(expected);
    expect(combinedFailure([...failures].reverse())).toEqual(expected);
  });
});
