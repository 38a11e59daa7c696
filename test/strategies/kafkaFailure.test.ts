import { expect, test } from 'vitest';
import { type KafkaFacts, kafkaFailureOf } from '../../src/strategies/kafkaFailure.ts';
import { fnv1aOf } from '../../src/strategies/keyHash.ts';
import { comesAgain } from '../../src/strategies/redelivery.ts';

const NONE: KafkaFacts = { answers: [], isUnconnected: false, isRefused: false, isForbidden: false, isPartial: false };

test.each([
  ['MESSAGE_TOO_LARGE', 'tooLarge'],
  ['RECORD_LIST_TOO_LARGE', 'tooLarge'],
  ['NOT_ENOUGH_REPLICAS', 'retryable'],
  ['UNKNOWN_TOPIC_OR_PARTITION', 'retryable'],
  ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'unknownOutcome'],
  ['REQUEST_TIMED_OUT', 'unknownOutcome'],
  ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'unknownOutcome'],
  ['TOPIC_AUTHORIZATION_FAILED', 'permanent'],
  ['INVALID_REQUIRED_ACKS', 'permanent'],
])('the answer %s is %s', (answer, kind) => {
  expect(kafkaFailureOf({ ...NONE, answers: [answer] }).kind).toBe(kind);
});

test('without an answer it depends on whether something was sent', () => {
  expect(kafkaFailureOf({ ...NONE, isUnconnected: true, isRefused: true })).toEqual({
    kind: 'retryable',
    connectionRefused: true,
  });
  expect(kafkaFailureOf({ ...NONE, isUnconnected: true })).toEqual({ kind: 'retryable', connectionRefused: false });
  expect(kafkaFailureOf(NONE)).toEqual({ kind: 'unknownOutcome' });
  expect(kafkaFailureOf({ ...NONE, isForbidden: true })).toEqual({ kind: 'permanent', mayHaveArrived: false });
});

test('once a part was acknowledged, nothing is certain not to have arrived', () => {
  const partial = { ...NONE, isPartial: true };
  expect(kafkaFailureOf({ ...partial, isUnconnected: true })).toEqual({ kind: 'unknownOutcome' });
  expect(kafkaFailureOf({ ...partial, answers: ['NOT_ENOUGH_REPLICAS'] })).toEqual({ kind: 'unknownOutcome' });
  expect(kafkaFailureOf({ ...partial, isForbidden: true })).toEqual({ kind: 'permanent', mayHaveArrived: true });
});

test('keys are hashed as FNV-1a is published, as a signed number without its sign', () => {
  // http://www.isthe.com/chongo/tech/comp/fnv/: "a" is e40c292c, "foobar" is bf9cf968, "" is 811c9dc5.
  const signed = (hash: number) => Math.abs(hash | 0);
  expect(['a', 'foobar', ''].map((key) => fnv1aOf(Buffer.from(key)))).toEqual(
    [0xe40c292c, 0xbf9cf968, 0x811c9dc5].map(signed),
  );
});

test('what is lost because the reader ends comes again, and no other loss does', () => {
  const lost = (reason: 'shutdown' | 'unsubscribed' | 'retriesExhausted', count = 1) => ({
    lost: [{ reason, count, stage: '' }],
  });
  expect([lost('shutdown'), lost('unsubscribed')].map(comesAgain)).toEqual([true, true]);
  expect([lost('retriesExhausted'), lost('shutdown', 0), { lost: [] }].map(comesAgain)).toEqual([false, false, false]);
});
