import type { Hello, Sample } from '../shared/messages.ts';
import { type Verdict, verdictOf } from '../shared/verdict.ts';
import { Charts } from './charts.ts';
import { byId, element, setText } from './dom.ts';
import { Books, Figures, Losses } from './figures.ts';
import { FlowPicture } from './flow.ts';
import { PipelineState } from './pipelineState.ts';
import { Traces } from './traces.ts';

const picker = byId<HTMLSelectElement>('pipeline');
const pause = byId('pause');
const verdict = byId('verdict');
const connection = byId('connection');

const flow = new FlowPicture(byId('flow'), byId('stages'));
const figures = new Figures(byId('figures'));
const books = new Books(byId('books'));
const losses = new Losses(byId('reasons'), byId('losses'));
const charts = new Charts(byId('charts'));
const traces = new Traces();

let states = new Map<string, PipelineState>();
let clockSkewMillis = 0; // between the scheduler's time and the time of day
let isPaused = false;
let sampledAtMillis: number | undefined; // time of day
let isGone = false; // the program, as far as the page can tell

function onHello({ sample, points, maxPoints, maxTraces }: Hello): void {
  clockSkewMillis = Date.now() - sample.at;
  states = new Map(Object.entries(points).map(([name, kept]) => [name, new PipelineState(name, kept, maxPoints)]));
  const chosen = picker.value;
  picker.replaceChildren(...[...states.keys()].map((name) => element('option', { value: name }, name)));
  if (states.has(chosen)) picker.value = chosen;
  byId('picker').hidden = states.size < 2;
  traces.clear();
  traces.maxTraces = maxTraces;
  onSample(sample);
}

function onSample({ at, pipelines, traces: newer, unseenSpans }: Sample): void {
  sampledAtMillis = at + clockSkewMillis;
  for (const sample of pipelines) states.get(sample.name)?.add(sample, at + clockSkewMillis);
  traces.add(newer, unseenSpans);
  if (!isPaused && !document.hidden) show();
}

function show(): void {
  const state = states.get(picker.value);
  if (state?.sample === undefined) return;
  if (!isGone) showVerdict(verdictOf(state.sample, state.points));
  flow.update(state);
  figures.update(state);
  books.update(state);
  losses.update(state);
  charts.update(state.points, clockSkewMillis);
  traces.update(state.name);
}

function showVerdict({ level, text }: Verdict): void {
  setText(verdict, text);
  verdict.dataset.level = level;
}

/** The figures stay, and are no longer those of now. */
function showGone(): void {
  isGone = true;
  const text = 'The program has ended or cannot be reached';
  const figuresOf =
    sampledAtMillis === undefined
      ? ''
      : `; these are the figures of ${new Date(sampledAtMillis).toLocaleTimeString('en-GB')}`;
  showVerdict({ level: 'loss', text: `${text}${figuresOf}.` });
}

function setConnection(state: 'live' | 'lost' | 'refused', text: string): void {
  connection.dataset.state = state;
  setText(connection, text);
}

pause.addEventListener('click', () => {
  isPaused = !isPaused;
  pause.setAttribute('aria-pressed', String(isPaused));
  setText(pause, isPaused ? 'Go on' : 'Pause');
  if (!isPaused) show();
});
picker.addEventListener('change', show);
document.addEventListener('visibilitychange', show);
byId('stages').addEventListener('toggle', show);

const stream = new EventSource('/events');
stream.addEventListener('hello', ({ data }) => {
  isGone = false;
  setConnection('live', 'live');
  onHello(JSON.parse(data));
});
stream.addEventListener('sample', ({ data }) => onSample(JSON.parse(data)));
stream.addEventListener('error', () => {
  showGone();
  if (stream.readyState === EventSource.CLOSED) setConnection('refused', 'not connected: reload to try again');
  else setConnection('lost', 'connection lost, trying again');
});
