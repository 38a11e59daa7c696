import { describe, expect, test } from 'vitest';
import { createLedger } from '../../src/index.ts';
import { otlpReceiver } from '../../src/inputs/otlpReceiver/index.ts';
import {
  figure,
  figuresOfLedger,
  figuresOfReceiver,
  onlyCounters,
  prometheusText,
  sumOfFigures,
} from '../../src/relay/stats/figures.ts';

/** The figures of a stage of this name that has taken so many items. */
function figuresOf(stage: string, accepted: number) {
  const ledger = createLedger();
  const account = ledger.open('input', stage);
  account.accept(accepted);
  account.refuse(2, 'queueFull');
  account.lose(1, 'shutdown');
  return figuresOfLedger(ledger.stats(), 'send');
}

describe('figures', () => {
  test('have each item of a stage by its fate, and what is pending', () => {
    const { counters, gauges } = figuresOf('rebatch', 5);
    expect(counters).toMatchObject({
      'spanflow_relay_items_total{stage="rebatch",fate="accepted"}': 5,
      'spanflow_relay_items_total{stage="rebatch",fate="refused",reason="queueFull"}': 2,
      'spanflow_relay_items_total{stage="rebatch",fate="lost",reason="shutdown"}': 1,
    });
    expect(gauges['spanflow_relay_pending_items{stage="rebatch"}']).toBe(4);
  });

  test('of a receiver have how requests were answered, and what of their texts was malformed', () => {
    const stats = { ...otlpReceiver().stats(), requests: 3, malformedTexts: 2, bytesInFlight: 7 };
    const { counters, gauges } = figuresOfReceiver({ ...stats, answers: { http: { 200: 2 }, grpc: { 8: 1 } } });
    expect(counters).toEqual({
      spanflow_relay_requests_total: 3,
      'spanflow_relay_answers_total{protocol="http",code="200"}': 2,
      'spanflow_relay_answers_total{protocol="grpc",code="8"}': 1,
      spanflow_relay_malformed_texts_total: 2,
    });
    expect(gauges).toMatchObject({ spanflow_relay_received_bytes_in_flight: 7, spanflow_relay_open_requests: 0 });
  });

  test('of several are added up by name and labels; of what has ended only what grows stays', () => {
    const sum = sumOfFigures([figuresOf('a', 5), figuresOf('b', 7), onlyCounters(figuresOf('a', 1))]);
    expect(sum.counters).toMatchObject({
      'spanflow_relay_items_total{stage="a",fate="accepted"}': 6,
      'spanflow_relay_items_total{stage="b",fate="accepted"}': 7,
    });
    expect(sum.gauges).toMatchObject({
      'spanflow_relay_pending_items{stage="a"}': 4,
      'spanflow_relay_pending_items{stage="b"}': 6,
    });
  });

  test('are told as Prometheus reads them: each name once with its type, and labels escaped', () => {
    const text = prometheusText(sumOfFigures([figuresOf('a "b"\\\n', 1), figure('gauges', 'workers', 2)]));
    expect(text).toContain('spanflow_relay_items_total{stage="a \\"b\\"\\\\\\n",fate="accepted"} 1\n');
    expect(text.match(/^# TYPE spanflow_relay_items_total counter$/gm)).toHaveLength(1);
    expect(text).toMatch(/# TYPE spanflow_relay_workers gauge\nspanflow_relay_workers 2\n$/);
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# TYPE \w+ (counter|gauge)|\w+(\{(\w+="(\\.|[^"\\])*",?)+\})? -?\d+(\.\d+)?)$/);
  });
});
