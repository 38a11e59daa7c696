/**
 * What each figure is to reach, and why. A goal is of our own figure, or of its ratio to the official packages or to the limit, in the same run: only ratios and such figures as hardly
 * depend on the machine are worth a number. Nothing fails because of them: the tables say `met` or `missed`.
 */
export interface Goal {
  readonly of: 'spanflow' | 'overOfficial' | 'overLimit';
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Budget {
  /** What it must not fall behind. */
  readonly bar?: Goal;
  /** What it is to get to. */
  readonly aim?: Goal;
  /** Why these numbers. */
  readonly reason: string;
}

export type BudgetKey =
  | 'requestRate'
  | 'requestCpu'
  | 'bareRate'
  | 'bareCpu'
  | 'delivered'
  | 'requests'
  | 'deliveredFar'
  | 'requestsFar'
  | 'endOfSpan'
  | 'loopDelay'
  | 'goodDelivered'
  | 'goodMedian'
  | 'goodP99'
  | 'isolationMemory'
  | 'intake'
  | 'specification'
  | 'specificationOver'
  | 'start'
  | 'startCpu'
  | 'startBundled'
  | 'startBundledCpu'
  | 'bundle'
  | 'firstExport'
  | 'firstExportCpu'
  | 'streams'
  | 'streamsBeyondRxjs'
  | 'relayRequest'
  | 'relayBare'
  | 'relayFilter'
  | 'relayMetrics'
  | 'relayMemory'
  | 'durableRate'
  | 'durableRateNormal'
  | 'durableP99'
  | 'durableP99Normal'
  | 'durableBytes'
  | 'durableOpen'
  | 'durableDrain'
  | 'durableDelay';

export const budgets: Readonly<Record<BudgetKey, Budget>> = {
  requestRate: {
    bar: { of: 'overOfficial', atLeast: 3.5 },
    aim: { of: 'overLimit', atLeast: 0.6 },
    reason: `Encoding is what the official packages spend most on. An encoder four times as fast, and a queue and HTTP that cost neither of them much, leave three and a half. From 60 % of raw
posting on it is the socket that decides, and no longer the library.`,
  },
  requestCpu: {
    bar: { of: 'overOfficial', atMost: 1 / 3 },
    reason: `What exporting takes is taken from the program that is observed. The same sum as for the rate, less what only the rate gains by several requests at once.`,
  },
  bareRate: {
    bar: { of: 'overOfficial', atLeast: 2.5 },
    aim: { of: 'overOfficial', atLeast: 4 },
    reason: `A span without attributes leaves little to encode, so what counts is each step that a span takes: there are more of them here (a ring, the books, an estimate of its size), and they
have to be the cheaper. Four is the factor of the encoder, with nothing of it lost on the way.`,
  },
  bareCpu: {
    reason: 'It stands beside the rate, which says the same by another measure.',
  },
  delivered: {
    bar: { of: 'spanflow', atLeast: 100 },
    aim: { of: 'spanflow', atLeast: 100 },
    reason: `Twelve requests of 2,000 spans at once, where the limit begins, bear 480,000 spans a second behind 50 ms: nearly five times what is offered, so there is no excuse for a loss. One request of 512 bears 10,000.`,
  },
  requests: {
    aim: { of: 'overLimit', atMost: 1.1 },
    reason: `A tenth more than if each request were full: the batches begin at 500 and have to find out that larger ones cost nothing. A backend pays for each request.`,
  },
  deliveredFar: {
    bar: { of: 'spanflow', atLeast: 100 },
    aim: { of: 'spanflow', atLeast: 100 },
    reason: `Ten requests of 2,000 spans have to be in flight behind 200 ms, and the limit begins at twelve: the queue holds what comes during the first round trip, and while the encoder warms up.`,
  },
  requestsFar: {
    reason:
      'It stands beside what is delivered: a distant backend is given full batches, because no slot is free before they are.',
  },
  endOfSpan: {
    bar: { of: 'spanflow', atMost: 50 },
    aim: { of: 'spanflow', atMost: 10 },
    reason: `One in a thousand is twenty times a second here. 50 µs is about one HTTP round trip on loopback: no request that is observed gets longer than it varies by itself. 10 µs is what
pushing into a ring takes when the ring has to grow, or when a collection falls into it.`,
  },
  loopDelay: {
    bar: { of: 'spanflow', atMost: 1 },
    aim: { of: 'spanflow', atMost: 0.2 },
    reason: `1 ms is what a timer is exact to, so nobody notices. 0.2 ms is the encoding of some 200 spans: what one turn of the event loop should do at most.`,
  },
  goodDelivered: {
    bar: { of: 'spanflow', atLeast: 100 },
    aim: { of: 'spanflow', atLeast: 100 },
    reason: 'A branch has a queue of its own: what the others cannot take is lost there, and nothing is lost here.',
  },
  goodMedian: {
    reason: 'It stands beside the 99th percentile, where a queue in common would show first.',
  },
  goodP99: {
    bar: { of: 'overLimit', atMost: 1.25 },
    aim: { of: 'overLimit', atMost: 1.1 },
    reason: `No branch waits for another one, but all three share a thread: what two more branches book, drop and post takes some of its time. A tenth is
meant for that, and a quarter leaves room for how much a 99th percentile varies by itself.`,
  },
  isolationMemory: {
    reason:
      'Two more queues of 32,768 spans are allowed to fill up, and no more: it stands here to show that the memory is bounded.',
  },
  intake: {
    bar: { of: 'spanflow', atMost: 250 },
    aim: { of: 'spanflow', atMost: 100 },
    reason: `It is paid on the thread of the program, also for spans that a filter takes out. At 100,000 spans a second 250 ns are 2.5 % of a processor, and 100 ns are 1 %.`,
  },
  specification: {
    bar: { of: 'overOfficial', atMost: 1 },
    reason: `What a service pays for its tracing, most of which is the making of spans: that is the SDK's, whoever exports them.`,
  },
  specificationOver: {
    bar: { of: 'overOfficial', atMost: 0.5 },
    reason: `The same without what the making of the spans takes: what is left is the exporting. Encoding costs the official packages most, and at this rate both send few requests.`,
  },
  start: {
    bar: { of: 'overOfficial', atMost: 1 },
    reason: `A function that starts cold pays it before its first answer. RxJS alone takes half as long as the official pair, so the rest must be small: a bundle, and an HTTP client that is loaded later.`,
  },
  startCpu: {
    reason: 'It stands beside the time, which depends more on what else the machine does.',
  },
  startBundled: {
    bar: { of: 'overOfficial', atMost: 1 },
    reason:
      'Who bundles a function does it for its start. V8 reads all of a file before it runs any of it, also what runs later: 36 kB of the official pair; here 194 kB of spanflow, 45 of RxJS and 455 of undici. On the machine of the README that alone takes 22 ms of CPU (11, 2 and 9), so the bar cannot be met in one file. `NODE_COMPILE_CACHE` spares most of that: then it is 1.9 times.',
  },
  startBundledCpu: {
    reason: 'It stands beside the time, which depends more on what else the machine does.',
  },
  bundle: {
    bar: { of: 'spanflow', atMost: 350 },
    reason: 'Half a megabyte is what hosts of functions call large, and undici takes the rest of that.',
  },
  firstExport: {
    reason:
      'Loading the HTTP client later only postpones this cost: the client of undici takes about as long to load as node:http, which the official exporter uses, and needs most of that, too.',
  },
  firstExportCpu: {
    reason: 'It stands beside the time, which depends more on what else the machine does.',
  },
  streams: {
    reason: 'It stands beside the difference, which has the bar.',
  },
  streamsBeyondRxjs: {
    bar: { of: 'spanflow', atMost: 25 },
    reason:
      'Programs that use operators import RxJS anyway, so only the rest counts. It is CPU time: a difference of two short times is lost in what else the machine does.',
  },
  relayRequest: {
    bar: { of: 'overOfficial', atLeast: 3 },
    reason: `A Collector reads each attribute into an object and writes it again. Who copies the bytes of ten attributes spares both, and what is left is one scan, HTTP and the books. A Collector takes some 10 µs of CPU for such a
span, and a proxy on node:http 2.5.`,
  },
  relayBare: {
    bar: { of: 'overOfficial', atLeast: 1 },
    reason:
      'There is nothing in a bare span to spare: what counts is each step that a span takes, in JavaScript here and in Go there.',
  },
  relayFilter: {
    bar: { of: 'overOfficial', atLeast: 1.5 },
    reason:
      'All attributes of each span are read, and none is written: half of what decoding and encoding takes, and more. The Collector beside it has no filter.',
  },
  relayMetrics: {
    bar: { of: 'overOfficial', atLeast: 1.5 },
    reason:
      'A name, a kind, a status and two times of each span are read, and folded into a histogram. The Collector beside it makes no metrics.',
  },
  relayMemory: {
    bar: { of: 'spanflow', atMost: 64 },
    reason:
      'At this rate some 2,000 spans wait for 200 ms, in 1 MB of requests. What else a relay takes is code, and garbage that nobody has collected yet.',
  },
  durableRate: {
    bar: { of: 'overLimit', atLeast: 0.1 },
    reason: `What comes while the disk syncs is written together, so the time of a sync is shared by 8 batches. A tenth of memory alone is what a disk that syncs in some 10 ms leaves.`,
  },
  durableRateNormal: {
    bar: { of: 'overLimit', atLeast: 0.25 },
    reason: `Nothing waits for the disk but a checkpoint. Each byte is copied into the log and from there into the database, and has two checksums: what the encoder takes, three times more.`,
  },
  durableP99: {
    reason:
      'It is the time of a sync or two, and now and then of a checkpoint: the figure of the disk, beside which the rate has the bar.',
  },
  durableP99Normal: {
    reason: 'It is the time of a checkpoint, which one write in some twenty waits for: the figure of the disk.',
  },
  durableBytes: {
    bar: { of: 'overLimit', atMost: 2.5 },
    reason: `A body is written twice, into the log and into the database. A half is for pages that are not full, inner nodes and the index.`,
  },
  durableOpen: {
    bar: { of: 'spanflow', atMost: 1_000 },
    reason: `A start reads the log, of some MiB, and the index of the sizes, of some dozen bytes a batch, but no body: it takes about as long for 1 GiB as for 100 MiB.`,
  },
  durableDrain: {
    reason: 'It is what reading and decoding take, and the removal of each batch. A backend takes longer.',
  },
  durableDelay: {
    bar: { of: 'spanflow', atMost: 1 },
    reason: `Encoding is cut into slices, and what touches the disk is in a thread: the program must not notice that there is a disk. 1 ms is what a timer is exact to.`,
  },
};

/** How many times as fast as the official packages. */
export interface CodecBudget {
  readonly bar: number;
  readonly aim?: number;
  readonly reason: string;
}

export type CodecKey =
  | 'encode'
  | 'encodeBare'
  | 'encodeLogs'
  | 'encodeMetrics'
  | 'decode'
  | 'decodeLogs'
  | 'decodeMetrics'
  | 'encodeJson'
  | 'viewJson';

export const codecBudgets: Readonly<Record<CodecKey, CodecBudget>> = {
  encode: {
    bar: 4.5,
    aim: 8,
    reason: `The official serializer measures each message before it writes it, and encodes each key and value anew. To write once is worth two, and not to encode what comes again as much
again; the rest is to be found in how an attribute is read.`,
  },
  encodeBare: {
    bar: 3.5,
    aim: 6,
    reason: 'Without attributes nothing comes again but names: what is left is ids, times, and the frames of messages.',
  },
  encodeLogs: {
    bar: 3,
    aim: 5,
    reason:
      'Half of the attributes of a span leave half of the gain that comes from them, and the body of each record is new. What a record has besides is times and ids, as a bare span has.',
  },
  decode: {
    bar: 4,
    aim: 8,
    reason:
      'protobufjs makes an object of each message, of which spans are then made. To make spans from the bytes leaves out the first half.',
  },
  encodeMetrics: {
    bar: 3,
    aim: 5,
    reason:
      'Nearly half of what a point takes are numbers, of which none comes again: what is gained by not encoding twice is gained with its attributes and with the name of its metric only.',
  },
  decodeLogs: {
    bar: 2.5,
    aim: 5,
    reason: 'As with spans. Less of a log record comes again: its text is new, and so are its ids.',
  },
  decodeMetrics: {
    bar: 2,
    aim: 5,
    reason:
      'As with logs. The counts and boundaries of a histogram are lists of numbers, which protobufjs reads as fast.',
  },
  encodeJson: {
    bar: 0.6,
    aim: 1,
    reason:
      'Few ask for JSON. It is written from the protobuf message by one writer for all signals, in two passes; the official one is JSON.stringify, which is native code.',
  },
  viewJson: {
    bar: 0.66,
    reason: `No more than 1.5 times JSON.parse: that is the whole of reading a body, to views of its items. The parsed objects are gone over once, which costs the more the less
text there is to each of them: a bare span has its ids and times looked at character by character, and little else.`,
  },
};
